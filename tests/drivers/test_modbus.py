"""The bus over real wires (pty, TCP): no answer ever reaches another question."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusSerialClient
from pymodbus.exceptions import ModbusIOException

from edge.drivers.modbus import ModbusBus, RtuSettings, open_rtu
from edge.errors import BusLost, MeterImplausible, MeterSilent
from tests.drivers.rigs import rig
from tests.drivers.rtu_wire import (
    WRITE,
    Answer,
    Request,
    RtuWire,
    confirmation,
    crc,
    refusal,
    reply,
)

TIMEOUT_S = 0.15
VOLTS, ENERGY = 0x0000, 0x0048
VALUES = {VOLTS: (0x4366, 0x0000), ENERGY: (0x4145, 0x70A4)}  # 230.0 V, 12.34 kWh


def good(request: Request) -> Answer:
    """What a healthy meter says."""
    words = VALUES.get(request.address, ()) + (0,) * request.count
    return 0.0, reply(request, *words[: request.count])


def asked(request: Request) -> bytes:
    """The request's own bytes."""
    body = struct.pack(">BBHH", request.unit, request.function, request.address, request.count)
    return body + crc(body)


def late(by_s: float) -> Callable[[Request], Answer | None]:
    """A meter that is late with its first answer and good afterwards."""
    answered = 0

    def answer(request: Request) -> Answer:
        nonlocal answered
        answered += 1
        delay_s, data = good(request)
        return (by_s if answered == 1 else delay_s), data

    return answer


@asynccontextmanager
async def rtu(
    answer: Callable[[Request], Answer | None], **more: Any
) -> AsyncIterator[tuple[ModbusBus, RtuWire]]:
    wire = RtuWire(answer)
    fast = {"timeout_s": TIMEOUT_S, "drain_s": 0.3, "pause_s": 0.0} | more
    try:
        async with open_rtu(RtuSettings(port=wire.path, **fast), rig(), 0) as bus:
            yield bus, wire
    finally:
        wire.close()


async def test_the_trap_is_real() -> None:
    """Bare pymodbus takes a late voltage for energy (devices.md 3.2): if not, drop the guard."""
    wire = RtuWire(late(TIMEOUT_S * 1.5))
    client = AsyncModbusSerialClient(wire.path, baudrate=9600, timeout=TIMEOUT_S, retries=0)
    await client.connect()
    with pytest.raises(ModbusIOException):
        await client.read_input_registers(VOLTS, count=2, device_id=1)
    wire.answer = lambda _: None
    stale = await client.read_input_registers(ENERGY, count=2, device_id=1)
    assert tuple(stale.registers) == VALUES[VOLTS]
    client.close()
    wire.close()


async def test_a_late_reply_never_answers_the_next_request() -> None:
    """Same unit, same length, another register: the drain outlasts the lateness."""
    async with rtu(late(TIMEOUT_S * 2)) as (bus, _):
        with pytest.raises(MeterSilent):
            await bus.read(1, 4, VOLTS, 2)
        assert await bus.read(1, 4, ENERGY, 2) == VALUES[ENERGY]


async def test_a_reply_given_up_by_its_asker_never_answers_the_next_request() -> None:
    """Cancelled is as good as timed out: the reply is still on its way."""
    async with rtu(late(TIMEOUT_S / 2)) as (bus, _):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(TIMEOUT_S / 4):
                await bus.read(1, 4, VOLTS, 2)
        assert await bus.read(1, 4, ENERGY, 2) == VALUES[ENERGY]


async def test_a_reply_given_up_early_is_waited_for_as_long_as_any() -> None:
    """What counts is when it was asked for, not when its asker lost patience."""

    def answer(request: Request) -> Answer:
        delay_s = TIMEOUT_S + 0.2 if request.address == VOLTS else 0.1
        return delay_s, good(request)[1]

    async with rtu(answer) as (bus, _):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await bus.read(1, 4, VOLTS, 2)
        assert await bus.read(1, 4, ENERGY, 2) == VALUES[ENERGY]


@pytest.mark.parametrize("verb", ["read", "write"])
async def test_who_is_cancelled_in_the_moment_of_the_reply_is_cancelled(verb: str) -> None:
    """Else a driver that was told to end polls on for ever, and the daemon with it."""

    def answer(request: Request) -> Answer:
        return 0.0, confirmation(request) if request.function == WRITE else good(request)[1]

    async with rtu(answer) as (bus, _):
        asking = bus.read(1, 4, ENERGY, 2) if verb == "read" else bus.write(1, ENERGY, [0])
        task = asyncio.create_task(asking)
        loop = asyncio.get_running_loop()

        def cancel_when_heard() -> None:
            if bus.ear.besides_echo:
                task.cancel()
            else:
                loop.call_soon(cancel_when_heard)

        cancel_when_heard()
        await asyncio.wait([task])
        assert task.cancelled()
        assert await bus.read(1, 4, ENERGY, 2) == VALUES[ENERGY]


