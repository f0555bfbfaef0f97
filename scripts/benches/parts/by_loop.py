"""The charging point without its reflex: only the loop's own thread opens the coil.

A driver like any third party's, found by entry point (`by_loop_driver` writes one for a child). It
is `gpio` on the same pins but for the coil, which does not obey the thread that brings the inputs.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from edge.drivers.gpio_evse import GpioEvse
from edge.drivers.gpio_pins import GpioSettings, open_pins
from edge.drivers.registry import Rig

KIND = "gpio_by_loop"


class LoopsCoil:
    """A coil that the main thread alone may open."""

    def __init__(self, coil: Any) -> None:
        self._coil = coil

    @property
    def value(self) -> int:
        """What the pin shows to the loop; to others it is off, as they wrote it."""
        return int(self._coil.value) if _is_loop() else 0

    def on(self) -> None:
        """Close."""
        self._coil.on()

    def off(self) -> None:
        """Open, if the loop says so."""
        if _is_loop():
            self._coil.off()


def _is_loop() -> bool:
    return threading.current_thread() is threading.main_thread()


@asynccontextmanager
async def open_evse(settings: GpioSettings, rig: Rig, place: int) -> AsyncIterator[GpioEvse]:
    """Open the charging point of connector *place*."""
    with ExitStack() as stack:
        pins = open_pins(settings, rig.pin_factory, stack)
        loops = dataclasses.replace(pins, coil=LoopsCoil(pins.coil))
        evse = GpioEvse(settings, loops, rig.clock, place)
        try:
            yield evse
        finally:
            evse.close()


def by_loop_driver(directory: Path) -> Path:
    """Write a distribution that offers this driver; put the result on a child's PYTHONPATH."""
    described = directory / "tapwatt_bench-0.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: tapwatt-bench\nVersion: 0\n")
    entry = f"[edge.drivers]\nevse.{KIND} = scripts.benches.parts.by_loop:open_evse\n"
    (described / "entry_points.txt").write_text(entry)
    return directory
