"""The status document: valid, masked, and true to what is stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from csms_lite.live.rules import Snapshot, document, sequence
from csms_lite.sessions.rules import Session
from csms_lite.stations.rules import Connector
from csms_lite.tariffs.rules import Tariff
from tests.csms_lite.shapes import STATION, session

SCHEMA = json.loads(
    (Path(__file__).parents[3] / "hmi" / "status.schema.json").read_text(encoding="utf-8")
)
SESSION = session()
CLOSED = SESSION._replace(
    state="closed", meter_stop_wh=3000, stopped_at_ms=180_000, stop_reason="Local", power_w=0
)
EURO = Tariff("EUR", 45)


def connector(status: str, number: int = 1) -> Connector:
    return Connector(number, status, "NoError", None, 60_000)


def written(status: str, session: Session | None, tariff: Tariff | None = EURO) -> dict[str, Any]:
    seen = Snapshot(
        station=STATION,
        connectors=(connector("Available", 0), connector(status)),
        sessions={1: session} if session else {},
        tariff=tariff,
    )
    made = document(
        seen, sequence=sequence(1, 1), now_ms=200_000, is_online=True, heard_at_ms=199_000
    )
    jsonschema.validate(made, SCHEMA, format_checker=jsonschema.FormatChecker())
    return made


def test_a_running_session_shows_power_energy_and_an_estimate() -> None:
    """Energy is register minus meterStart, the cost its price so far."""
    [shown] = written("Charging", SESSION)["connectors"]
    assert shown["power_w"] == 7400
    assert shown["measured_at"] == "1970-01-01T00:02:00.000Z"
    assert shown["session"] == {
        "tag": "…E580",
        "started_at": "1970-01-01T00:01:00.000Z",
        "stopped_at": None,
        "stop_reason": None,
        "energy_wh": 1500,
        "cost_minor": 68,
        "cost_final": False,
    }


@pytest.mark.parametrize("status", ["Finishing", "Faulted", "Charging", "SuspendedEV"])
def test_an_ended_session_stays_until_the_cable_is_out(status: str) -> None:
    """The driver who comes back to the car still sees what it cost."""
    [shown] = written(status, CLOSED)["connectors"]
    assert shown["session"]["energy_wh"] == 2000
    assert shown["session"]["cost_minor"] == 90
    assert shown["session"]["cost_final"] is True


@pytest.mark.parametrize(
    ("status", "session"),
    [
        ("Available", CLOSED),
        ("Preparing", CLOSED),
        ("Finishing", CLOSED._replace(cable_out_at_ms=1)),
        ("Available", None),
    ],
)
def test_the_next_driver_sees_nothing_of_the_last(status: str, session: Session | None) -> None:
    """Once the cable is out, or another is in, the last session is nobody's business."""
    [shown] = written(status, session)["connectors"]
    assert shown["session"] is None
    assert shown["power_w"] is None


@pytest.mark.parametrize("tariff", [None, Tariff("USD", 50)])
def test_a_session_without_a_price_in_this_currency_has_no_cost(tariff: Tariff | None) -> None:
    """A cost in one currency under the sign of another would be a lie."""
    [shown] = written("Charging", SESSION, tariff)["connectors"]
    assert shown["session"]["cost_minor"] is None


def test_a_register_that_ran_backwards_shows_no_negative_energy() -> None:
    """A replaced meter is a conflict for the operator, not for the driver."""
    [shown] = written("Charging", SESSION._replace(register_wh=10))["connectors"]
    assert shown["session"]["energy_wh"] == 0


def test_sequences_rise_over_restarts() -> None:
    """The first document of a later start is newer than the last of an earlier one."""
    assert sequence(2, 1) > sequence(1, 2**32 - 1)
    assert sequence(2**21 - 1, 2**32 - 1) < 2**53
