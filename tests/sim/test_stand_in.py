"""Tables of real hardware on the bay's wires: pins, levels, units and lines as configured."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from gpiozero import DigitalInputDevice, DigitalOutputDevice
from pymodbus.client import AsyncModbusSerialClient
from pymodbus.exceptions import ModbusIOException

from edge.errors import SimulationError
from edge.sim.bay import Bay
from edge.sim.stand_in import StandIn, stand_in
from edge.sim.wires import Attached, BayWanted, attach
from tests.sim.bays import Caller, TestDaemon, bay_at, calling
from tests.waiting import until

EVSE = {
    "kind": "gpio",
    "coil": 5,
    "feedback": 6,
    "plug": 13,
    "emergency_stop": 19,
    "active_low": ["emergency_stop"],
    "rated_a": 16,
    "phases": 3,
}
METER = {"kind": "modbus", "bus": "rs485", "model": "sdm630", "unit": 7}
LINE = {"kind": "rtu", "port": "/dev/ttyUSB0", "baudrate": 19200, "drain_s": 0.5}
READER = {"kind": "pn532", "port": "/dev/ttyS0", "connectors": [1]}
THREE_PHASES_W = 3 * 16 * 230.0


def planned(**changed: Any) -> StandIn:
    """One charging point at a three-phase socket without a pilot, as an installer describes it."""
    tables: dict[str, Any] = {
        "readers": {0: READER},
        "buses": {"rs485": LINE},
        "connectors": {1: (EVSE, METER)},
        "power_good": {"kind": "gpio", "pin": 26, "active_high": False},
    }
    return stand_in(**(tables | changed))


@pytest.fixture
async def bay(tmp_path: Path) -> AsyncIterator[Bay]:
    """A bay in the place of that hardware."""
    tables = json.loads(json.dumps(planned().tables))
    async with bay_at(tmp_path / "s.sock", tables=tables, draw_w=50_000.0) as bay:
        yield bay


@pytest.fixture
async def attached(bay: Bay, tmp_path: Path) -> AsyncIterator[Attached]:
    """A daemon whose configuration that is."""
    wanted = BayWanted(tables=planned().tables)
    async with attach(tmp_path / "s.sock", TestDaemon().hooks(), wanted) as attached:
        yield attached


@pytest.fixture
async def caller(bay: Bay, tmp_path: Path) -> AsyncIterator[Caller]:
    """A connection to the bay."""
    async with calling(tmp_path / "s.sock") as caller:
        yield caller


def watched(attached: Attached, pin: int, *, active_high: bool = True) -> DigitalInputDevice:
    factory = attached.pin_factory
    return DigitalInputDevice(pin, pull_up=None, active_state=active_high, pin_factory=factory)


def test_what_is_configured_stays_but_for_where_it_is_plugged_in() -> None:
    """Pins, levels, unit, model and times are the user's; ports are the bay's to give."""
    stood = planned()
    assert stood.notes == ()
    assert stood.tables["connectors"]["1"] == {"evse": EVSE, "meter": METER}
    assert stood.tables["buses"] == {"rs485": LINE}
    assert stood.tables["readers"]["0"] == {"kind": "pn532", "connectors": [1]}


async def test_the_daemon_is_given_ports_of_the_bay_and_the_rest_of_its_own(
    attached: Attached,
) -> None:
    """What a driver opens is there; what it shall do is as configured."""
    tables = attached.tables
    assert tables["readers"]["0"]["port"].startswith("/dev/pts/")
    assert tables["buses"]["rs485"] | {"port": ""} == LINE | {"port": ""}
    assert tables["buses"]["rs485"]["port"].startswith("/dev/pts/")
    assert tables["connectors"]["1"]["evse"] == EVSE


async def test_a_wire_ends_on_the_configured_pin_at_the_configured_level(
    attached: Attached, caller: Caller
) -> None:
    """Normally closed is low when pressed; power good is low while the grid is there."""
    plug, stop = watched(attached, 13), watched(attached, 19, active_high=False)
    grid = watched(attached, 26, active_high=False)
    assert (plug.value, stop.value, grid.value) == (0, 0, 1)
    await caller.ask("plug", connector=1)
    await caller.ask("fault", connector=1, code="estop")
    assert (plug.value, stop.value, grid.value) == (1, 1, 1)
    await caller.ask("power", mode="fail")
    assert grid.value == 0


async def test_a_socket_without_a_pilot_gives_what_its_fuse_does(
    attached: Attached, bay: Bay
) -> None:
    """Nobody signals a current: the coil alone decides, on all phases."""
    coil = DigitalOutputDevice(5, pin_factory=attached.pin_factory)
    with bay.touch() as world:
        world.outlet(1).plug_in_socket = world.outlet(1).plug_in_car = True
    lamp = DigitalOutputDevice(21, pin_factory=attached.pin_factory)
    lamp.on()  # a pin on which nothing hangs is nobody's news
    coil.on()
    await until(lambda: bay.look().outlet(1).power_w() == THREE_PHASES_W)
    coil.off()
    await until(lambda: bay.look().outlet(1).power_w() == 0.0)


@pytest.mark.parametrize("baudrate", [19200, 9600])
async def test_the_meter_speaks_as_its_line_is_configured(
    attached: Attached, baudrate: int
) -> None:
    """Its unit and its speed; to a master that speaks otherwise it is silent."""
    port = attached.tables["buses"]["rs485"]["port"]
    client = AsyncModbusSerialClient(port, baudrate=baudrate, timeout=0.2, retries=0)
    await client.connect()
    try:
        answered = await _volts(client)
    finally:
        client.close()
    assert answered is (baudrate == 19200)


async def _volts(client: AsyncModbusSerialClient) -> bool:
    try:
        return not (await client.read_input_registers(0, count=2, device_id=7)).isError()
    except ModbusIOException:
        return False


def test_what_the_bay_cannot_be_is_stood_in_for_and_said() -> None:
    """Foreign kinds get the nearest thing, on lines that nobody names; the rating stays."""
    stood = planned(
        readers={0: {"kind": "wedge", "device": "/dev/input/event0", "connectors": [1]}},
        buses={"rs485": LINE | {"kind": "can"}, "second": LINE | {"parity": "E"}},
        connectors={1: ({"kind": "box", "coil": 45, "rated_a": 20}, {"kind": "pulses", "pin": 4})},
        power_good={"kind": "snmp"},
    )
    assert [note.split("]")[0] for note in stood.notes] == [
        "[readers.0",
        "[buses.rs485",
        "[buses.second",
        "[connectors.1.evse",
        "[connectors.1.meter",
        "[power_good",
    ]
    evse = stood.tables["connectors"]["1"]["evse"]
    pins = [value for name, value in evse.items() if name not in ("kind", "rated_a")]
    assert evse["rated_a"] == 20
    assert len({*pins, stood.tables["power_good"]["pin"], 45}) == len(pins) + 2
    assert stood.tables["connectors"]["1"]["meter"]["bus"] in stood.tables["buses"]
    assert stood.tables["buses"]["second"]["parity"] == "N"


async def test_a_daemon_with_other_tables_is_refused(bay: Bay, tmp_path: Path) -> None:
    """The world was built for one configuration."""
    other = planned(power_good=None).tables
    with pytest.raises(SimulationError, match="other tables"):
        async with attach(tmp_path / "s.sock", TestDaemon().hooks(), BayWanted(tables=other)):
            pass
