"""Faults by name, each brought back to the wire or part of the bay that shows it.

OCPP error codes without a wire here are not in the table: nothing could make a daemon see them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from edge.errors import SimulationError
from edge.sim.checks import choice
from edge.sim.controller import Disorder
from edge.sim.outlet import NOMINAL_V, Contactor, Lock, MeterFault, Outlet, Wire
from edge.sim.world import ReaderFault, World

Change = Callable[[World, int, bool], None]
OVER_V: Final = 276.0  # +20 %
UNDER_V: Final = 184.0  # -20 %


def fault_of(code: object) -> str:
    """*code*, if something in this bay shows it; raises `SimulationError`."""
    if code in NO_WIRE:
        raise SimulationError(f"{code} has no wire in this bay: no driver could see it")
    return choice("code", code, tuple(FAULTS))


def raise_fault(world: World, connector: int, code: str) -> None:
    """Let *code* happen at *connector*; 0 is the whole charge point."""
    for number in _numbers(world, connector):
        FAULTS[code](world, number, True)


def clear_fault(world: World, connector: int, code: str | None) -> None:
    """Mend *code*, or everything, at *connector*; 0 is the whole charge point."""
    for number in _numbers(world, connector):
        for known in FAULTS if code is None else (code,):
            FAULTS[known](world, number, False)


def _numbers(world: World, connector: int) -> tuple[int, ...]:
    if connector == 0:
        return tuple(world.outlets)
    world.outlet(connector)
    return (connector,)


def _wire(wire: Wire) -> Change:
    def change(world: World, connector: int, on: bool) -> None:
        wires = world.outlet(connector).wires
        (wires.add if on else wires.discard)(wire)

    return change


def _contactor(mode: Contactor) -> Change:
    def change(world: World, connector: int, on: bool) -> None:
        outlet = world.outlet(connector)
        if on or outlet.contactor is mode:
            outlet.contactor = mode if on else Contactor.OK

    return change


def _voltage(volts: float) -> Change:
    def change(world: World, connector: int, on: bool) -> None:
        outlet = world.outlet(connector)
        if on or outlet.voltage_v[0] == volts:
            outlet.voltage_v = (volts if on else NOMINAL_V,) * 3

    return change


def _lock(world: World, connector: int, on: bool) -> None:
    outlet: Outlet = world.outlet(connector)
    if outlet.lock is not Lock.ABSENT:
        jammed = Lock.FAIL_UNLOCK if outlet.locked else Lock.FAIL_LOCK
        outlet.lock = jammed if on else Lock.OK
    elif on:
        raise SimulationError(f"connector {connector} has no lock that could fail")


def _meter(world: World, connector: int, on: bool) -> None:
    if on or world.meter_faults[connector] is MeterFault.TIMEOUT:
        world.meter_faults[connector] = MeterFault.TIMEOUT if on else MeterFault.NONE


def _controller(disorder: Disorder) -> Change:
    def change(world: World, connector: int, on: bool) -> None:
        controller = world.outlet(connector).controller
        if controller is not None:
            (controller.disorders.add if on else controller.disorders.discard)(disorder)
        elif on:
            raise SimulationError(f"connector {connector} has no controller on the bus")

    return change


def _reader(world: World, _connector: int, on: bool) -> None:
    world.spot(0).fault = ReaderFault.SILENT if on else ReaderFault.NONE


def _computer(world: World, _connector: int, on: bool) -> None:
    world.undervoltage_5v = on


NO_WIRE: Final = (
    "InternalError",
    "LocalListConflict",
    "NoError",
    "OtherError",
    "ResetFailure",
    "WeakSignal",
)
"""OCPP's words for what happens inside a station."""

FAULTS: Final[Mapping[str, Change]] = {
    "rcd": _wire(Wire.RCD),
    "rcd_test_dead": _wire(Wire.RCD_TEST_DEAD),
    "estop": _wire(Wire.EMERGENCY_STOP),
    "overtemp": _wire(Wire.OVER_TEMPERATURE),
    "contactor_welded": _contactor(Contactor.WELDED),
    "contactor_stuck_open": _contactor(Contactor.STUCK_OPEN),
    "contactor_slow": _contactor(Contactor.SLOW),
    "coil_broken": _wire(Wire.COIL_BROKEN),
    "controller_deaf": _controller(Disorder.DEAF),
    "controller_diode": _controller(Disorder.DIODE),
    "controller_lies": _controller(Disorder.LIES),
    "controller_silent": _controller(Disorder.SILENT),
    "feedback_broken": _wire(Wire.FEEDBACK_BROKEN),
    "feedback_inverted": _wire(Wire.FEEDBACK_INVERTED),
    "lock_feedback_lost": _wire(Wire.LOCK_FEEDBACK_LOST),
    "pilot_fault": _wire(Wire.PILOT_FAULT),
    "pilot_negative": _wire(Wire.PILOT_NEGATIVE),
    "pilot_lost": _wire(Wire.PILOT_LOST),
    "no_diode": _wire(Wire.NO_DIODE),
    "pe_lost": _wire(Wire.PE_LOST),
    "undervoltage_5v": _computer,
    "ConnectorLockFailure": _lock,
    "EVCommunicationError": _wire(Wire.PILOT_FAULT),
    "GroundFailure": _wire(Wire.RCD),
    "HighTemperature": _wire(Wire.OVER_TEMPERATURE),
    "OverCurrentFailure": _wire(Wire.OVER_CURRENT),
    "OverVoltage": _voltage(OVER_V),
    "PowerMeterFailure": _meter,
    "PowerSwitchFailure": _contactor(Contactor.WELDED),
    "ReaderFailure": _reader,
    "UnderVoltage": _voltage(UNDER_V),
}
