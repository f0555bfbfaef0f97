"""Ruling 34: what an installer gets wrong, and what breaks later, each shown by its wire alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusSerialClient
from pymodbus.exceptions import ModbusIOException

from edge.sim.bay import Bay
from edge.sim.faults import clear_fault, raise_fault
from edge.sim.modbus import collision, crc16
from edge.sim.outlet import BOUNCE_S, Outlet
from edge.sim.world import World
from tests.sim.bays import Caller, bay_at, calling
from tests.waiting import until

DUTY_32_A = 32 / 60
DRAW_W = 7360.0


@pytest.fixture
async def bay(tmp_path: Path) -> AsyncIterator[Bay]:
    """Two connectors, two meters on one RTU line."""
    async with bay_at(tmp_path / "s.sock", draw_w=DRAW_W) as bay:
        yield bay


@pytest.fixture
async def caller(bay: Bay, tmp_path: Path) -> AsyncIterator[Caller]:
    """A connection to it."""
    async with calling(tmp_path / "s.sock") as caller:
        yield caller


class Charging:
    """An outlet on a clock of its own, charging at 10 s unless a fault prevents it."""

    def __init__(self, *faults: str, ordered: bool = True) -> None:
        self.world = World(connectors=1, draw_w=DRAW_W)
        for fault in faults:
            raise_fault(self.world, 1, fault)
        self.outlet: Outlet = self.world.outlet(1)
        self.outlet.plug_in_socket = self.outlet.plug_in_car = True
        self.outlet.outputs.update(pilot_pwm=DUTY_32_A, coil=float(ordered), lock=1.0)
        self.to(10.0)

    def to(self, now_s: float) -> None:
        self.world.settle()
        self.world.advance(now_s)
        self.world.settle()

    @property
    def seen(self) -> tuple[str, bool, bool]:
        """Pilot, whether the car is seen, whether the board calls the pilot faulty."""
        levels = self.outlet.inputs()
        return self.outlet.pilot(), levels["vehicle"], levels["pilot_fault"]


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ("pilot_fault", ("E", True, True)),
        ("pilot_negative", ("F", True, True)),
        ("no_diode", ("E", True, True)),
        ("pilot_lost", ("A", False, False)),
        ("pe_lost", ("A", False, False)),
    ],
)
def test_each_fault_of_the_pilot_has_its_own_look(fault: str, seen: tuple[str, bool, bool]) -> None:
    """E and F are seen as such; without a way back for its current there is no car."""
    assert Charging().seen == ("C", True, False)
    assert Charging(fault).seen == seen


def test_a_missing_diode_shows_only_while_the_pilot_swings_at_a_car() -> None:
    """Steady +12 V tells nothing of it, nor does a socket with nothing in it."""
    charging = Charging("no_diode")
    charging.outlet.outputs["pilot_pwm"] = 1.0
    charging.to(20.0)
    assert charging.seen == ("B", True, False)
    charging.outlet.outputs["pilot_pwm"] = DUTY_32_A
    charging.outlet.plug_in_socket = charging.outlet.plug_in_car = False
    charging.to(30.0)
    assert charging.seen == ("A", False, False)


@pytest.mark.parametrize(
    ("fault", "ordered", "closed", "feedback"),
    [
        ("contactor_stuck_open", True, False, False),
        ("contactor_welded", False, True, True),
        ("coil_broken", True, False, False),
        ("feedback_broken", True, True, False),
        ("feedback_inverted", True, True, False),
        ("feedback_inverted", False, False, True),
    ],
)
def test_coil_contacts_and_feedback_fail_apart(
    fault: str, ordered: bool, closed: bool, feedback: bool
) -> None:
    """What the mirror contact says is one thing, whether energy flows another."""
    charging = Charging(fault, ordered=ordered)
    assert charging.outlet.closed is closed
    assert charging.outlet.inputs()["feedback"] is feedback
    assert (charging.outlet.power_w() > 0) is closed


@pytest.mark.parametrize(
    ("faults", "mains", "trips"),
    [((), True, True), (("rcd_test_dead",), True, False), ((), False, False)],
)
def test_safety_12_the_test_coil_trips_a_device_that_is_alive(
    faults: tuple[str, ...], mains: bool, trips: bool
) -> None:
    """While the pulse is on, and on the mains."""
    outlet = Charging(*faults).outlet
    outlet.mains = mains
    assert not outlet.inputs()["rcd"]
    outlet.outputs["rcd_test"] = 1.0
    assert outlet.inputs()["rcd"] is trips
    outlet.outputs["rcd_test"] = 0.0
    assert not outlet.inputs()["rcd"]


def test_a_slow_contactor_is_later_than_a_driver_waits() -> None:
    """400 ms: not at 300, but in the end."""
    charging = Charging("contactor_slow", ordered=False)
    charging.outlet.outputs["coil"] = 1.0
    charging.to(10.35)
    assert not charging.outlet.inputs()["feedback"]
    charging.to(10.45)
    assert charging.outlet.inputs()["feedback"]


def test_a_lock_without_feedback_locks_unseen() -> None:
    """Its wire is gone, before the daemon starts or while it runs; the bolt moves all the same."""
    charging = Charging("lock_feedback_lost")
    assert (charging.outlet.locked, charging.outlet.inputs()["locked"]) == (True, False)


def test_a_tripped_rcd_lets_nothing_through_until_it_is_reset() -> None:
    """It breaks the current itself; the world counts not a joule meanwhile."""
    charging = Charging()
    drawn = charging.outlet.drawn_wh
    raise_fault(charging.world, 1, "rcd")
    charging.to(100.0)
    assert (charging.outlet.drawn_wh, charging.outlet.power_w()) == (drawn, 0.0)
    clear_fault(charging.world, 1, "rcd")
    charging.to(101.0)
    assert charging.outlet.drawn_wh == pytest.approx(drawn + DRAW_W / 3600)


def test_a_bouncing_plug_makes_and_breaks_and_then_stays() -> None:
    """Plug sense and pilot chatter together, for as often as was asked."""
    charging = Charging()
    outlet = charging.outlet
    outlet.bounces = 2 * 3
    seen = []
    for moment in range(14):
        charging.to(10.0 + moment * BOUNCE_S / 2)
        levels = outlet.inputs()
        assert levels["plug"] is levels["vehicle"]
        seen.append(levels["plug"])
    changes = sum(before is not after for before, after in pairwise(seen))
    assert (changes, seen[-1], outlet.bounces) == (6, True, 0)


async def test_the_verb_lets_the_contacts_chatter(bay: Bay, caller: Caller) -> None:
    """`plug bounces=3`: in the end the plug is in."""
    await caller.ask("plug", connector=1, bounces=3)
    await until(lambda: bay.look().outlet(1).bounces == 0)
    assert bay.look().outlet(1).inputs()["plug"]


async def test_a_register_that_rolls_over_begins_anew(bay: Bay, caller: Caller) -> None:
    """The face goes back to nought; what was drawn does not."""
    await caller.ask("meter", connector=1, energy_wh=99_990.0, rollover_wh=100_000.0)
    with bay.touch() as world:
        world.outlet(1).energy_wh += 25.0
    assert bay.look().meter(1).energy_wh == pytest.approx(15.0)
    assert bay.look().outlet(1).energy_wh == pytest.approx(100_015.0)


async def test_the_computer_s_own_supply_is_told_by_a_file(caller: Caller) -> None:
    """As the kernel of a Pi tells it: 1 while the 5 V sag."""
    read = Path((await caller.ask("world"))["supply_file"]).read_text
    assert read() == "0\n"
    await caller.ask("fault", connector=0, code="undervoltage_5v")
    assert read() == "1\n"
    assert (await caller.ask("world"))["undervoltage_5v"]
    await caller.ask("clear", connector=0)
    assert read() == "0\n"


async def said_by(bay: Bay, unit: int, *, baudrate: int = 9600) -> str:
    """What a real master hears from *unit*: volts, silence, or an exception's number."""
    line = bay.buses.lines["meters"]
    client = AsyncModbusSerialClient(line.path, baudrate=baudrate, timeout=0.15, retries=0)
    await client.connect()
    try:
        reply = await client.read_input_registers(0, count=2, device_id=unit)
    except ModbusIOException:
        return "silence"
    finally:
        client.close()
    return f"refused {reply.exception_code}" if reply.isError() else "volts"


