"""Configurations whose tables are sound one by one, and cannot work together."""

from __future__ import annotations

from typing import Any

import pytest

from edge.config.settings import Connector, Settings
from edge.doctor.plan import judge
from edge.doctor.planted import put

SOUND: dict[str, Any] = {
    "csms": {"url": "ws://127.0.0.1:9000/ocpp"},
    "ocpp": {},
    "readers": {0: {"kind": "pn532", "port": "/dev/ttyS0", "connectors": [1, 2]}},
    "buses": {"rs485": {"kind": "rtu", "port": "/dev/ttyUSB0"}},
    "connectors": {
        str(n): {
            "evse": {"kind": "gpio", "coil": 10 + n, "plug": 20 + n},
            "meter": {"kind": "modbus", "bus": "rs485", "model": "sdm120", "unit": n},
        }
        for n in (1, 2)
    },
    "power_good": {"kind": "gpio", "pin": 18},
}


def settings(changes: dict[str, Any]) -> Settings:
    tables = put(SOUND, changes)
    tables["connectors"] = {int(n): Connector(**c) for n, c in tables["connectors"].items()}
    return Settings(hardware="real", **tables)


def test_a_sound_plan_has_no_finding() -> None:
    """A linter that cries wolf is turned off."""
    assert list(judge(settings({}))) == []


@pytest.mark.parametrize(
    ("changes", "code", "where"),
    [
        ({"connectors.1.meter": None}, "plan.no_meter", "connectors.1"),
        ({"connectors.1.meter.bus": "rs458"}, "plan.no_bus", "connectors.1.meter"),
        ({"connectors.2.meter.unit": 1}, "plan.shared_meter", "connectors.2.meter"),
        ({"connectors.2.evse.coil": 11}, "plan.shared_pin", "connectors.2.evse"),
        ({"connectors.2.evse.plug": 11}, "plan.shared_pin", "connectors.2.evse"),
        ({"connectors.1.evse.coil": 18}, "plan.shared_pin", "connectors.1.evse"),
        ({"connectors.1.evse.pilot_pwm": 5}, "plan.pins", "connectors.1.evse"),
        ({"connectors.1.evse.plug": None}, "plan.no_sense", "connectors.1.evse"),
        ({"connectors.1.evse.rated_a": 80}, "plan.small_meter", "connectors.1.meter"),
        ({"connectors.1.meter.rated_w": 5000}, "plan.small_rating", "connectors.1.meter"),
        ({"buses.rs485.baudrate": 1200}, "plan.slow_bus", "buses.rs485"),
        ({"csms.url": "ws://csms.example/"}, "plan.plain", "csms"),
        ({"csms.url": "wss://csms.example/"}, "plan.public_roots", "csms"),
        ({"ocpp.SecurityProfile": "3", "csms.ca_file": "x"}, "plan.no_certificate", "csms"),
    ],
)
def test_an_impossible_combination_is_named(changes: dict[str, Any], code: str, where: str) -> None:
    """Complaint 43: each with its place and one remedy, and nothing else."""
    (found,) = judge(settings(changes))
    assert (found.code, found.where) == (code, where)
    assert found.remedy


def test_a_reader_may_serve_only_connectors_that_there_are() -> None:
    """Its cards would start nothing."""
    table = {"kind": "pn532", "port": "/dev/ttyS0", "connectors": [1, 3]}
    (found,) = judge(settings({"readers": {0: table}}))
    assert (found.code, found.remedy) == ("plan.no_connector", "write connectors = [1, 2]")


def test_two_buses_may_have_the_same_units() -> None:
    """Ruling 22 is about meters, not about numbers."""
    second = {"rs485": SOUND["buses"]["rs485"], "other": {"kind": "rtu", "port": "/dev/ttyUSB1"}}
    changes = {"buses": second, "connectors.2.meter.bus": "other", "connectors.2.meter.unit": 1}
    assert list(judge(settings(changes))) == []
