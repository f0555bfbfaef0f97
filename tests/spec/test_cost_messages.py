"""Checklist 13: the OCA cost messages over DataTransfer."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.spec.central import Central
from tests.spec.frames import Frame
from tests.spec.station import CARD, ENERGY, Station

VENDOR = "org.openchargealliance.costmsg"
UNKNOWN = 999_999


def tell(central: Central, message: str, **data: Any) -> str:
    """One cost message; its status."""
    text = json.dumps(data)
    answer = central.call("DataTransfer", vendorId=VENDOR, messageId=message, data=text)
    return str(answer["status"])


def running(transaction_id: int, **triggers: Any) -> dict[str, Any]:
    """A RunningCost with *triggers*."""
    return {
        "transactionId": transaction_id,
        "timestamp": datetime.now(UTC).isoformat(),
        "meterValue": 0,
        "cost": 1.345,
        "state": "Charging",
        "chargingPrice": {"kWhPrice": 0.49},
        "triggerMeterValue": triggers,
    }


def quiet(point: Station) -> int:
    """A session whose only meter values are those asked for; its transactionId."""
    point.booted()
    point.configure("MeterValueSampleInterval", 0)
    point.configure("MeterValuesSampledData", f"{ENERGY},Power.Active.Import")
    point.charging()
    return point.transaction()


def expect_one(central: Central, transaction_id: int) -> Frame:
    """One MeterValues out of turn, and no second."""
    frame = central.expect("MeterValues", connectorId=1, transactionId=transaction_id)
    (value,) = frame["meterValue"]
    assert {each["context"] for each in value["sampledValue"]} == {"Other"}
    central.never("MeterValues", for_s=0.5)
    return frame


def test_r_13_1_a_price_for_a_tag(point: Station, central: Central) -> None:
    """SetUserPrice with idToken: Accepted, and shown to its driver before and after the start."""
    point.booted()
    point.tap()
    central.expect("Authorize", idTag=CARD)
    said = {"idToken": CARD, "priceText": "0.49 EUR/kWh", "priceTextExtra": []}
    assert tell(central, "SetUserPrice", **said) == "Accepted"
    assert point.wait(2, cost={"not": None})["cost"]["price_text"] == "0.49 EUR/kWh"
    point.plug()
    central.expect("StartTransaction", idTag=CARD)
    assert point.wait(1, session={"not": None})["cost"]["price_text"] == "0.49 EUR/kWh"
    assert point.wait(2, cost=None)


def test_r_13_2_a_price_for_nobody(point: Station, central: Central) -> None:
    """SetUserPrice without idToken and without a transaction: Rejected; malformed likewise."""
    point.booted()
    assert tell(central, "SetUserPrice", priceText="0.49 EUR/kWh") == "Rejected"
    assert tell(central, "SetUserPrice", idToken=CARD) == "Rejected"
    answer = central.call("DataTransfer", vendorId=VENDOR, messageId="SetUserPrice", data="{")
    assert answer["status"] == "Rejected"
    answer = central.call("DataTransfer", vendorId=VENDOR, messageId="Nothing", data="{}")
    assert answer["status"] == "UnknownMessageId"


def test_r_13_3_the_cost_so_far(point: Station, central: Central) -> None:
    """RunningCost of the running transaction: Accepted and shown; of another: Rejected."""
    point.booted()
    assert tell(central, "RunningCost", **running(UNKNOWN)) == "Rejected"
    point.charging()
    number = point.transaction()
    assert tell(central, "RunningCost", **running(UNKNOWN)) == "Rejected"
    assert tell(central, "RunningCost", **running(number)) == "Accepted"
    shown = point.wait(1, cost={"not": None})["cost"]
    assert (shown["amount"], shown["per_kwh"], shown["final"]) == ("1.35", "0.49", False)


def test_r_13_4_each_trigger_makes_one_meter_value(point: Station, central: Central) -> None:
    """By time, energy, power up and down, and status; the newest RunningCost counts alone."""
    number = quiet(point)
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    assert tell(central, "RunningCost", **running(number, atTime=soon.isoformat())) == "Accepted"
    central.never("MeterValues", for_s=0.3)
    expect_one(central, number)

    later = datetime.now(UTC) + timedelta(seconds=2)
    assert tell(central, "RunningCost", **running(number, atTime=later.isoformat())) == "Accepted"
    wh = point.state()["connectors"]["1"]["session"]["energy_wh"]
    assert tell(central, "RunningCost", **running(number, atEnergykWh=wh / 1000 + 1)) == "Accepted"
    central.never("MeterValues", for_s=2.5)
    point.sim("meter", connector=1, energy_wh=wh + 5000)
    expect_one(central, number)

    assert tell(central, "RunningCost", **running(number, atPowerkW=3.0)) == "Accepted"
    point.sim("ev", connector=1, draw_w=2950.0)
    central.never("MeterValues", for_s=1.5)
    point.sim("ev", connector=1, draw_w=1500.0)
    expect_one(central, number)
    point.sim("ev", connector=1, draw_w=7400.0)
    expect_one(central, number)

    wanted = ["SuspendedEV", "Finishing"]
    assert tell(central, "RunningCost", **running(number, atCPStatus=wanted)) == "Accepted"
    point.sim("ev", connector=1, state="B")
    suspended = central.expect_status(1, "SuspendedEV")
    assert expect_one(central, number).seq > suspended.seq
    point.sim("ev", connector=1, state="C")
    central.expect_status(1, "Charging")
    central.never("MeterValues", for_s=0.5)


def test_r_13_5_the_final_cost(point: Station, central: Central) -> None:
    """Of an unknown transaction: Rejected; of the one that just ended: Accepted and shown."""
    point.booted()
    said = {"cost": 3.3, "priceText": "Thank you.", "qrCodeText": "https://example.com/1"}
    assert tell(central, "FinalCost", transactionId=UNKNOWN, **said) == "Rejected"
    point.charging()
    number = point.transaction()
    point.tap()
    central.expect("StopTransaction", transactionId=number)
    assert tell(central, "FinalCost", transactionId=UNKNOWN, **said) == "Rejected"
    assert tell(central, "FinalCost", transactionId=number, **said) == "Accepted"
    central.expect_status(1, "Finishing")
    assert point.wait(1, cost={"not": None})["cost"] == {
        "price_text": "Thank you.",
        "amount": "3.30",
        "final": True,
        "qr_code_text": "https://example.com/1",
    }


def test_r_13_6_its_keys(point: Station, central: Central) -> None:
    """They are announced, validated, obeyed, and kept over a restart."""
    point.booted()
    assert point.value("CustomDisplayCostAndPrice") == "true"
    price = json.dumps({"priceText": "0.49 EUR/kWh", "priceTextOffline": "Offline: free."})
    point.configure("DefaultPrice", price)
    for bad in ("cheap", '{"price": 1}'):
        answer = central.call("ChangeConfiguration", key="DefaultPrice", value=bad)
        assert answer == {"status": "Rejected"}
    assert point.value("DefaultPrice") == price
    assert point.state()["price_text"] == "0.49 EUR/kWh"
    point.cut_off()
    assert point.state()["price_text"] == "Offline: free."
    point.reconnect()
    answer = central.call("ChangeConfiguration", key="NumberOfDecimalsForCostValues", value="-1")
    assert answer == {"status": "Rejected"}
    point.configure("NumberOfDecimalsForCostValues", 0)
    point.charging()
    number = point.transaction()
    assert tell(central, "RunningCost", **running(number)) == "Accepted"
    assert point.wait(1, cost={"not": None})["cost"]["amount"] == "1"
    point.configure("CustomDisplayCostAndPrice", value=False)
    assert tell(central, "RunningCost", **running(number)) == "UnknownVendorId"
    point.end()
    point.restart()
    central.expect("BootNotification")
    point.await_online()
    assert point.value("DefaultPrice") == price
    assert point.value("CustomDisplayCostAndPrice") == "false"
