"""Every verb of the control socket, over the socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from edge.cli.sim import VERBS
from edge.errors import SimulationError
from edge.sim.bay import Bay
from edge.sim.outlet import Contactor, MeterFault, Wire
from edge.sim.snapshot import condition_of, matches
from edge.sim.verbs import verbs
from tests.sim.bays import Caller, bay_at, calling
from tests.waiting import until

DUTY_32_A = 32 / 60


@pytest.fixture
async def bay(tmp_path: Path) -> AsyncIterator[Bay]:
    """Two connectors whose cars would draw 7.36 kW."""
    async with bay_at(tmp_path / "s.sock", draw_w=7360.0) as bay:
        yield bay


@pytest.fixture
async def caller(bay: Bay, tmp_path: Path) -> AsyncIterator[Caller]:
    """A connection to it."""
    async with calling(tmp_path / "s.sock") as caller:
        yield caller


def charge(bay: Bay, connector: int = 1) -> None:
    """As a daemon would: offer 32 A and close the contactor."""
    with bay.touch() as world:
        world.outlet(connector).outputs.update(coil=1.0, pilot_pwm=DUTY_32_A)


async def facts(caller: Caller, connector: int = 1) -> dict[str, Any]:
    state = await caller.ask("state")
    found = state["connectors"][str(connector)]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("side", "plugged", "pilot"),
    [("both", True, "B"), ("evse", True, "A"), ("ev", False, "A")],
)
async def test_plugging_needs_both_sides_for_a_pilot(
    caller: Caller, side: str, plugged: bool, pilot: str
) -> None:
    """A cable that hangs in the charge point is no car."""
    await caller.ask("plug", connector=1, side=side)
    found = await facts(caller)
    assert (found["plugged"], found["pilot"]) == (plugged, pilot)


async def test_unplugging_the_car_leaves_the_cable_in_the_charge_point(caller: Caller) -> None:
    """Side `ev`: pilot A, plug still there; then side `evse`."""
    await caller.ask("plug", connector=1)
    await caller.ask("unplug", connector=1, side="ev")
    found = await facts(caller)
    assert (found["plugged"], found["pilot"]) == (True, "A")
    await caller.ask("unplug", connector=1)
    assert not (await facts(caller))["plugged"]


async def test_a_locked_plug_is_held(bay: Bay, caller: Caller) -> None:
    """The answer says so; the car's side comes out."""
    await caller.ask("plug", connector=1)
    with bay.touch() as world:
        world.outlet(1).outputs["lock"] = 1.0
    assert "ok" in await caller.ask("wait", condition={"connectors.1.lock": "locked"})
    assert (await caller.ask("unplug", connector=1))["held_by_lock"]
    found = await facts(caller)
    assert (found["plugged"], found["pilot"]) == (True, "A")
    with bay.touch() as world:
        world.outlet(1).outputs["lock"] = 0.0
    assert "ok" in await caller.ask("wait", condition={"connectors.1.plugged": False})


async def test_a_car_that_is_not_ready_stays_in_b(bay: Bay, caller: Caller) -> None:
    """`ev` sets the car's wish and its appetite."""
    await caller.ask("plug", connector=1)
    await caller.ask("ev", connector=1, state="B", draw_w=3000.0)
    charge(bay)
    assert (await facts(caller))["pilot"] == "B"
    await caller.ask("ev", connector=1, state="C")
    done = await caller.ask("wait", condition={"connectors.1.power_w": {"gte": 2999.0}})
    assert done["state"]["connectors"]["1"]["pilot"] == "C"
    await caller.ask("ev", connector=1, state="D")
    assert (await facts(caller))["pilot"] == "D"
    await caller.ask("ev", connector=1, state="B")
    assert (await facts(caller))["power_w"] == 0.0


async def test_a_card_without_a_daemon_lies_there_unseen(bay: Bay, caller: Caller) -> None:
    """Nobody polls: it is laid and taken away all the same."""
    answer = await caller.ask("card", uid="04a2b1c3d4e580", for_s=0.2)
    assert answer == {"ok": True, "seen": False}
    assert bay.readers[0].chip.card == bytes.fromhex("04A2B1C3D4E580")
    await until(lambda: bay.readers[0].chip.card is None)


def registers(bay: Bay) -> tuple[float, float]:
    """Of the main meter and connector 1's at one moment, in Wh."""
    seen = bay.look()
    return seen.meter(0).energy_wh, seen.meter(1).energy_wh


