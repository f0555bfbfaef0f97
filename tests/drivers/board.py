"""A board of gpiozero's mock pins with a charging point on it, seen from outside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPWMPin

from edge.core.events import EvseSeen
from edge.drivers.gpio_evse import GpioEvse, open_evse
from edge.drivers.gpio_pins import GpioSettings
from tests.drivers.rigs import Inbox, rig, running

PINS: dict[str, int] = {
    "coil": 17,
    "feedback": 27,
    "plug": 22,
    "pilot_pwm": 12,
    "vehicle": 23,
    "ready": 24,
    "ventilation": 25,
    "pilot_fault": 8,
    "emergency_stop": 5,
    "rcd": 6,
    "over_temperature": 7,
    "lamp_red": 16,
    "lamp_green": 20,
    "lamp_blue": 21,
    "lock": 26,
    "locked": 19,
    "stop_button": 13,
}


class Board:
    """The pins from outside: what the circuit does to them."""

    def __init__(self) -> None:
        self.factory = MockFactory(pin_class=MockPWMPin)

    def drive(self, name: str, *, high: bool) -> None:
        pin = self.factory.pin(PINS[name])
        (pin.drive_high if high else pin.drive_low)()

    def level(self, name: str) -> float:
        return float(self.factory.pin(PINS[name]).state)

    def car(self, state: str) -> None:
        """Show the pilot of a car in state A, B, C, D or E."""
        self.drive("pilot_fault", high=state == "E")
        self.drive("vehicle", high=state != "A")
        self.drive("ventilation", high=state == "D")
        self.drive("ready", high=state in "CD")


@asynccontextmanager
async def opened(board: Board, *without: str, **more: Any) -> AsyncIterator[GpioEvse]:
    pins = {name: pin for name, pin in PINS.items() if name not in without}
    settings = GpioSettings(**(pins | more))
    async with open_evse(settings, rig(pin_factory=board.factory), 1) as evse:
        yield evse


@asynccontextmanager
async def charging(board: Board) -> AsyncIterator[tuple[GpioEvse, Inbox]]:
    """A car in state C behind a closed contactor."""
    async with opened(board) as evse, running(evse.run) as inbox:
        board.drive("plug", high=True)
        board.car("C")
        evse.offer(16)
        evse.energise()
        board.drive("feedback", high=True)
        await inbox.first(EvseSeen, lambda seen: seen.contactor_closed and seen.plugged)
        inbox.forget()
        yield evse, inbox
