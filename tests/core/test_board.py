"""The public status document."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from edge.core.board import document
from edge.core.commands import ChangeConfiguration, IncomingTransfer
from edge.core.cost_messages import (
    COST_VENDOR,
    ChargingPrice,
    CostMessage,
    CostState,
    DefaultPrice,
    FinalCost,
    IdlePrice,
    NextPeriod,
    RunningCost,
    SetUserPrice,
)
from edge.core.events import Trip
from edge.core.instant import rfc3339
from edge.core.tags import masked
from tests.core.bench import ALICE, NOON, setup
from tests.core.build import Rig
from tests.core.charging_bench import MAX, profile, put

SCHEMA = json.loads((Path(__file__).parents[2] / "hmi/status.schema.json").read_text())


def board(rig: Rig) -> dict[str, Any]:
    made = document(rig.state, rig.instant, station_id="ABCD2345", sequence=7)
    jsonschema.validate(made, SCHEMA)
    connector: dict[str, Any] = made["connectors"][0]
    return connector


def test_it_fits_the_schema_through_a_whole_session() -> None:
    """Both skins of the page read one contract."""
    rig = Rig(serve=True)
    assert board(rig)["power_w"] is None
    rig.online()
    assert board(rig)["session"] is None
    rig.charging()
    session = board(rig)["session"]
    assert isinstance(session, dict)
    assert session["energy_wh"] == 0
    assert session["stopped_at"] is None
    rig.meter(energy_wh=1250)
    rig.socket().stubborn = True
    rig.wait(20)
    rig.tap()
    session = board(rig)["session"]
    assert isinstance(session, dict)
    assert (session["energy_wh"], session["stop_reason"]) == (1250 - 1000, "Local")
    rig.wait(10)
    rig.trip(Trip.RCD)
    assert board(rig)["error_code"] == "GroundFailure"


def test_the_place_has_the_name_that_drivers_know() -> None:
    """The make and model where nobody gave one."""
    rig = Rig(serve=True)
    names = [
        document(rig.state, rig.instant, station_id="A", sequence=1, name=name)["station"]["name"]
        for name in (None, "Town Hall")
    ]
    assert names == ["Tapwatt Bay", "Town Hall"]


def test_the_document_holds_no_tag_in_full() -> None:
    """Security: it is public."""
    rig = Rig(serve=True).online().charging()
    session = board(rig)["session"]
    assert isinstance(session, dict)
    assert ALICE not in json.dumps(session)


@pytest.mark.parametrize(
    ("tag", "shown"),
    [(ALICE, "…E580"), ("ABCD", "…CD"), ("AB", "…B"), ("A", "…"), ("", "…")],
)
def test_a_tag_is_never_shown_in_full(tag: str, shown: str) -> None:
    """Security: the last four at most."""
    assert masked(tag) == shown


def test_a_limit_without_end_is_shown_without_one() -> None:
    """A profile until .NET's last moment: what follows it is beyond the calendar."""
    rig = Rig(serve=True).online().charging()
    last = datetime.max.replace(tzinfo=UTC)
    assert put(rig, profile(MAX, (0, 0.0), valid_to=last), connector=0) == "Accepted"
    rig.wait(5)
    assert {cause["until"] for cause in board(rig)["why"]} == {None}


# ── what the operator says of prices ─────────────────────────────────────────────────────────────


def tell(rig: Rig, said: CostMessage) -> None:
    name = type(said).__name__
    answer = rig.call(IncomingTransfer(vendor_id=COST_VENDOR, message_id=name, said=said))
    assert answer.status == "Accepted"


def running(state: CostState = CostState.CHARGING) -> RunningCost:
    return RunningCost(
        transaction_id=4711,
        timestamp=NOON,
        cost=Decimal("1.345"),
        state=state,
        charging_price=ChargingPrice(kwh_price=Decimal("0.123"), hour_price=Decimal("2.00")),
        idle_price=IdlePrice(grace_minutes=30, hour_price=Decimal(1)),
        next_period=NextPeriod(
            at_time=NOON + timedelta(hours=1),
            charging_price=ChargingPrice(flat_fee=Decimal("1E+1")),
        ),
    )