async def test_the_kernel_shows_how_warm_it_is(bay: Bay, caller: Caller) -> None:
    """A file as w1_therm makes it; none once the sensor's wire is broken."""
    table = bay.tables()["connectors"]["2"]["temperature"]
    file = Path(table["devices"]) / table["device"] / "temperature"
    assert file.read_text() == "25000\n"
    assert await caller.ask("temperature", connector=2, celsius=-3.5) == {"ok": True}
    assert file.read_text() == "-3500\n"
    assert (await caller.ask("world"))["connectors"]["2"]["temperature_c"] == -3.5
    await caller.ask("temperature", connector=2, celsius="off")
    assert not file.exists()
    await caller.ask("temperature", connector=2, celsius=30)
    assert file.read_text() == "30000\n"
    assert "error" in await caller.ask("temperature", connector=2, celsius="hot")


async def test_meter_sets_registers_and_loads(bay: Bay, caller: Caller) -> None:
    """Energy is the integral of power; the main meter counts all."""
    charge(bay)
    await caller.ask("wait", condition={"connectors.1.contactor_closed": True})
    await caller.ask("meter", connector=1, energy_wh=5000, power_w=3600, time_scale=1000, soc=55)
    await caller.ask("meter", connector=1, voltage=[231, 232, 233], current=[15, 0, 0])
    await caller.ask("meter", connector=0, energy_wh=100000, power_w=500)
    face = bay.look().meter(1)
    assert face.energy_wh >= 5000.0
    assert (face.voltage_v, face.current_a) == ((231.0, 232.0, 233.0), (15.0, 0.0, 0.0))
    assert bay.look().meter(0).power_w == 4100.0
    main, own = registers(bay)
    await until(lambda: registers(bay)[1] > own + 10.0)
    main_after, own_after = registers(bay)
    assert main_after - main >= own_after - own > 10.0
    refused = await caller.ask("meter", connector=0, soc=1)
    assert refused == {"error": "the main meter takes no soc"}


@pytest.mark.parametrize("mode", list(MeterFault))
async def test_meter_fail_puts_a_fault_on_the_bus(bay: Bay, caller: Caller, mode: str) -> None:
    """For one meter, or the main one."""
    for connector in (0, 2):
        assert await caller.ask("meter.fail", connector=connector, mode=mode) == {"ok": True}
        assert bay.world.meter_faults[connector] == mode


@pytest.mark.parametrize(
    ("code", "wire"),
    [
        ("rcd", "rcd"),
        ("estop", "emergency_stop"),
        ("overtemp", "over_temperature"),
        ("GroundFailure", "rcd"),
        ("HighTemperature", "over_temperature"),
        ("EVCommunicationError", "pilot_fault"),
        ("contactor_welded", "feedback"),
        ("PowerSwitchFailure", "feedback"),
    ],
)
async def test_a_fault_shows_on_its_wire_until_cleared(
    bay: Bay, caller: Caller, code: str, wire: str
) -> None:
    """OCPP's words are brought back to what a driver can see."""
    await caller.ask("fault", connector=1, code=code)
    assert bay.look().outlet(1).inputs()[wire]
    assert not bay.look().outlet(2).inputs()[wire]
    await caller.ask("clear", connector=1, code=code)
    await until(lambda: not bay.look().outlet(1).inputs()[wire])


async def test_connector_zero_is_the_whole_charge_point(bay: Bay, caller: Caller) -> None:
    """An emergency stop is one button for all; clear without a code mends everything."""
    answer = await caller.ask("fault", connector=0, code="estop", vendor_code="E17")
    assert "no wire" in answer["note"]
    for code in ("contactor_slow", "ConnectorLockFailure", "PowerMeterFailure", "UnderVoltage"):
        await caller.ask("fault", connector=2, code=code)
    await caller.ask("fault", connector=0, code="ReaderFailure")
    assert bay.world.outlet(2).contactor is Contactor.SLOW
    assert bay.look().meter(2).voltage_v[0] < 200.0
    assert bay.readers[0].chip.silent
    assert all(Wire.EMERGENCY_STOP in o.wires for o in bay.world.outlets.values())
    await caller.ask("clear", connector=0)
    truth = await caller.ask("world")
    for found in truth["connectors"].values():
        assert (found["faults"], found["contactor"], found["lock"]) == ([], "ok", "ok")
        assert found["meter_fault"] == "none"
    assert bay.look().meter(2).voltage_v[0] == 230.0
    assert truth["readers"] == [{"card": False, "fault": "none"}]


async def test_lock_modes_show_in_the_snapshot(caller: Caller) -> None:
    """Absent is a fact of its own."""
    await caller.ask("lock", connector=2, mode="absent")
    assert (await facts(caller, 2))["lock"] == "absent"
    refused = await caller.ask("fault", connector=2, code="ConnectorLockFailure")
    assert refused == {"error": "connector 2 has no lock that could fail"}


