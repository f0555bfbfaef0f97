"""Drivers are found by name, and their settings are checked with a remedy at hand."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints
from random import Random

import msgspec
import pytest
from pytest_mock import MockerFixture

from edge.drivers import registry
from edge.drivers.gpio_evse import open_evse
from edge.drivers.gpio_pins import GpioSettings
from edge.drivers.modbus import ModbusBus
from edge.drivers.modbus_meter import ModbusMeter
from edge.drivers.system_clock import SystemClock
from edge.errors import ConfigError
from tests.drivers.rigs import rig


@pytest.mark.parametrize(
    ("port", "table"),
    [
        ("reader", {"kind": "pn532", "port": "/dev/ttyS0", "connectors": [1, 2]}),
        ("bus", {"kind": "rtu", "port": "/dev/ttyUSB0", "baudrate": 9600, "parity": "N"}),
        ("bus", {"kind": "tcp", "host": "192.0.2.1", "port": 502}),
        ("meter", {"kind": "modbus", "bus": "rs485", "model": "sdm120", "unit": 1}),
        ("evse", {"kind": "gpio", "coil": 17, "feedback": 27, "plug": 22, "rated_a": 32}),
        ("power_good", {"kind": "gpio", "pin": 18, "active_high": False, "glitch_s": 0.02}),
    ],
)
def test_every_table_of_the_contract_finds_its_driver(port: str, table: dict[str, object]) -> None:
    """Names come from the entry points of the installed package: reinstall after adding one."""
    chosen = registry.choose(port, table, f"test.{port}")
    assert (
        msgspec.structs.asdict(chosen.settings).items()
        >= {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in table.items()
            if key != "kind"
        }.items()
    )


def test_an_unknown_kind_is_answered_with_the_nearest_and_the_list() -> None:
    """The installer sees what to write instead."""
    with pytest.raises(ConfigError, match=r'did you mean "pn532".*kinds are keyboard, pn532'):
        registry.choose("reader", {"kind": "pn523"}, "readers.0")


def test_a_table_without_kind_is_answered_with_the_list() -> None:
    """Nothing is guessed."""
    with pytest.raises(ConfigError, match=r"\[buses.rs485\] needs kind.*rtu, tcp"):
        registry.choose("bus", {"port": "/dev/ttyUSB0"}, "buses.rs485")


def test_an_unknown_key_is_answered_with_the_nearest() -> None:
    """A misspelt safety input must not go unread."""
    with pytest.raises(ConfigError, match=r'"emergancy_stop" \(did you mean "emergency_stop"\?\)'):
        registry.decode(GpioSettings, {"coil": 17, "emergancy_stop": 5}, "connectors.1.evse")


def test_a_wrong_value_is_answered_with_its_key() -> None:
    """File table, key and what was expected."""
    with pytest.raises(ConfigError, match=r"\[connectors.1.evse\] coil: Expected `int`, got `str`"):
        registry.decode(GpioSettings, {"coil": "GPIO17"}, "connectors.1.evse")


def test_a_missing_key_is_named() -> None:
    """The one pin that must be there."""
    with pytest.raises(ConfigError, match=r"missing required field `coil`"):
        registry.decode(GpioSettings, {"plug": 22}, "connectors.1.evse")


def test_a_driver_offered_twice_does_not_load(mocker: MockerFixture) -> None:
    """Which of two packages closes the contactor must not depend on chance."""
    found = EntryPoints(
        (
            EntryPoint("evse.gpio", "edge.drivers.gpio_evse:open_evse", registry.GROUP),
            EntryPoint("evse.gpio", "elsewhere:open_evse", registry.GROUP),
        )
    )
    mocker.patch.object(registry, "installed", return_value=found)
    with pytest.raises(ConfigError, match="offered more than once"):
        registry.choose("evse", {"kind": "gpio", "coil": 17}, "connectors.1.evse")


def test_the_factory_is_the_one_in_the_driver() -> None:
    """No copy, no wrapper."""
    assert registry.choose("evse", {"kind": "gpio", "coil": 17}, "x").factory is open_evse


def test_a_missing_bus_is_answered_with_the_nearest() -> None:
    """The meter's table names a bus that is not there."""
    with pytest.raises(ConfigError, match=r'no bus "rs458" \(did you mean "rs485"\?\)'):
        rig(rs485=object()).bus("rs458")


async def test_the_rig_opens_buses_and_meters_find_them() -> None:
    """Composition as the application does it, with a port that does not exist yet."""
    buses = {"rs485": {"kind": "rtu", "port": "/dev/none"}}
    meter = {"kind": "modbus", "bus": "rs485", "model": "sdm120", "unit": 1}
    async with registry.open_rig(buses, clock=SystemClock(), random=Random(1)) as opened:
        assert isinstance(opened.bus("rs485"), ModbusBus)
        async with registry.choose("meter", meter, "connectors.1.meter").open(opened, 1) as found:
            assert isinstance(found, ModbusMeter)


async def test_a_meter_model_that_does_not_exist_is_answered_with_the_list() -> None:
    """Configuration errors stop the start."""
    meter = {"kind": "modbus", "bus": "b", "model": "sdm121", "unit": 1}
    chosen = registry.choose("meter", meter, "connectors.1.meter")
    with pytest.raises(
        ConfigError, match=r'did you mean "sdm120".*bundled are abb-b21, .*, sdm72d-m-2'
    ):
        async with chosen.open(rig(b=object()), 1):
            pass
