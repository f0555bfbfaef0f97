"""A unit's registers are read in what this very unit takes, and a meter that changed is noticed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from edge.core.events import MeterFailed, MeterRead
from edge.drivers.meter_model import load
from edge.drivers.meter_registers import MeterRegisters
from edge.drivers.modbus import RtuSettings, open_rtu
from edge.drivers.modbus_meter import MeterSettings, open_meter
from edge.errors import MeterImplausible, MeterRefused, MeterSilent
from edge.sim.outlet import MeterFault
from edge.sim.registers import Manners, Refused
from tests.drivers.golden import UNIT, Golden, golden_meters, on_rtu
from tests.drivers.rigs import rig, running
from tests.drivers.rtu_wire import Answer, Request, RtuWire, refusal, reply

METERS = golden_meters()


@dataclass
class Glass:
    """A meter behind glass: counts what it is asked, and is mute or refuses as a test says."""

    meter: Golden
    mute_over: int = 125
    refuses_with: int | None = None
    slow_s: float = 0.0
    counts: list[int] = field(default_factory=list)

    def answer(self, request: Request) -> Answer | None:
        self.counts.append(request.count)
        if request.count > self.mute_over:
            return None
        if self.refuses_with is not None:
            return 0.0, refusal(request, self.refuses_with)
        try:
            words = self.meter.read(request.function, request.address, request.count, 0.0)
        except Refused as refused:
            return 0.0, refusal(request, refused.code)
        return self.slow_s, reply(request, *words)


@asynccontextmanager
async def registers_of(glass: Glass, model: str) -> AsyncIterator[MeterRegisters]:
    """What is read through the glass."""
    wire = RtuWire(glass.answer)
    fast = {"timeout_s": 0.4, "drain_s": 0.0, "pause_s": 0.0, "probe_s": 0.0}
    try:
        async with open_rtu(RtuSettings(port=wire.path, **fast), rig(), 0) as bus:  # type: ignore[arg-type]  # all are seconds
            yield MeterRegisters(load(model), bus, UNIT)
    finally:
        wire.close()


def tolerant(model: str) -> Golden:
    return replace(METERS[model], manners=Manners(has_holes=False))


async def test_blocks_that_are_answered_stay_blocks() -> None:
    """Two requests for an SDM120, each time."""
    glass = Glass(tolerant("sdm120"))
    async with registers_of(glass, "sdm120") as registers:
        for _ in range(3):
            await registers.read(urgent=False)
    assert glass.counts == [4, 14] * 3


async def test_a_reading_is_as_old_as_its_first_request() -> None:
    """Whatever comes later is younger: no value is stamped later than it was asked for."""
    glass = Glass(tolerant("sdm630"))
    async with registers_of(glass, "sdm630") as registers:
        _, first = await registers.read(urgent=False)
        glass.slow_s = 0.05
        began = time.monotonic()
        _, second = await registers.read(urgent=False)
        took_s = time.monotonic() - began
    assert took_s >= 3 * glass.slow_s
    assert began <= second.monotonic <= began + took_s - 3 * glass.slow_s
    assert first.monotonic < began


async def test_a_refused_block_is_asked_again_and_then_split_for_good() -> None:
    """The holes are refused twice; from then on each register is asked for alone."""
    glass = Glass(METERS["sdm120"])
    async with registers_of(glass, "sdm120") as registers:
        for _ in range(2):
            values, _ = await registers.read(urgent=False)
    assert glass.counts == [4, 14, 14, 2, 2, 2, 4, 2, 2, 2]
    assert len(values) == 5


async def test_a_block_once_answered_is_never_split() -> None:
    """A refusal then is a fault of the moment, and the reading fails."""
    glass = Glass(tolerant("sdm120"))
    async with registers_of(glass, "sdm120") as registers:
        await registers.read(urgent=False)
        glass.refuses_with = 2
        for _ in range(3):
            with pytest.raises(MeterRefused):
                await registers.read(urgent=False)
        glass.refuses_with = None
        await registers.read(urgent=False)
    assert glass.counts == [4, 14, 4, 4, 4, 4, 14]


@pytest.mark.parametrize("code", [1, 4, 6])
async def test_only_what_means_the_address_splits_a_block(code: int) -> None:
    """Busy, or broken, is another matter."""
    glass = Glass(tolerant("sdm120"), refuses_with=code)
    async with registers_of(glass, "sdm120") as registers:
        with pytest.raises(MeterRefused) as refusal:
            await registers.read(urgent=False)
    assert (refusal.value.code, glass.counts) == (code, [4])


async def test_a_unit_that_is_mute_on_long_requests_is_asked_for_less() -> None:
    """Twice without an answer while it answers others: the block was too long for it."""
    glass = Glass(tolerant("sdm630"), mute_over=10)
    async with registers_of(glass, "sdm630") as registers:
        for _ in range(2):
            with pytest.raises(MeterSilent):
                await registers.read(urgent=False)
        values, _ = await registers.read(urgent=False)
    assert len(values) == 9
    assert max(glass.counts[-8:]) <= 4


async def test_a_dead_unit_is_not_taken_for_one_that_wants_less() -> None:
    """Nothing is learnt from silence alone."""
    glass = Glass(tolerant("sdm630"), mute_over=0)
    async with registers_of(glass, "sdm630") as registers:
        for _ in range(3):
            with pytest.raises(MeterSilent):
                await registers.read(urgent=False)
        glass.mute_over = 125
        await registers.read(urgent=False)
    assert glass.counts == [4, 4, 4, 4, 12, 2]


async def test_a_quantity_that_the_unit_has_not_is_left_out() -> None:
    """An SDM220 read as an SDM120: it has neither power nor frequency."""
    glass = Glass(METERS["sdm220"])
    async with registers_of(glass, "sdm120") as registers:
        first, _ = await registers.read(urgent=False)
        asked = len(glass.counts)
        second, _ = await registers.read(urgent=False)
    assert set(first) == {"energy_import_wh", "voltage_l1_v", "current_l1_a"}
    assert second == first
    assert len(glass.counts) - asked == 3


async def test_without_energy_there_is_no_reading() -> None:
    """Refused, or said to be not measured: nothing to bill by."""
    empty = replace(METERS["abb-b23"], image=METERS["abb-b23"].image.copy())
    for place in range(0x5000, 0x5004):
        empty.image[3, place] = 0xFFFF
    async with on_rtu({UNIT: empty}) as bus:
        with pytest.raises(MeterImplausible, match="says nothing"):
            await MeterRegisters(load("abb-b23"), bus, UNIT).read(urgent=False)
        with pytest.raises(MeterRefused):
            await MeterRegisters(load("iem3000"), bus, UNIT).read(urgent=False)


def renamed(meter: Golden, serial: int, energy: tuple[int, int]) -> Golden:
    """The same kind of meter, another one."""
    image = dict(meter.image)
    image[3, 0xFC00], image[3, 0xFC01] = serial >> 16, serial & 0xFFFF
    image[4, 0x48], image[4, 0x49] = energy
    return replace(meter, image=image)


async def test_another_meter_is_believed_at_once_and_carries_its_number() -> None:
    """Its register has nothing to do with the last one's: no doubt, no three looks."""
    place = replace(METERS["sdm630"])
    settings = MeterSettings(bus="bus", model="sdm630", unit=UNIT, poll_s=0.05)
    async with (
        on_rtu({UNIT: place}) as bus,
        open_meter(settings, rig(bus=bus), 1) as meter,
        running(meter.run) as inbox,
    ):
        first = await inbox.first(MeterRead)
        place.fault = MeterFault.TIMEOUT
        await inbox.first(MeterFailed)
        place.image = renamed(METERS["sdm630"], 7, (0x3F80, 0x0000)).image  # 1 kWh
        place.fault = MeterFault.NONE
        meter.request(1)
        second = await inbox.first(MeterRead, lambda read: read.reading.meter_serial == "7")
    assert (first.reading.meter_serial, first.reading.energy_wh) == ("19283746", 400062)
    assert second.reading.energy_wh == 1000
    assert not [event for event in inbox.of(MeterFailed) if "went back" in event.why]