async def test_reader_fail_silences_or_garbles_the_chip(bay: Bay, caller: Caller) -> None:
    """On and off, as words or as booleans."""
    await caller.ask("reader.fail", reader=0, on=True)
    assert bay.readers[0].chip.silent
    await caller.ask("reader.fail", reader=0, on="on", mode="garbled")
    assert (bay.readers[0].chip.silent, bay.readers[0].chip.garbled) == (False, True)
    await caller.ask("reader.fail", reader=0, on="off")
    assert not bay.readers[0].chip.garbled


async def test_the_emergency_button_springs_back_unless_held(bay: Bay, caller: Caller) -> None:
    """Press is a moment, hold lasts until release."""
    await caller.ask("button", name="estop", action="hold")
    assert bay.look().outlet(2).inputs()["emergency_stop"]
    await caller.ask("button", name="estop", action="release")
    assert not bay.look().outlet(2).inputs()["emergency_stop"]
    await caller.ask("button", name="estop", connector=1)
    assert bay.look().outlet(1).inputs()["emergency_stop"]
    await until(lambda: not bay.look().outlet(1).inputs()["emergency_stop"])


async def test_the_stop_button_is_a_wire_of_its_own(bay: Bay, caller: Caller) -> None:
    """One connector's button; a press springs back."""
    await caller.ask("button", name="stop", connector=2)
    assert bay.look().outlet(2).inputs()["stop_button"]
    assert not bay.look().outlet(1).inputs()["stop_button"]
    await until(lambda: not bay.look().outlet(2).inputs()["stop_button"])


async def test_power_kill_darkens_the_bay(bay: Bay, caller: Caller) -> None:
    """Outputs drop and nothing is drawn, daemon or not."""
    await caller.ask("plug", connector=1)
    charge(bay)
    await caller.ask("wait", condition={"connectors.1.power_w": {"gte": 1}})
    assert (await caller.ask("power", mode="kill"))["ok"]
    truth = (await caller.ask("world"))["connectors"]["1"]
    assert (truth["coil"], truth["power_w"], truth["offered_a"]) == (False, 0.0, 0.0)
    drawn = truth["drawn_wh"]
    await caller.ask("wait", condition={"connectors.1.contactor_closed": False})
    assert (await caller.ask("world"))["connectors"]["1"]["drawn_wh"] == drawn


async def test_events_tell_the_present_and_every_change(
    caller: Caller, bay: Bay, tmp_path: Path
) -> None:
    """The first line comes at once."""
    async with calling(tmp_path / "s.sock") as listener:
        listener.say("events")
        first = await listener.hear()
        assert first["connectors"]["2"]["plugged"] is False
        await caller.ask("plug", connector=2)
        assert (await listener.hear())["connectors"]["2"]["plugged"] is True
        with bay.touch() as world:
            world.outlet(2).outputs["lamp_green"] = 1.0
        assert (await listener.hear())["lamps"]["2"]["green"] is True


async def test_wait_says_what_differs_when_time_is_over(caller: Caller) -> None:
    """A test that fails should say why."""
    answer = await caller.ask(
        "wait", condition={"connectors": {"1": {"plugged": True}}, "online": True}, timeout_s=0.05
    )
    assert "connectors.1.plugged is False, not True; online is False" in answer["error"]