async def test_a_reply_later_than_any_drain_is_known_by_its_length() -> None:
    """Blocks of one meter differ in length; a misfit is thrown away, not decoded."""

    def answer(request: Request) -> Answer:
        delay_s = 2.4 * TIMEOUT_S if request.address == VOLTS else 0.9 * TIMEOUT_S
        return delay_s, good(request)[1]

    async with rtu(answer, drain_s=0.6 * TIMEOUT_S) as (bus, _):
        with pytest.raises(MeterSilent):
            await bus.read(1, 4, VOLTS, 14)
        with pytest.raises(MeterImplausible, match="late reply"):
            await bus.read(1, 4, ENERGY, 4)


async def test_bytes_that_lay_in_the_buffer_are_dropped() -> None:
    """A stale frame from before we opened the line."""
    async with rtu(good) as (bus, wire):
        wire.send(reply(Request(1, 4, VOLTS, 2), *VALUES[VOLTS]))
        assert await bus.read(1, 4, ENERGY, 2) == VALUES[ENERGY]


async def test_a_damaged_reply_is_a_miss_and_the_next_one_counts() -> None:
    """One flipped bit."""
    damaged = True

    def answer(request: Request) -> Answer:
        nonlocal damaged
        data = good(request)[1]
        was, damaged = damaged, False
        return 0.0, data[:-1] + bytes((data[-1] ^ 1,)) if was else data

    async with rtu(answer) as (bus, _):
        with pytest.raises(MeterSilent):
            await bus.read(1, 4, ENERGY, 2)
        assert await bus.read(1, 4, ENERGY, 2) == VALUES[ENERGY]


async def test_an_adapter_that_hears_itself_reads_as_well() -> None:
    """RS-485 without its receiver switched off: the request comes back before the reply."""
    for piece in (3, 8):

        def answer(request: Request, piece: int = piece) -> Answer:
            sent = asked(request)
            asyncio.get_running_loop().call_soon(wire.send, sent[:piece])
            return 0.01, sent[piece:] + good(request)[1]

        async with rtu(answer) as (bus, wire):
            assert await bus.read(1, 4, ENERGY, 2) == VALUES[ENERGY]
            assert bus.ear.has_echo


async def test_an_echo_alone_is_silence() -> None:
    """Nobody answered."""
    async with rtu(lambda request: (0.0, asked(request))) as (bus, _):
        with pytest.raises(MeterSilent):
            await bus.read(1, 4, ENERGY, 2)


async def test_a_reply_of_another_function_is_thrown_away() -> None:
    """Late as well, though it has the right length."""

    def answer(request: Request) -> Answer:
        return 0.0, reply(replace(request, function=3), *VALUES[VOLTS])

    async with rtu(answer) as (bus, _):
        with pytest.raises(MeterImplausible, match="of function 3 to a request for 2 of 4"):
            await bus.read(1, 4, ENERGY, 2)


async def test_what_is_read_is_as_old_as_its_request() -> None:
    """Neither the wait for the turn before it nor the reply's way after it counts."""
    async with rtu(lambda request: (0.05, good(request)[1])) as (bus, wire):
        polls = [asyncio.create_task(bus.read(unit, 4, VOLTS, 2)) for unit in (2, 3)]
        await asyncio.sleep(0)
        asked_from = time.monotonic()
        _, at = await bus.read_at(1, 4, ENERGY, 2)
        assert asked_from + 0.1 <= at.monotonic <= time.monotonic() - 0.05
        await asyncio.gather(*polls)
        assert [request.unit for request in wire.requests] == [2, 3, 1]


async def test_bytes_that_come_unasked_are_heard() -> None:
    """For those who look for faults."""
    async with rtu(good) as (bus, wire):
        assert await bus.listen(0.02) == b""
        asyncio.get_running_loop().call_later(0.01, wire.send, b"\x55\xaa")
        assert await bus.listen(0.1) == b"\x55\xaa"


@pytest.mark.parametrize(("baudrate", "patience_s"), [(9600, 0.307), (2400, 0.626), (1200, 1.052)])
def test_a_slow_line_is_given_the_time_it_needs(baudrate: int, patience_s: float) -> None:
    """93 bytes of 11 bits, and 0.2 s for the meter; whoever says a time gets that."""
    slow = RtuSettings(port="x", baudrate=baudrate)
    assert slow.patience_s == pytest.approx(patience_s, abs=0.001)
    assert RtuSettings(port="x", baudrate=baudrate, timeout_s=0.7).patience_s == 0.7


