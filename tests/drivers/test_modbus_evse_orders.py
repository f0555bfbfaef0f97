"""What goes over the line is what is wanted when its turn comes, not when it was ordered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from edge.core.events import EvseSeen
from edge.drivers.modbus import ModbusBus, RtuSettings, open_rtu
from edge.drivers.modbus_evse import ControllerSettings, ModbusEvse, open_evse
from edge.errors import MeterSilent
from edge.sim.controller import AMPS, BOOT_AMPS, CONTROL, LEAST_A, STATES, VEHICLE
from tests.drivers.rigs import rig, running
from tests.drivers.rtu_wire import WRITE, Answer, Request, RtuWire, confirmation, reply
from tests.waiting import until

UNIT, NEIGHBOUR = 11, 2
TIMEOUT_S = 0.3
OFF, ON = (1,), (0,)
"""What `CONTROL` is told: turned off, or not."""


@dataclass
class Board:
    """The registers of a controller; the meter beside it is mute and holds the line."""

    registers: dict[int, int] = field(
        default_factory=lambda: {VEHICLE: STATES["C"], BOOT_AMPS: LEAST_A}
    )

    def answer(self, request: Request) -> Answer | None:
        if request.unit != UNIT:
            return None
        if request.function == WRITE:
            self.registers |= dict(enumerate(request.values, start=request.address))
            return 0.0, confirmation(request)
        places = range(request.address, request.address + request.count)
        return 0.0, reply(request, *(self.registers.get(place, 0) for place in places))


@dataclass
class Line:
    """A controller at work on a line that a test can watch and hold."""

    wire: RtuWire
    bus: ModbusBus
    evse: ModbusEvse

    def written(self, address: int) -> list[tuple[int, ...]]:
        return [
            each.values
            for each in self.wire.requests
            if each.function == WRITE and each.address == address
        ]

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """An exchange that nobody answers is under way; at the end what waited has been written."""
        self.wire.requests.clear()
        read = asyncio.create_task(self.bus.read(NEIGHBOUR, 4, 0, 2, urgent=True))
        await until(lambda: any(each.unit == NEIGHBOUR for each in self.wire.requests))
        yield
        with suppress(MeterSilent):
            await read

    async def taken(self) -> None:
        """The writer has the order, and waits for the line with it."""
        await until(lambda: self.bus._turn._writes)


@asynccontextmanager
async def line(*, pause_s: float = 0.0) -> AsyncIterator[Line]:
    wire = RtuWire(Board().answer)
    port = RtuSettings(
        port=wire.path, timeout_s=TIMEOUT_S, drain_s=0.0, pause_s=pause_s, probe_s=0.0
    )
    settings = ControllerSettings(bus="meters", model="evse_din", unit=UNIT, poll_s=0.05)
    try:
        async with (
            open_rtu(port, rig(), 0) as bus,
            open_evse(settings, rig(meters=bus), 1) as evse,
            running(evse.run) as inbox,
        ):
            await inbox.first(EvseSeen)
            yield Line(wire, bus, evse)
    finally:
        wire.close()


async def test_safety_02_an_offer_that_was_taken_back_meanwhile_never_goes_out() -> None:
    """The line was busy: the car would have had it until the next write."""
    async with line() as made:
        async with made.held():
            made.evse.offer(16.0)
            await made.taken()
            made.evse.offer(0.0)
        await until(lambda: made.written(CONTROL))
        assert made.written(AMPS)
        assert set(made.written(AMPS)) == {(0,)}


async def test_safety_07_of_two_limits_the_later_goes_out() -> None:
    """Less or more: the first is history."""
    async with line() as made:
        async with made.held():
            made.evse.offer(16.0)
            await made.taken()
            made.evse.offer(10.0)
        await until(lambda: len(made.written(AMPS)) > 1)
        assert set(made.written(AMPS)) == {(10,)}


async def test_safety_02_off_is_not_released_after_a_cut() -> None:
    """The limit is out, and *off* waits for the pause of the line: what it says may be history."""
    async with line(pause_s=0.2) as made:
        made.evse.offer(16.0)
        await until(lambda: made.written(AMPS)[-1:] == [(16,)])
        made.evse.cut()
        made.evse.offer(0.0)
        before = len(made.written(CONTROL))
        await until(lambda: made.written(AMPS)[-1:] == [(0,)])
        assert set(made.written(CONTROL)[before:]) == {OFF}


async def test_a_permission_that_comes_meanwhile_is_released_by_the_next_order() -> None:
    """*Off* first, then the limit, then *on*: never *on* with an old limit."""
    async with line() as made:
        async with made.held():
            made.evse.cut()
            made.evse.offer(0.0)
            await made.taken()
            made.evse.offer(10.0)
        await until(lambda: ON in made.written(CONTROL))
        until_on = made.wire.requests[: made.wire.requests.index(_release(made.wire))]
        assert [each.values for each in until_on if each.function == WRITE][-1] == (10,)


def _release(wire: RtuWire) -> Request:
    return next(
        each
        for each in wire.requests
        if each.function == WRITE and (each.address, each.values) == (CONTROL, ON)
    )
