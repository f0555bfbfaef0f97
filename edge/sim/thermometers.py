"""The thermometers beside the contactors, as the kernel shows chips on a 1-Wire bus: files."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from edge.sim.outlet import Outlet

POLL_S: Final = 0.2  # a test does not wait five seconds


class Thermometers:
    """One chip per connector, in a directory of their own."""

    def __init__(self) -> None:
        self._devices = Path(tempfile.mkdtemp(prefix="tapwatt-w1-"))
        self._shown: dict[int, float | None] = {}

    def table(self, connector: int) -> dict[str, Any]:
        """`[connectors.N.temperature]` as an installer of this bay would write it."""
        return {
            "kind": "w1",
            "device": _name(connector),
            "devices": str(self._devices),
            "poll_s": POLL_S,
        }

    def show(self, outlets: Mapping[int, Outlet]) -> None:
        """Bring every chip to how warm it is; one whose wire is broken has no file."""
        for connector, outlet in outlets.items():
            celsius = outlet.temperature_c
            if connector in self._shown and self._shown[connector] == celsius:
                continue
            self._shown[connector] = celsius
            self._write(self._devices / _name(connector) / "temperature", celsius)

    def _write(self, file: Path, celsius: float | None) -> None:
        if celsius is None:
            file.unlink(missing_ok=True)
            return
        file.parent.mkdir(exist_ok=True)
        half = file.with_name("being-written")
        half.write_text(f"{round(celsius * 1000)}\n", encoding="ascii")
        half.replace(file)  # for who reads meanwhile; nothing here outlives a power cut

    def close(self) -> None:
        """Take the files away."""
        shutil.rmtree(self._devices, ignore_errors=True)


def _name(connector: int) -> str:
    return f"28-{connector:012x}"
