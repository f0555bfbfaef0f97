"""The relay that gives a car one phase or all of them: it moves only while the contactor is open.

Its pin is high for all phases, low for one. An earlier process may have left coil and relay on, so
the pin is taken over, and falls, only once the mirror contact has opened; and it is not let go
before that either.

Quality: gpiozero's mock pins; no relay has been switched by it yet.
"""

from __future__ import annotations

import asyncio
from typing import Any

from edge.drivers.gpio_pins import Pins


class PhaseRelay:
    """The relay of one charging point of *phases* phases; calls come one at a time."""

    def __init__(self, pins: Pins, phases: int) -> None:
        self._pins = pins
        self._all = phases
        self._output: Any | None = None

    @property
    def is_there(self) -> bool:
        """Whether there is a relay."""
        return self._pins.open_phase_relay is not None

    @property
    def phases(self) -> int | None:
        """What it gives, `None` without a relay; all until its pin is ours, as a car could draw."""
        if not self.is_there:
            return None
        is_low = self._output is not None and not self._output.value
        return 1 if is_low else self._all

    def take(self) -> None:
        """Take over the pin, low from then on, once the contactor is open."""
        is_free = self.is_there and self._output is None and not self._pins.reads("feedback")
        if is_free and self._pins.open_phase_relay is not None:
            self._output = self._pins.open_phase_relay()

    def move(self, phases: int) -> bool:
        """Give one phase or all; whether it could, which wants the mirror contact open."""
        if self._output is None or self._pins.reads("feedback"):
            return False
        self._output.value = phases > 1
        return True

    async def let_fall(self, within_s: float) -> None:
        """Wait until the contactor is open, so that no relay falls under load when pins close."""
        if self._output is not None and self._output.value:
            feedback = self._pins.inputs["feedback"]
            await asyncio.to_thread(feedback.wait_for_inactive, within_s)
