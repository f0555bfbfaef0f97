"""Cost messages, JSON inside a string: the note's own examples, and what strangers make of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    Triggers,
)
from edge.core.messages import DataTransfer
from edge.core.vocabulary import ConnectorStatus
from edge.drivers.ocpp_codec import decode_command
from edge.drivers.ocpp_costs import DATA_MOST, read_default_price, read_transfer

NOON = datetime(2021, 3, 19, 12, tzinfo=UTC)
RUNNING: dict[str, Any] = {
    "transactionId": 12345,
    "timestamp": "2021-03-19T12:00:00Z",
    "meterValue": 1234000,
    "cost": 1.10,
    "state": "Charging",
    "chargingPrice": {"kWhPrice": 0.123, "hourPrice": 0.00, "flatFee": 42.42},
    "idlePrice": {"graceMinutes": 30, "hourPrice": 1.00},
    "nextPeriod": {
        "atTime": "2021-03-19T19:00:00Z",
        "chargingPrice": {"kWhPrice": 0.1},
        "idlePrice": {"hourPrice": 0},
    },
    "triggerMeterValue": {
        "atTime": "2021-03-19T23:00:00Z",
        "atEnergykWh": 50.0,
        "atPowerkW": 0.1,
        "atCPStatus": ["SuspendedEV", "SuspendedEVSE"],
    },
}
LEAST: dict[str, Any] = {
    "transactionId": 1,
    "timestamp": "2021-03-19T12:00:00Z",
    "meterValue": 1,
    "cost": 1,
    "state": "Idle",
    "chargingPrice": {},
}
FINAL: dict[str, Any] = {"transactionId": 9, "cost": 3.31, "priceText": "$3.31", "qrCodeText": "x"}
USER: dict[str, Any] = {
    "idToken": "ALICE",
    "priceText": "€0.12/kWh",
    "priceTextExtra": [{"format": "UTF8", "language": "nl", "content": "€0,12/kWh"}],
}


def said(name: str, data: object, vendor: str = COST_VENDOR) -> CostMessage | None:
    text = data if isinstance(data, str) else json.dumps(data)
    return read_transfer(DataTransfer(vendor_id=vendor, message_id=name, data=text)).said


def test_a_full_running_cost_is_read() -> None:
    """Money keeps its decimals."""
    assert said("RunningCost", RUNNING) == RunningCost(
        transaction_id=12345,
        timestamp=NOON,
        cost=Decimal("1.1"),
        state=CostState.CHARGING,
        charging_price=ChargingPrice(
            kwh_price=Decimal("0.123"), hour_price=Decimal("0.0"), flat_fee=Decimal("42.42")
        ),
        idle_price=IdlePrice(grace_minutes=30, hour_price=Decimal("1.0")),
        next_period=NextPeriod(
            at_time=NOON.replace(hour=19),
            charging_price=ChargingPrice(kwh_price=Decimal("0.1")),
            idle_price=IdlePrice(hour_price=Decimal(0)),
        ),
        trigger_meter_value=Triggers(
            at_time=NOON.replace(hour=23),
            at_energy_kwh=Decimal("50.0"),
            at_power_kw=Decimal("0.1"),
            at_cp_status=(ConnectorStatus.SUSPENDED_EV, ConnectorStatus.SUSPENDED_EVSE),
        ),
    )


def test_the_least_that_is_needed_is_enough() -> None:
    """Null is as good as nothing; what we do not know is left aside."""
    assert said("RunningCost", LEAST | {"idlePrice": None, "colour": "red"}) == RunningCost(
        transaction_id=1,
        timestamp=NOON,
        cost=Decimal(1),
        state=CostState.IDLE,
        charging_price=ChargingPrice(),
    )
    assert said("setuserprice", {"priceText": "x"}, COST_VENDOR.upper()) == SetUserPrice(
        price_text="x"
    )


def test_the_other_messages_are_read() -> None:
    """SetUserPrice and FinalCost."""
    assert said("SetUserPrice", USER) == SetUserPrice(price_text="€0.12/kWh", id_token="ALICE")
    assert said("FinalCost", FINAL) == FinalCost(
        transaction_id=9, cost=Decimal("3.31"), price_text="$3.31", qr_code_text="x"
    )


@pytest.mark.parametrize("name", sorted(LEAST))
def test_what_is_needed_is_missed(name: str) -> None:
    """Malformed: Rejected."""
    assert said("RunningCost", {key: LEAST[key] for key in LEAST if key != name}) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"transactionId": "1"},
        {"transactionId": True},
        {"transactionId": 1.5},
        {"transactionId": 10**30},
        {"timestamp": "noon"},
        {"timestamp": 5},
        {"cost": "1.10"},
        {"cost": True},
        {"cost": 10**9},
        {"cost": -(10**9)},
        {"cost": 1e-10},
        {"state": "Sleeping"},
        {"state": ["Idle"]},
        {"chargingPrice": 5},
        {"chargingPrice": {"kWhPrice": "0.1"}},
        {"idlePrice": {"graceMinutes": 0.5}},
        {"idlePrice": {"graceMinutes": -1}},
        {"nextPeriod": {"atTime": "2021-03-19T19:00:00Z"}},
        {"triggerMeterValue": {"atPowerkW": 0}},
        {"triggerMeterValue": {"atEnergykWh": -1}},
        {"triggerMeterValue": {"atCPStatus": "Charging"}},
        {"triggerMeterValue": {"atCPStatus": ["Dreaming"]}},
        {"triggerMeterValue": {"atCPStatus": ["Charging"] * 10}},
        {"triggerMeterValue": {"atTime": "0001-01-01T00:00:00+23:00"}},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    """Also where the field could have been left out: half a tariff is none."""
    assert said("RunningCost", LEAST) is not None
    assert said("RunningCost", LEAST | wrong) is None


@pytest.mark.parametrize(
    "data",
    [
        "",
        "nonsense",
        "[]",
        "null",
        '{"priceText": "x"',
        '{"priceText": "' + "x" * 600 + '"}',
        '{"priceText": "x", "idToken": "' + "T" * 21 + '"}',
        '{"priceText": "\\ud800"}',
        '{"priceText": "x", "y": ' + "[" * 3000 + "]" * 3000 + "}",
        '{"priceText": "x"}' + " " * DATA_MOST,
        '{"priceText": 7}',
    ],
)
def test_json_that_would_hurt_is_not_looked_at(data: str) -> None:
    """It has passed the guard as a string: nobody bounded it before."""
    assert said("SetUserPrice", data) is None


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "9" * 5000, "1E-99999999999999"])
def test_numbers_that_are_none_are_refused(number: str) -> None:
    """JSON spells more than money."""
    data = json.dumps(LEAST).replace('"cost": 1,', f'"cost": {number},')
    assert number in data
    assert said("RunningCost", data) is None


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=8))
def test_whatever_is_said_the_codec_lives(value: object) -> None:
    """In every field of every message."""
    for name, good in (("RunningCost", RUNNING), ("SetUserPrice", USER), ("FinalCost", FINAL)):
        for field in good:
            said(name, good | {field: value})


def test_other_vendors_and_messages_are_not_read() -> None:
    """The core says which of the two is unknown."""
    assert said("RunningCost", LEAST, "com.example") is None
    assert said("TotalCost", LEAST) is None
    transfer = read_transfer(DataTransfer(vendor_id=COST_VENDOR))
    assert transfer == IncomingTransfer(vendor_id=COST_VENDOR)


DEFAULT = {
    "priceText": "0.15 $/kWh",
    "priceTextOffline": "The station is offline.",
    "chargingPrice": {"kWhPrice": 0.15, "hourPrice": 0.0},
}


@pytest.mark.parametrize(
    ("value", "is_readable"),
    [
        (json.dumps(DEFAULT), True),
        ('{"priceText": "x"}', True),
        ("", True),
        ("0.15 $/kWh", False),
        ('{"priceTextOffline": "x"}', False),
        ('{"priceText": "x", "chargingPrice": {"kWhPrice": "cheap"}}', False),
    ],
)
def test_a_default_price_is_looked_at_before_it_is_set(value: str, is_readable: bool) -> None:
    """R-13-6: nothing takes it back."""
    wire = {"key": "defaultPRICE", "value": value}
    assert decode_command("ChangeConfiguration", wire) == ChangeConfiguration(
        key="defaultPRICE", value=value, is_readable=is_readable
    )


def test_a_default_price_has_words_for_both_cases() -> None:
    """What is shown; the unit prices are the central system's to reckon with."""
    assert read_default_price(json.dumps(DEFAULT)) == DefaultPrice(
        price_text="0.15 $/kWh", price_text_offline="The station is offline."
    )