@pytest.mark.parametrize(
    ("code", "is_missing"), [(1, True), (2, True), (3, True), (4, True), (5, False), (6, False)]
)
async def test_a_meter_that_is_busy_has_not_said_that_it_has_no_number(
    code: int, *, is_missing: bool
) -> None:
    """Modbus exceptions 5 and 6 say: ask again."""
    glass = Glass(METERS["sdm630"], refuses_with=code)
    mark = load("sdm630").serial
    assert mark is not None
    async with registers_of(glass, "sdm630") as registers:
        if is_missing:
            assert await registers.mark(mark, urgent=False) is None
        else:
            with pytest.raises(MeterRefused):
                await registers.mark(mark, urgent=False)


@pytest.mark.parametrize("code", [5, 6])
async def test_a_meter_that_was_busy_is_the_same_meter(code: int) -> None:
    """A number taken for missing is another meter: it would end a session at an old register."""

    class Busy(Golden):
        refusals = 0

        def read(self, function: int, address: int, count: int, now_s: float) -> list[int]:
            if address == 0xFC00 and self.refusals:
                self.refusals -= 1
                raise Refused(code)
            return super().read(function, address, count, now_s)

    meter = Busy(dict(METERS["sdm630"].image))
    settings = MeterSettings(bus="bus", model="sdm630", unit=UNIT, poll_s=0.05)
    async with (
        on_rtu({UNIT: meter}) as bus,
        open_meter(settings, rig(bus=bus), 1) as driver,
        running(driver.run) as inbox,
    ):
        await inbox.first(MeterRead)
        meter.refusals = 2
        meter.fault = MeterFault.TIMEOUT
        await inbox.first(MeterFailed)
        meter.fault = MeterFault.NONE
        inbox.forget()
        driver.request(1)
        await inbox.first(MeterRead)
    assert {read.reading.meter_serial for read in inbox.of(MeterRead)} == {"19283746"}
    assert meter.refusals == 0


async def test_a_number_that_changes_with_each_look_is_nobodys() -> None:
    """A damaged or late reply must not make another meter."""

    class Fickle(Golden):
        def read(self, function: int, address: int, count: int, now_s: float) -> list[int]:
            self.image[3, 0xFC01] += 1
            return super().read(function, address, count, now_s)

    settings = MeterSettings(bus="bus", model="sdm630", unit=UNIT, poll_s=0.05)
    async with (
        on_rtu({UNIT: Fickle(dict(METERS["sdm630"].image))}) as bus,
        open_meter(settings, rig(bus=bus), 1) as driver,
        running(driver.run) as inbox,
    ):
        failed = await inbox.first(MeterFailed)
    assert "serial number changes" in failed.why
    assert inbox.of(MeterRead) == []