@pytest.mark.parametrize(
    ("op", "arguments", "sentence"),
    [
        ("plug", {"connector": 3}, "there is no connector 3, only 1 to 2"),
        ("plug", {"connector": 1, "side": "top"}, "choose one of ev, evse, both"),
        ("plug", {"connector": 1, "colour": "red"}, "it takes connector, side"),
        ("plug", {}, "missing"),
        ("ev", {"connector": 1, "state": "A"}, "choose one of B, C, D"),
        ("ev", {"connector": 1, "draw_w": -1}, "give 0 or more"),
        ("card", {"uid": "04A2B1C3D4"}, "4, 7 or 10 bytes"),
        ("card", {"uid": 7}, "give text"),
        ("card", {"uid": "DEADBEEF", "reader": 1}, "there is no reader 1"),
        ("card", {"uid": "DEADBEEF", "connectors": [5]}, "no connector 5"),
        ("meter", {"connector": 1, "power_w": "much"}, "give a number"),
        ("meter", {"connector": 1, "voltage": [1, 2]}, "give one, or three"),
        ("meter.fail", {"connector": 1, "mode": "odd"}, "timeout, crc, stuck, swapped, late"),
        ("meter.fail", {"connector": 9, "mode": "crc"}, "no connector 9"),
        ("fault", {"connector": 1, "code": "WeakSignal"}, "has no wire in this bay"),
        ("fault", {"connector": 1, "code": "smoke"}, "choose one of rcd"),
        ("plug", {"connector": 1, "bounces": 99}, "from 0 to 20"),
        ("plug", {"connector": 1, "bounces": 1.5}, "give a whole number"),
        ("meter", {"connector": 1, "rollover_wh": 0}, "give 1 or more"),
        ("meter.unit", {"connector": 1, "unit": 248}, "from 1 to 247"),
        ("meter.unit", {"connector": 5, "unit": 2}, "connector 5 has no meter"),
        ("bus", {"name": "other"}, "choose one of meters"),
        ("bus", {"fault": "loose"}, "choose one of none, held, crossed"),
        ("bus", {"baudrate": 1}, "choose one of 1200"),
        ("bus", {"parity": "M"}, "choose one of N, E, O"),
        ("reader.fail", {"reader": 0, "on": "on", "mode": "asleep"}, "silent, garbled, late"),
        ("clear", {"connector": 1, "code": "rain"}, "choose one of rcd"),
        ("lock", {"connector": 1, "mode": "rusty"}, "choose one of ok, fail_lock"),
        ("reader.fail", {"reader": 0, "on": "maybe"}, "on or off"),
        ("button", {"name": "bell"}, "choose one of estop, stop"),
        ("button", {"name": "estop", "connector": 4}, "no connector 4"),
        ("net", {"mode": "down"}, "none is attached"),
        ("net", {"mode": "sideways"}, "choose one of up, down"),
        ("net", {"mode": "half", "after_bytes": 0}, "from 1 to"),
        ("disk", {"mode": "full"}, "none is attached"),
        ("disk", {"mode": "wet"}, "choose one of ok, full, read_only, broken"),
        ("disk", {"mode": "ok", "delay_s": 31}, "give 30 or less"),
        ("process", {"mode": "kill"}, "none is attached"),
        ("process", {"mode": "pause"}, "choose one of kill"),
        ("clock", {"offset_s": 5}, "none is attached"),
        ("reset_state", {}, "none is attached"),
        ("power", {"mode": "off"}, "none is attached"),
        ("power", {"mode": "low"}, "choose one of off, kill, fail, back"),
        ("wait", {"condition": {}}, "condition is an object"),
        ("attach", {"connectors": 1, "meter_bus": "tcp", "meter_model": "x"}, "is built as"),
        ("fail.firmware", {"next": "soon"}, "choose one of ok, download, install"),
        ("fail.firmware", {"next": "ok"}, "none is attached"),
        ("fail.locallist", {"on": "perhaps"}, "on or off"),
        ("ocpp.datatransfer", {"vendorId": "v"}, "none is attached"),
        ("ocpp.security_event", {"type": "TamperDetectionActivated"}, "none is attached"),
        ("fail.weather", {"next": "ok"}, "there is no verb"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_one_sentence(
    caller: Caller, op: str, arguments: dict[str, Any], sentence: str
) -> None:
    """The sentence says what is allowed."""
    answer = await caller.ask(op, **arguments)
    assert sentence in answer["error"]
    assert "\n" not in answer["error"]


async def test_every_verb_of_the_socket_is_a_command_and_the_other_way_round(bay: Bay) -> None:
    """What a program may do to the bay, a person may; `wait` has a form of its own there."""
    assert set(verbs(bay)) - {"wait"} == set(VERBS)


def test_conditions_may_be_nested_dotted_and_compared() -> None:
    """All forms say the same."""
    state = {"outbox": 3, "online": True, "connectors": {"1": {"status": "Charging"}}}
    assert matches(state, condition_of({"connectors": {"1": {"status": "Charging"}}})) == []
    assert matches(state, condition_of({"outbox": {"lte": 3, "gte": 1}, "online": True})) == []
    assert matches(state, {"connectors.1.status": {"in": ["Charging", "Finishing"]}}) == []
    assert matches(state, {"connectors.1.status": {"not": "Faulted"}}) == []
    assert len(matches(state, {"outbox": {"gte": 4}, "connectors.1.status": {"gte": 1}})) == 2
    assert matches(state, {"connectors.2.session.idTag": None}) == []
    with pytest.raises(SimulationError):
        condition_of("Charging")


async def test_a_bay_that_cannot_be_built_says_so(tmp_path: Path) -> None:
    """Room, bus and model are checked at the start."""
    for setup, sentence in (
        ({"connectors": 3}, "room for 1 to 2"),
        ({"meter_bus": "can"}, "one of rtu, tcp"),
        ({"meter_model": "abacus"}, "choose one of"),
    ):
        with pytest.raises(SimulationError, match=sentence):
            async with bay_at(tmp_path / "x.sock", **setup):
                pass


async def test_answers_come_within_100_ms(caller: Caller) -> None:
    """The contract's bound, for inputs that nobody sees."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for op, arguments in (
        ("plug", {"connector": 1}),
        ("fault", {"connector": 1, "code": "rcd"}),
        ("state", {}),
        ("world", {}),
    ):
        assert "error" not in await caller.ask(op, **arguments)
    assert loop.time() - began < 0.4