def test_a_price_is_shown_to_its_tag_before_it_starts() -> None:
    """R-13-1: on the connectors where it may start, then with its session."""
    rig = Rig(setup(connectors=2), serve=True).online()
    assert board(rig)["cost"] is None
    rig.tap()
    tell(rig, SetUserPrice(id_token=ALICE, price_text="0.49/kWh"))
    shown = {"price_text": "0.49/kWh", "amount": None, "final": False}
    assert board(rig)["cost"] == shown
    rig.plug(1)
    assert board(rig)["cost"] == shown
    single = Rig(serve=True).online()
    single.tap()
    tell(single, SetUserPrice(id_token=ALICE, price_text="0.49/kWh"))
    assert board(single)["cost"] == shown


def test_the_running_cost_is_shown_with_the_prices_in_force() -> None:
    """Amounts are rounded half up for show, unit prices stay as they were said."""
    rig = Rig(serve=True).online().charging()
    tell(rig, running())
    assert board(rig)["cost"] == {
        "price_text": None,
        "amount": "1.35",
        "amount_at": rfc3339(NOON),
        "final": False,
        "state": "Charging",
        "per_kwh": "0.123",
        "per_hour": "2.00",
        "flat_fee": None,
    }
    rig.wait(3600)
    later = board(rig)["cost"]
    assert (later["per_kwh"], later["per_hour"], later["flat_fee"]) == (None, None, "10")


def test_an_idle_car_is_shown_the_price_of_standing_there() -> None:
    """If there is one in force."""
    rig = Rig(serve=True).online().charging()
    tell(rig, running(CostState.IDLE))
    shown = board(rig)["cost"]
    assert (shown["state"], shown["per_hour"], shown["grace_minutes"]) == ("Idle", "1", 30)
    rig.wait(3600)
    later = board(rig)["cost"]
    assert (later["per_hour"], later["grace_minutes"]) == (None, None)


def test_the_final_cost_stays_after_the_session() -> None:
    """With the words and the address of the bill; NumberOfDecimalsForCostValues."""
    rig = Rig(serve=True).online().charging()
    rig.call(ChangeConfiguration(key="NumberOfDecimalsForCostValues", value="3"))
    rig.unplug()
    said = FinalCost(
        transaction_id=4711, cost=Decimal("3.3"), price_text="Thanks", qr_code_text="https://x"
    )
    tell(rig, said)
    assert board(rig)["cost"] == {
        "price_text": "Thanks",
        "amount": "3.300",
        "final": True,
        "qr_code_text": "https://x",
    }


def test_what_is_switched_off_is_not_shown() -> None:
    """CustomDisplayCostAndPrice."""
    rig = Rig(serve=True).online().charging()
    tell(rig, running())
    rig.call(ChangeConfiguration(key="CustomDisplayCostAndPrice", value="false"))
    assert board(rig)["cost"] is None


@pytest.mark.parametrize(
    ("default_price", "online", "offline"),
    [
        (None, None, None),
        (DefaultPrice(price_text="0.49/kWh"), "0.49/kWh", "0.49/kWh"),
        (DefaultPrice(price_text="0.49/kWh", price_text_offline="free"), "0.49/kWh", "free"),
    ],
)
def test_what_anybody_pays_is_shown_in_the_operator_s_words(
    default_price: DefaultPrice | None, online: str | None, offline: str | None
) -> None:
    """DefaultPrice, and its other words where nobody can be asked."""
    told = []
    for each in (Rig(serve=True), Rig(serve=True).online()):
        made = document(
            each.state, each.instant, station_id="A", sequence=1, default_price=default_price
        )
        jsonschema.validate(made, SCHEMA)
        told.append(made["price_text"])
    assert told == [offline, online]