async def test_an_exception_reply_is_told_with_its_code() -> None:
    """A refusal comes back from pymodbus as a value and must not pass for one."""
    async with rtu(lambda request: (0.0, refusal(request, 2))) as (bus, _):
        with pytest.raises(MeterImplausible, match="code 2"):
            await bus.read(1, 4, 0x9999, 2)


async def test_holding_and_input_registers_are_asked_for_by_their_function() -> None:
    """3 and 4."""
    async with rtu(good) as (bus, wire):
        await bus.read(1, 3, VOLTS, 2)
        await bus.read(1, 4, VOLTS, 2)
        assert [request.function for request in wire.requests] == [3, 4]


async def test_an_urgent_read_overtakes_polling() -> None:
    """Begin and end of a session do not queue behind the neighbours' polls."""

    def answer(request: Request) -> Answer:
        return 0.02, good(request)[1]

    async with rtu(answer) as (bus, wire):
        polls = [asyncio.create_task(bus.read(unit, 4, VOLTS, 2)) for unit in (2, 3, 4)]
        await asyncio.sleep(0)
        await bus.read(1, 4, ENERGY, 2, urgent=True)
        await asyncio.gather(*polls)
        assert [request.unit for request in wire.requests] == [2, 1, 3, 4]


async def test_a_dead_neighbour_costs_one_time_out_and_is_then_left_alone() -> None:
    """Three misses, then silence towards it until its probe; others wait at most one time-out."""

    def answer(request: Request) -> Answer | None:
        return None if request.unit == 9 else good(request)

    async with rtu(answer, drain_s=0.0) as (bus, wire):
        for _ in range(20):
            dead = asyncio.create_task(bus.read(9, 4, VOLTS, 2))
            await asyncio.sleep(0)
            began = time.monotonic()
            assert await bus.read(1, 4, ENERGY, 2) == VALUES[ENERGY]
            assert time.monotonic() - began < 2 * TIMEOUT_S
            with pytest.raises(MeterSilent):
                await dead
        assert sum(request.unit == 9 for request in wire.requests) == 3


async def test_a_late_neighbour_does_not_hold_up_the_others() -> None:
    """Its drain is its own: replies are told apart by the unit that sends them."""

    def answer(request: Request) -> Answer | None:
        delay_s = 2 * TIMEOUT_S if request.unit == 9 else 0.6 * TIMEOUT_S
        return delay_s, good(request)[1]

    async with rtu(answer, drain_s=30.0) as (bus, _):
        with pytest.raises(MeterSilent):
            await bus.read(9, 4, VOLTS, 2)
        for _ in range(3):  # the late frame falls into the second of these
            assert await bus.read(1, 4, ENERGY, 2) == VALUES[ENERGY]


async def test_a_dead_unit_is_probed_and_found_again() -> None:
    """One time-out per probe; one good answer and it is alive."""
    alive = False

    def answer(request: Request) -> Answer | None:
        return good(request) if alive else None

    async with rtu(answer, drain_s=0.0, probe_s=0.2) as (bus, wire):
        for _ in range(3):
            with pytest.raises(MeterSilent):
                await bus.read(1, 4, VOLTS, 2)
        with pytest.raises(MeterSilent):
            await bus.read(1, 4, VOLTS, 2)
        assert len(wire.requests) == 3
        alive = True
        async with asyncio.timeout(5):
            while len(wire.requests) == 3:
                with suppress(MeterSilent):
                    assert await bus.read(1, 4, VOLTS, 2) == VALUES[VOLTS]
                await asyncio.sleep(0)
        assert len(wire.requests) == 4
        assert await bus.read(1, 4, VOLTS, 2) == VALUES[VOLTS]


async def test_a_missing_adapter_is_told() -> None:
    """Nothing is dialled before the first read."""
    async with open_rtu(RtuSettings(port="/dev/none"), rig(), 0) as bus:
        with pytest.raises(BusLost, match="/dev/none cannot be opened"):
            await bus.read(1, 4, VOLTS, 2)


async def test_an_adapter_that_is_unplugged_and_plugged_in_again_works(tmp_path: Path) -> None:
    """The port keeps its name, as udev's links do."""
    port = tmp_path / "rs485"
    first, second = RtuWire(good), RtuWire(good)
    port.symlink_to(first.path)
    settings = RtuSettings(port=str(port), timeout_s=1.0, drain_s=0.1)
    async with open_rtu(settings, rig(), 0) as bus:
        assert await bus.read(1, 4, VOLTS, 2) == VALUES[VOLTS]
        first.close()
        with pytest.raises(BusLost):
            await bus.read(1, 4, VOLTS, 2)
        port.unlink()
        port.symlink_to(second.path)
        assert await bus.read(1, 4, VOLTS, 2) == VALUES[VOLTS]
    second.close()