async def test_two_meters_at_one_address_drown_each_other(bay: Bay, caller: Caller) -> None:
    """Nobody is left at the old address, and no frame comes through at the shared one."""
    assert [await said_by(bay, unit) for unit in (1, 2)] == ["volts", "volts"]
    assert await caller.ask("meter.unit", connector=2, unit=1) == {"ok": True}
    assert [await said_by(bay, unit) for unit in (1, 2)] == ["silence", "silence"]
    await caller.ask("meter.unit", connector=2, unit=9)
    assert [await said_by(bay, unit) for unit in (1, 9)] == ["volts", "volts"]


def test_two_who_say_the_same_are_no_frame_either() -> None:
    """They are never quite in step."""
    body = bytes((1, 4, 4, 0, 0, 0, 0))
    heard = collision(body + crc16(body), body + crc16(body))
    assert crc16(heard[:-2]) != heard[-2:]


@pytest.mark.parametrize(
    ("wrong", "baudrate", "said"),
    [
        ({"baudrate": 19200}, 9600, "silence"),
        ({"baudrate": 19200}, 19200, "volts"),
        ({"parity": "E"}, 9600, "silence"),
        ({"fault": "crossed"}, 9600, "silence"),
        ({"fault": "held"}, 9600, "silence"),
        ({"fault": "none"}, 9600, "volts"),
    ],
)
async def test_a_line_that_is_set_or_wired_wrong_carries_nothing(
    bay: Bay, caller: Caller, wrong: dict[str, Any], baudrate: int, said: str
) -> None:
    """Until somebody asks at the speed of its meters, or mends it."""
    assert await caller.ask("bus", **wrong) == {"ok": True}
    assert await said_by(bay, 1, baudrate=baudrate) == said
    truth = (await caller.ask("world"))["buses"]["meters"]
    assert truth == {"fault": "none", "baudrate": 9600, "parity": "N"} | wrong


