"""Writes on the bus: ahead of all that waits, bounded, and never confirmed by another's reply."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from edge.drivers.modbus import ModbusBus, RtuSettings, open_rtu
from edge.errors import MeterImplausible, MeterSilent
from tests.drivers.rigs import rig
from tests.drivers.rtu_wire import WRITE, Answer, Request, RtuWire, confirmation, refusal, reply

TIMEOUT_S = 0.15
LIMIT = 1000


@asynccontextmanager
async def bus_to(
    answer: Callable[[Request], Answer | None], drain_s: float = 30.0
) -> AsyncIterator[tuple[ModbusBus, RtuWire]]:
    wire = RtuWire(answer)
    settings = RtuSettings(port=wire.path, timeout_s=TIMEOUT_S, drain_s=drain_s, pause_s=0.0)
    async with open_rtu(settings, rig(), 0) as bus:
        yield bus, wire
    wire.close()


def good(request: Request) -> Answer:
    """What a healthy unit answers."""
    if request.function == WRITE:
        return 0.0, confirmation(request)
    return 0.0, reply(request, *([7] * request.count))


async def test_a_write_goes_out_by_function_16_and_is_confirmed() -> None:
    """Address, count and values."""
    async with bus_to(good) as (bus, wire):
        await bus.write(1, LIMIT, [16])
        assert wire.requests == [Request(1, WRITE, LIMIT, 1, (16,))]


async def test_safety_02_a_write_overtakes_urgent_reads_and_polls() -> None:
    """A withdrawal waits for the exchange on the line and for nothing else."""

    def slow(request: Request) -> Answer:
        return 0.02, good(request)[1]

    async with bus_to(slow) as (bus, wire):
        reads = [
            asyncio.create_task(bus.read(unit, 4, 0, 2, urgent=unit != 3)) for unit in (2, 3, 4, 5)
        ]
        await asyncio.sleep(0)
        await bus.write(1, LIMIT, [0])
        assert [request.unit for request in wire.requests] == [2, 1]
        await asyncio.gather(*reads)


async def test_safety_02_the_worst_wait_of_a_write_is_one_time_out() -> None:
    """A dead meter has the line, others queue, and this unit's own late reply is still awaited."""

    def answer(request: Request) -> Answer | None:
        return good(request) if request.function == WRITE else None

    async with bus_to(answer) as (bus, _):
        with pytest.raises(MeterSilent):
            await bus.read(1, 4, 0, 2)
        reads = [asyncio.create_task(bus.read(unit, 4, 0, 2, urgent=True)) for unit in (2, 3, 4, 5)]
        await asyncio.sleep(0)
        began = time.monotonic()
        await bus.write(1, LIMIT, [0])
        assert time.monotonic() - began < 2 * TIMEOUT_S
        for read in reads:
            read.cancel()
        await asyncio.wait(reads)


async def test_a_unit_given_up_is_written_to_at_once_and_is_alive_again_then() -> None:
    """Its next probe is half a minute away; an order to stop does not wait for it."""
    alive = False

    def answer(request: Request) -> Answer | None:
        return good(request) if alive else None

    async with bus_to(answer, drain_s=0.0) as (bus, _):
        for _ in range(3):
            with pytest.raises(MeterSilent):
                await bus.read(1, 4, 0, 2)
        alive = True
        async with asyncio.timeout(1):
            await bus.write(1, LIMIT, [0])
            assert await bus.read(1, 4, 0, 2) == (7, 7)


async def test_a_late_reply_to_a_read_confirms_no_write() -> None:
    """The unit answers the poll while the write waits for its confirmation."""

    def answer(request: Request) -> Answer | None:
        if request.function == WRITE:
            return None
        return 1.5 * TIMEOUT_S, good(request)[1]

    async with bus_to(answer) as (bus, _):
        with pytest.raises(MeterSilent):
            await bus.read(1, 4, 0, 2)
        with pytest.raises(MeterImplausible, match="something else"):
            await bus.write(1, LIMIT, [0])


async def test_a_late_confirmation_is_no_reading() -> None:
    """It has no registers; the drain begins again."""

    def answer(request: Request) -> Answer | None:
        return (1.5 * TIMEOUT_S, confirmation(request)) if request.function == WRITE else None

    async with bus_to(answer, drain_s=0.0) as (bus, _):
        with pytest.raises(MeterSilent):
            await bus.write(1, LIMIT, [16])
        with pytest.raises(MeterImplausible):
            await bus.read(1, 4, LIMIT, 1)


async def test_a_refused_write_is_told_with_its_code() -> None:
    """A value out of range, or a register that is only read."""
    async with bus_to(lambda request: (0.0, refusal(request, 3))) as (bus, _):
        with pytest.raises(MeterImplausible, match="0x03e8 with code 3"):
            await bus.write(1, LIMIT, [3])


async def test_a_silent_unit_is_told_and_counts_as_a_miss() -> None:
    """Three of them, and reads fail at once."""
    async with bus_to(lambda _: None, drain_s=0.0) as (bus, wire):
        for _ in range(3):
            with pytest.raises(MeterSilent, match="unit 1 on"):
                await bus.write(1, LIMIT, [0])
        with suppress(MeterSilent):
            await bus.read(1, 3, LIMIT, 1)
        assert [request.function for request in wire.requests] == [WRITE] * 3
