"""A simulated EVSE-DIN beside an outlet: holds pilot and contactor, obeys Modbus.

Knows its registers by code of its own, not by the driver's file: mistakes in either show. It is
the reflex of its outlet: it opens at once when the car lets go, and 6 s after it took back its
offer from a car that does not. Switched on it offers what register 2000 holds, as the real one.
Source: the register list named in `edge/drivers/controllers/evse_din.toml`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from edge.sim.outlet import MeterFault, Wire, is_high
from edge.sim.registers import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, Refused

if TYPE_CHECKING:
    from edge.sim.outlet import Outlet

AMPS, OUTPUT, VEHICLE, CONTROL, REVISION, STATE, FAILS, BOOT_AMPS = (
    1000,
    1001,
    1002,
    1004,
    1005,
    1006,
    1007,
    2000,
)
SPANS: Final = (range(1000, 1011), range(2000, 2018))
WRITTEN: Final = (AMPS, CONTROL, *range(2000, 2009))
DELIVERED: Final = {REVISION: 18, BOOT_AMPS: 32, 2001: 1, 2002: 6}
STATES: Final = {"A": 1, "B": 2, "C": 3, "D": 4}
FAILURE: Final = 5
CHARGING: Final = 3
LEAST_A: Final = 6
BEND_A: Final = 51  # above, a percent of duty means 2.5 A instead of 0.6
RELEASE_S: Final = 6.0
HOLDING: Final = 3

Touch = Callable[[], AbstractContextManager[object]]
"""A block in which the world may be changed; at its end it draws its conclusions."""


class Disorder(StrEnum):
    """What is wrong with a controller."""

    SILENT = "silent"
    LIES = "lies"  # shows that it charges, whatever it does
    DEAF = "deaf"  # takes orders, and does not carry them out
    DIODE = "diode"  # finds no diode in the car


class Controller:
    """The board of one outlet. `drive` after every change of the world."""

    def __init__(self) -> None:
        self.disorders: set[Disorder] = set()
        self.registers = dict(DELIVERED)
        self.release_at: float | None = None
        self._powered = False
        self._obeyed = (0, 0)

    def drive(self, outlet: Outlet, now_s: float) -> None:
        """Set the outlet's pilot and coil."""
        if not outlet.mains:
            self._powered = False
            self.release_at = None
            outlet.outputs |= {"coil": 0.0, "pilot_pwm": 0.0}
            return
        if not self._powered:
            self._powered = True
            self.registers |= {AMPS: self.registers[BOOT_AMPS], CONTROL: 0}
        if Disorder.DEAF not in self.disorders:
            self._obeyed = self.registers[AMPS], self.registers[CONTROL]
        amps, control = self._obeyed
        fails = self._fails(outlet)
        offers = amps >= LEAST_A and not control & 1 and not fails
        outlet.outputs["pilot_pwm"] = _duty(amps) if offers else 1.0
        asks = outlet.car in ("C", "D")
        if not asks or fails or control & 1:
            coil, self.release_at = False, None
        elif offers:
            coil, self.release_at = True, None
        else:
            coil = is_high(outlet.outputs["coil"])
            if coil and self.release_at is None:
                self.release_at = now_s + RELEASE_S
            coil = coil and self.release_at is not None and now_s < self.release_at
            if not coil:  # over, whether or not the car has let go
                self.release_at = None
        outlet.outputs["coil"] = float(coil)
        self._show(outlet, amps if offers else 0, fails)

    def _fails(self, outlet: Outlet) -> int:
        """The bits of its fault register."""
        return (
            (0x02 if Disorder.DIODE in self.disorders else 0)
            | (0x08 if Wire.PILOT_FAULT in outlet.wires else 0)
            | (0x10 if Wire.RCD in outlet.wires else 0)
        )

    def _show(self, outlet: Outlet, output: int, fails: int) -> None:
        vehicle = FAILURE if fails else STATES[outlet.car]
        if Disorder.LIES in self.disorders:
            vehicle, output = CHARGING, LEAST_A
        self.registers |= {
            OUTPUT: output,
            VEHICLE: vehicle,
            STATE: 2 if output else 3,
            FAILS: fails | int(is_high(outlet.outputs["coil"])),
        }


class ControllerUnit:
    """The controller of *outlet* on the bus."""

    def __init__(self, outlet: Outlet, controller: Controller, touch: Touch) -> None:
        self._outlet = outlet
        self._controller = controller
        self._touch = touch

    @property
    def fault(self) -> MeterFault:
        """What is wrong between it and the bus; without mains it is dark."""
        silent = Disorder.SILENT in self._controller.disorders or not self._outlet.mains
        return MeterFault.TIMEOUT if silent else MeterFault.NONE

    def renew(self) -> None:
        """It shows everything at once anyway."""

    def read(self, function: int, address: int, count: int, _now_s: float) -> list[int]:
        """Registers of one request; raises `Refused`."""
        if function != HOLDING:
            raise Refused(ILLEGAL_FUNCTION)
        if not any(address in span and address + count <= span.stop for span in SPANS):
            raise Refused(ILLEGAL_ADDRESS)
        with self._touch():
            registers = self._controller.registers
        return [registers.get(place, 0) for place in range(address, address + count)]

    def write(self, address: int, values: Sequence[int]) -> None:
        """Take an order; raises `Refused`."""
        for place, value in enumerate(values, start=address):
            if place not in WRITTEN or (place == BOOT_AMPS and value < LEAST_A):
                raise Refused(ILLEGAL_ADDRESS)
        with self._touch():
            self._controller.registers |= dict(enumerate(values, start=address))


def _duty(amps: int) -> float:
    """Source: IEC 61851-1, table A.7, as quoted in safety.md row 7."""
    return amps / 60 if amps <= BEND_A else (amps / 2.5 + 64) / 100