@pytest.mark.parametrize(
    ("mode", "said"), [("wrong_unit", "silence"), ("short", "silence"), ("busy", "refused 6")]
)
async def test_replies_of_a_broken_meter(bay: Bay, caller: Caller, mode: str, said: str) -> None:
    """In another's name, half, or an exception; the next good one is good."""
    await caller.ask("meter.fail", connector=1, mode=mode)
    assert await said_by(bay, 1) == said
    await caller.ask("meter.fail", connector=1, mode="none")
    assert await said_by(bay, 1) == "volts"


async def test_a_gateway_s_meters_keep_their_units(tmp_path: Path) -> None:
    """Over TCP there is no line to set them on."""
    async with bay_at(tmp_path / "t.sock", meter_bus="tcp"), calling(tmp_path / "t.sock") as caller:
        answer = await caller.ask("meter.unit", connector=2, unit=1)
        assert "gateway" in answer["error"]
        assert "choose one of" in (await caller.ask("bus", fault="held"))["error"]


async def test_a_reader_says_all_twice_or_late(bay: Bay, caller: Caller) -> None:
    """The frames are good, their number or their moment is not."""
    reader = bay.readers[0]
    await caller.ask("reader.fail", reader=0, on=True, mode="duplicate")
    assert (reader.copies, reader.delay_s) == (2, 0.0)
    await caller.ask("reader.fail", reader=0, on=True, mode="late")
    assert (reader.copies, reader.delay_s > 0.1) == (1, True)
    assert (await caller.ask("world"))["readers"][0]["fault"] == "late"
    await caller.ask("reader.fail", reader=0, on=False, mode="late")
    assert (reader.copies, reader.delay_s) == (1, 0.0)


def test_each_closing_of_the_contactor_is_remembered_with_its_energy() -> None:
    """The flows add up to what was drawn, the one that runs included; no energy, no flow."""
    charging = Charging()
    for closed, until_s in ((0.0, 20.0), (1.0, 30.0), (0.0, 31.0), (1.0, 40.0)):
        charging.outlet.outputs["coil"] = closed
        charging.to(until_s)
    flows = charging.outlet.flown()
    assert len(flows) == 3
    assert sum(end - begin for begin, end in flows) == pytest.approx(charging.outlet.drawn_wh)
    assert [begin for begin, _ in flows[1:]] == [end for _, end in flows[:-1]]
    idle = Charging("contactor_welded", ordered=False)
    idle.outlet.draw_w = 0.0
    before = len(idle.outlet.flown())
    idle.to(60.0)
    assert len(idle.outlet.flown()) == before
