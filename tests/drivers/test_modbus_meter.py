"""The real meter driver on the real bus against simulated meters, RTU and TCP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from structlog.testing import capture_logs

from edge.core.events import MeterFailed, MeterRead
from edge.drivers.modbus import RtuSettings, TcpSettings, open_rtu, open_tcp
from edge.drivers.modbus_meter import MeterSettings, ModbusMeter, open_meter
from edge.drivers.system_clock import SystemClock
from edge.errors import MeterSilent
from edge.sim.modbus import LATE_S, RtuBus, serve_tcp
from edge.sim.outlet import MeterFault
from edge.sim.registers import Unit, load_model
from edge.sim.world import MeterFace
from tests.drivers.rigs import Inbox, rig, running
from tests.waiting import until

UNIT = 3
CONNECTOR = 2


class Bench:
    """A simulated meter that a test may turn and break."""

    def __init__(self, model: str = "sdm120") -> None:
        self.model = model
        self.energy_wh = 12345.0
        self.fault = MeterFault.NONE
        self.asked = 0
        self.unit = Unit(load_model(model), self.face, self._is_asked)

    def _is_asked(self) -> MeterFault:
        self.asked += 1
        return self.fault

    def face(self) -> MeterFace:
        return MeterFace(
            energy_wh=self.energy_wh,
            power_w=7360.0,
            voltage_v=(230.0, 231.0, 232.0),
            current_a=(32.0, 16.0, 8.0),
        )

    def turn(self, energy_wh: float) -> None:
        """Set the register, to be seen at once."""
        self.energy_wh = energy_wh
        self.unit.renew()


@asynccontextmanager
async def on_rtu(
    bench: Bench, *, poll_s: float = 0.05, probe_s: float = 0.2, drain_s: float = 0.1
) -> AsyncIterator[ModbusMeter]:
    wire = RtuBus({UNIT: bench.unit})
    line = RtuSettings(port=wire.path, timeout_s=0.1, drain_s=drain_s, pause_s=0, probe_s=probe_s)
    try:
        async with open_rtu(line, rig(), 0) as bus:
            settings = MeterSettings(bus="rs485", model=bench.model, unit=UNIT, poll_s=poll_s)
            async with open_meter(settings, rig(rs485=bus), CONNECTOR) as meter:
                yield meter
    finally:
        wire.close()


@asynccontextmanager
async def on_tcp(bench: Bench, *, poll_s: float = 0.05) -> AsyncIterator[ModbusMeter]:
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(serve_tcp({UNIT: bench.unit}))
        line = TcpSettings(host="127.0.0.1", port=port, timeout_s=0.2, probe_s=0.2)
        bus = await stack.enter_async_context(open_tcp(line, rig(), 0))
        settings = MeterSettings(bus="lan", model=bench.model, unit=UNIT, poll_s=poll_s)
        yield await stack.enter_async_context(open_meter(settings, rig(lan=bus), CONNECTOR))


@pytest.mark.parametrize("line", [on_rtu, on_tcp])
@pytest.mark.parametrize(
    ("model", "phases", "energy_wh"),
    [("sdm120", 1, 12345), ("sdm630", 3, 12345), ("em340", 3, 12300)],
)
async def test_every_model_tells_its_values_over_every_line(
    line: Callable[..., object], model: str, phases: int, energy_wh: int
) -> None:
    """Whole Wh as far as the register shows them: EM340 counts in steps of 100."""
    async with line(Bench(model)) as meter, running(meter.run) as inbox:  # type: ignore[attr-defined]  # one of two
        event = await inbox.first(MeterRead)
    reading = event.reading
    assert (event.connector, event.ticket, event.at) == (CONNECTOR, None, reading.at)
    assert reading.energy_wh == energy_wh
    assert reading.power_w == 7360.0
    assert reading.voltage_v == (230.0, 231.0, 232.0)[:phases]
    assert reading.current_a == (32.0, 16.0, 8.0)[:phases]
    assert reading.frequency_hz == 50.0


async def test_polling_goes_on_and_each_reading_has_its_own_moment() -> None:
    """Nothing is ever stamped anew."""
    async with on_rtu(Bench()) as meter, running(meter.run) as inbox:
        await inbox.first(MeterRead, lambda _: len(inbox.of(MeterRead)) >= 4)
    moments = [event.reading.at.monotonic for event in inbox.of(MeterRead)]
    assert moments == sorted(set(moments))


async def test_a_request_is_answered_at_once_with_its_ticket() -> None:
    """Begin and end readings do not wait for the next poll."""
    async with on_rtu(Bench(), poll_s=60) as meter, running(meter.run) as inbox:
        await inbox.first(MeterRead)
        began = SystemClock().now()
        meter.request(7)
        event = await inbox.first(MeterRead, lambda read: read.ticket == 7)
        assert event.reading.at.since(began) < 0.5
        assert event.reading.at.since(began) > 0


async def test_two_first_looks_at_once_find_one_meter() -> None:
    """A request beside the first poll: it is no other meter, and what it said goes on to count."""
    with capture_logs() as log:
        async with on_rtu(Bench()) as meter:
            meter.request(7)
            async with running(meter.run) as inbox:
                await inbox.first(MeterRead, lambda read: read.ticket == 7)
                await inbox.first(MeterRead, lambda read: read.ticket is None)
    assert [line["event"] for line in log if "serial" in line or "was" in line] == [
        "meter_identified"
    ]


async def test_all_that_wait_are_answered_by_one_reading() -> None:
    """Whoever asked before it was taken has his answer; on a slow line none waits for others."""
    bench = Bench()
    async with on_rtu(bench, poll_s=60) as meter, running(meter.run) as inbox:
        await inbox.first(MeterRead)
        before = bench.asked
        meter.request(1)
        await inbox.first(MeterRead, lambda read: read.ticket == 1)
        between = bench.asked
        for ticket in (2, 3, 4):
            meter.request(ticket)
        await inbox.first(MeterRead, lambda read: read.ticket == 4)
    answers = [read for read in inbox.of(MeterRead) if (read.ticket or 0) > 1]
    assert [read.ticket for read in answers] == [2, 3, 4]
    assert len({read.at for read in answers}) == 1
    assert bench.asked - between == between - before


async def test_a_request_made_while_the_driver_is_down_is_answered_on_the_next_run() -> None:
    """The supervisor is about to run it again."""
    async with on_rtu(Bench()) as meter:
        meter.request(8)
        async with running(meter.run) as inbox:
            await inbox.first(MeterRead, lambda read: read.ticket == 8)


@pytest.mark.parametrize("fault", [MeterFault.TIMEOUT, MeterFault.CRC])
async def test_a_silent_meter_fails_each_poll_and_then_the_run(fault: MeterFault) -> None:
    """Three in a row, each told with what to check; then the supervisor takes over."""
    bench = Bench()
    bench.fault = fault
    async with on_rtu(bench) as meter:
        inbox = Inbox()
        with pytest.raises(MeterSilent, match=r"SDM120 failed 3 polls in a row.*check A/B wiring"):
            await meter.run(inbox.post)
    assert len(inbox.of(MeterFailed)) == 3
    assert {event.connector for event in inbox.of(MeterFailed)} == {CONNECTOR}


async def test_a_meter_that_comes_back_is_read_again() -> None:
    """After its probe is due."""
    bench = Bench()
    bench.fault = MeterFault.TIMEOUT
    async with on_rtu(bench) as meter:
        with pytest.raises(MeterSilent):
            await meter.run(Inbox().post)
        bench.fault = MeterFault.NONE
        for _ in range(50):
            inbox = Inbox()
            run = asyncio.create_task(meter.run(inbox.post))
            await asyncio.wait([run], timeout=0.3)
            run.cancel()
            await asyncio.wait([run])
            if inbox.of(MeterRead):
                return
    pytest.fail("the meter was never read again")


async def test_a_request_to_a_silent_meter_is_answered_within_two_seconds() -> None:
    """`MeterFailed` with the ticket, so that nobody waits for a dead meter."""
    bench = Bench()
    async with on_rtu(bench, poll_s=60) as meter, running(meter.run) as inbox:
        await inbox.first(MeterRead)
        bench.fault = MeterFault.TIMEOUT
        began = SystemClock().now()
        meter.request(9)
        event = await inbox.first(MeterFailed, lambda failed: failed.ticket == 9)
        assert event.at.since(began) < 2.0


async def test_one_lost_frame_does_not_fail_a_request() -> None:
    """The line gets a second chance within the two seconds."""
    bench = Bench()
    async with on_rtu(bench, poll_s=60, drain_s=0.5) as meter, running(meter.run) as inbox:
        await inbox.first(MeterRead)
        bench.fault = MeterFault.TIMEOUT
        meter.request(10)
        asked = bench.asked
        await until(lambda: bench.asked > asked)  # and that request stays without reply
        bench.fault = MeterFault.NONE
        await inbox.first(MeterRead, lambda read: read.ticket == 10)


async def test_replies_that_are_always_late_never_become_readings() -> None:
    """The stale-frame trap, end to end (devices.md 3.2)."""
    bench = Bench()
    async with on_rtu(bench, probe_s=0.0, drain_s=LATE_S) as meter, running(meter.run) as inbox:
        await inbox.first(MeterRead)
        bench.fault = MeterFault.LATE
        bench.turn(12346.0)
        await inbox.first(MeterFailed, lambda _: len(inbox.of(MeterFailed)) >= 2)
    assert {event.reading.energy_wh for event in inbox.of(MeterRead)} == {12345}


async def test_swapped_words_are_refused_for_good() -> None:
    """The wrong word order makes numbers no grid has, however often it says them."""
    bench = Bench("em340")
    bench.fault = MeterFault.SWAPPED
    async with on_rtu(bench) as meter:
        inbox = Inbox()
        with pytest.raises(MeterSilent, match="check the meter's model"):
            await meter.run(inbox.post)
    assert inbox.of(MeterRead) == []


async def test_a_register_that_goes_back_fails_and_then_becomes_the_truth() -> None:
    """A new meter: two refused polls, a third that agrees."""
    bench = Bench()
    async with on_rtu(bench) as meter, running(meter.run) as inbox:
        await inbox.first(MeterRead)
        bench.turn(5.0)
        refused = await inbox.first(MeterFailed)
        assert "went back from 12345 to 5 Wh" in refused.why
        await inbox.first(MeterRead, lambda read: read.reading.energy_wh == 5)
        assert len(inbox.of(MeterFailed)) == 2


async def test_a_request_right_after_the_register_was_turned_reads_it() -> None:
    """Looking three times takes no longer than the two seconds of a request."""
    bench = Bench()
    async with on_rtu(bench, poll_s=60) as meter, running(meter.run) as inbox:
        await inbox.first(MeterRead)
        bench.turn(90_000.0)
        meter.request(11)
        event = await inbox.first(MeterRead, lambda read: read.ticket == 11)
        assert event.reading.energy_wh == 90_000


async def test_an_unplugged_bus_fails_the_meter() -> None:
    """The adapter's name is in the message."""
    settings = MeterSettings(bus="rs485", model="sdm120", unit=UNIT, poll_s=0.01)
    async with (
        open_rtu(RtuSettings(port="/dev/none"), rig(), 0) as bus,
        open_meter(settings, rig(rs485=bus), CONNECTOR) as meter,
    ):
        with pytest.raises(MeterSilent, match="/dev/none cannot be opened"):
            await meter.run(Inbox().post)
