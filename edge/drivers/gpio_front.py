"""What a driver sees and hears: which lamps are lit, and when the buzzer beeps.

Quality: gpiozero's mock pins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from edge.core.effects import Lamp

COLOURS: Final[Mapping[Lamp, str]] = {
    Lamp.OFF: "",
    Lamp.AVAILABLE: "green",
    Lamp.WAITING: "green blue",
    Lamp.READY: "green blue",
    Lamp.CHARGING: "blue",
    Lamp.SUSPENDED: "red green",
    Lamp.FINISHED: "red green blue",
    Lamp.REFUSED: "red blue",
    Lamp.UNAVAILABLE: "red",
    Lamp.FAULTED: "red",
    Lamp.SETUP: "red green blue",
}
"""Which of the three lamps are lit, steadily."""

ACCEPTED_S: Final = 0.15
REFUSED_S: Final = 0.8
WELL: Final = frozenset({Lamp.READY, Lamp.CHARGING, Lamp.SUSPENDED, Lamp.FINISHED})
"""How a wait may end that a card began."""


def beep_s(before: Lamp, lamp: Lamp) -> float:
    """How long to beep when the lamp changes so: long for a refusal, short for a yes, else 0."""
    if lamp is Lamp.REFUSED:
        return REFUSED_S
    return ACCEPTED_S if before is Lamp.WAITING and lamp in WELL else 0.0


class Front:
    """The lamps and the buzzer of one charging point."""

    def __init__(self, lamps: Mapping[str, Any], buzzer: Any | None) -> None:
        self._lamps = lamps
        self._buzzer = buzzer
        self._shown = Lamp.OFF

    def show(self, lamp: Lamp) -> None:
        """Light the lamps of *lamp*, and beep if the change deserves it."""
        lit = COLOURS[lamp].split()
        for colour, device in self._lamps.items():
            device.value = colour in lit
        for_s = beep_s(self._shown, lamp)
        self._shown = lamp
        if self._buzzer is not None and for_s:
            self._buzzer.blink(on_time=for_s, off_time=0, n=1)

    def close(self) -> None:
        """Dark and still."""
        self.show(Lamp.OFF)
        if self._buzzer is not None:
            self._buzzer.off()
