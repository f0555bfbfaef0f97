"""Sessions that are looked for, looked at, closed by hand and told of late."""

from __future__ import annotations

import asyncio
import csv
import io
from pathlib import Path
from typing import Any

import pytest

from csms_lite.clock import SystemClock, rfc3339
from csms_lite.sessions.service import last_charge
from csms_lite.stations.service import station
from csms_lite.store.thread import open_database
from csms_lite.store.writer import open_store
from tests.csms_lite.central import Central, Station, running

T0, T1, T2 = "2024-05-01T10:00:00.000Z", "2024-05-01T10:01:00.000Z", "2024-05-01T11:00:00.000Z"


async def close(central: Central, number: int, **body: Any) -> Any:
    return await central.http.post(
        f"/api/sessions/{number}/close", json={"reason": "the charger was taken away", **body}
    )


async def gone(central: Central) -> None:
    """Wait until the charger's socket is seen to be closed."""
    async with asyncio.timeout(5):
        while (await central.get("/api/chargers/CP-1"))["connected"]:
            pass


async def send(station: Station, number: int | None, *values: dict[str, Any], at: str = T1) -> None:
    told: dict[str, Any] = {
        "connectorId": 1,
        "meterValue": [{"timestamp": at, "sampledValue": list(values)}],
    }
    assert (
        await station.call(
            "MeterValues", told if number is None else {**told, "transactionId": number}
        )
        == {}
    )


async def test_a_session_is_unreachable_while_its_charger_is_away(central: Central) -> None:
    """1.6 row 7: it runs on, and is no state of its own: with the charger it is back."""
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0))["transactionId"]
        assert await central.get("/api/sessions?state=unreachable") == []
        assert not (await central.get(f"/api/sessions/{number}"))["unreachable"]
    await gone(central)
    [session] = await central.get("/api/sessions?state=unreachable")
    assert (session["transaction_id"], session["state"]) == (number, "running")
    assert session["unreachable"]
    assert (await central.get(f"/api/sessions/{number}/live"))["unreachable"]
    async with central.station() as station:
        await station.call("Heartbeat")
        assert await central.get("/api/sessions?state=unreachable") == []
        await station.stop(number, meter=2000, at=T2)
    await gone(central)
    assert await central.get("/api/sessions?state=unreachable") == []


async def test_closing_by_hand_warns_first_and_invents_nothing(central: Central) -> None:
    """Complaint 4: with a reason, after a warning; the energy is what was measured last."""
    await central.http.put("/api/cards/CARD1")
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0))["transactionId"]
        await station.meter(number, energy=1500, power=7400, at=T1)
    warned = await close(central, number)
    assert warned.status_code == 409
    assert "500 Wh" in warned.json()["detail"]
    assert (await central.get(f"/api/sessions/{number}"))["state"] == "running"
    for reason in ("", "  x  "):
        assert (await close(central, number, reason=reason, confirm=True)).status_code == 422
    closed = await close(central, number, confirm=True)
    assert closed.status_code == 200
    assert (closed.json()["state"], closed.json()["energy_wh"]) == ("closed", 500)
    session = await central.get(f"/api/sessions/{number}")
    assert (session["state"], session["energy_wh"], session["meter_stop_wh"]) == (
        "closed",
        500,
        None,
    )
    assert (session["stopped_at"], session["stop_reason"], session["power_w"]) == (None, None, None)
    assert session["closed"]["reason"] == "the charger was taken away"
    assert session["closed"]["by"]
    again = await close(central, number, confirm=True)
    assert again.status_code == 409
    whole = await central.get(f"/api/sessions/{number}")
    assert [one["kind"] for one in whole["events"]] == ["closed_by_operator"]


async def test_a_late_end_counts_and_is_told_once(central: Central) -> None:
    """B48: the real end opens what was closed by hand and closes it; repeats change nothing."""
    await central.http.put("/api/cards/CARD1")
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0))["transactionId"]
        await station.meter(number, energy=1500, power=7400, at=T1)
        await close(central, number, confirm=True)
        await station.meter(number, energy=1800, power=7400, at="2024-05-01T10:02:00Z")
        assert (await central.get(f"/api/sessions/{number}"))["energy_wh"] == 800
        for message_id in ("a", "a", "b"):
            await station.stop(number, meter=3000, at=T2, message_id=message_id)
        session = await central.get(f"/api/sessions/{number}")
        assert (session["state"], session["energy_wh"], session["stopped_at"]) == (
            "closed",
            2000,
            T2,
        )
        assert session["closed"] is not None
        kinds = [one["kind"] for one in session["events"]]
        assert kinds == ["closed_by_operator", "stop_after_close"]
        await station.stop(number, meter=9000, at=T2, message_id="c")
    session = await central.get(f"/api/sessions/{number}")
    assert session["energy_wh"] == 2000
    assert session["events"][-1]["kind"] == "conflict_stop_differs"


async def test_a_reading_after_the_end_changes_nothing_that_is_shown(central: Central) -> None:
    """Buffered samples come after their end: kept, and the car draws nothing again."""
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0))["transactionId"]
        await station.stop(number, meter=3000, at=T1)
        await station.meter(number, energy=2500, power=7400, at=T2)
    session = await central.get(f"/api/sessions/{number}")
    assert (session["energy_wh"], session["power_w"], session["measured_at"]) == (2000, 0, T1)
    assert [one["energy_wh"] for one in session["samples"]] == [2500]


async def test_what_has_not_begun_cannot_be_closed_or_ended(central: Central) -> None:
    """A stop for a number that the charger was never given is kept as a conflict."""
    await central.http.put("/api/cards/CARD1")
    async with central.station() as station:
        await station.boot()
        await station.status(1, "Available")
        code = (await central.get("/api/chargers/CP-1"))["code"]
        asked = await central.http.post(
            "/api/charging/start", json={"station": code, "tag": "CARD1"}
        )
        number = asked.json()["transaction_id"]
        assert (await close(central, number, confirm=True)).status_code == 409
        await station.stop(number, meter=5, at=T1)
        session = await central.get(f"/api/sessions/{number}")
    assert (session["state"], session["energy_wh"]) == ("pending", 0)
    assert [one["kind"] for one in session["events"]] == ["conflict_stop_unknown"]


async def test_silence_is_flagged_and_nothing_else(tmp_path: Path) -> None:
    """The expiry policy points at a session; it ends none."""
    async with running(tmp_path, session_expiry_h=1) as central, central.station() as station:
        await station.boot()
        fresh = (await station.start(at=T0))["transactionId"]
        session = await central.get(f"/api/sessions/{fresh}")
        assert (session["overdue"], session["state"]) == (False, "running")


async def test_values_are_kept_as_they_came_and_converted(central: Central) -> None:
    """B57; a word where a number should be is kept and hurts nothing."""
    values = [
        {"value": "1.5", "unit": "kWh"},
        {"value": "16", "measurand": "Current.Import", "unit": "A", "phase": "L1"},
        {"value": "230", "measurand": "Voltage", "unit": "V", "phase": "L1-N"},
        {"value": "n/a", "measurand": "Temperature", "unit": "Celsius"},
        {"value": "55", "measurand": "SoC", "unit": "Percent", "location": "EV"},
    ]
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0, meter=1000))["transactionId"]
        await send(station, number, *values)
    session = await central.get(f"/api/sessions/{number}")
    assert (session["energy_wh"], session["power_w"], session["power_derived"]) == (500, 3680, True)
    [sample] = session["samples"]
    assert sample["values"] == values
    assert sample["converted"] == [
        {"value": 1500, "unit": "Wh"},
        {"value": 16, "unit": "A"},
        {"value": 230, "unit": "V"},
        None,
        {"value": 55, "unit": "Percent"},
    ]
    assert (sample["soc_percent"], session["soc_percent"]) == (55, 55)
    text = (await central.http.get(f"/api/sessions/{number}/samples.csv")).text
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert [(one["value"], one["unit"]) for one in rows] == [
        ("1.5", "kWh"),
        ("16", "A"),
        ("230", "V"),
        ("n/a", "Celsius"),
        ("55", "Percent"),
    ]
    assert [one["converted_value"] for one in rows] == ["1500", "16", "230", "", "55"]
    assert {one["at_utc"] for one in rows} == {T1}
    assert {one["power_derived"] for one in rows} == {"yes"}


async def test_no_power_in_a_sample_leaves_the_last_one_with_its_mark(central: Central) -> None:
    """A reading of energy alone says nothing of power, nor of how it was got."""
    power = {"value": "7000", "measurand": "Power.Active.Import"}
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0))["transactionId"]
        volts = {"value": "230", "measurand": "Voltage"}
        amps = {"value": "10", "measurand": "Current.Import"}
        for values, expected in (
            ([volts, amps], (2300, True)),
            ([{"value": "1100"}], (2300, True)),
            ([power], (7000, False)),
            ([{"value": "1200"}], (7000, False)),
        ):
            await send(station, number, *values)
            session = await central.get(f"/api/sessions/{number}")
            assert (session["power_w"], session["power_derived"]) == expected


async def test_an_alarm_is_raised_once_and_ended_once(central: Central) -> None:
    """Any charger, with and without a session; each change is one event (B53)."""
    async with central.station() as station:
        await station.boot()
        for second, volts in enumerate(("230", "260", "261", "252", "230", "230")):
            value = {"value": volts, "measurand": "Voltage"}
            await send(station, None, value, at=f"2024-05-01T10:01:{second:02}.000Z")
        hot = {"value": "95", "measurand": "Temperature", "unit": "Celsius"}
        await send(station, None, hot)
    alarms = (await central.get("/api/alerts?charger=CP-1"))[::-1]
    assert [(one["kind"], one["connector"], one["closed_at"] is None) for one in alarms] == [
        ("over_voltage", 1, False),
        ("over_temperature", 1, True),
    ]
    assert alarms[0]["details"] == {
        "value": 260,
        "limit": 253,
        "measured_at": "2024-05-01T10:01:01.000Z",
        "transaction_id": None,
    }


async def test_a_plate_says_what_a_connector_may_carry(central: Central) -> None:
    """B54: above the rating is an alarm; without a plate nothing is known."""
    amps = {"value": "40", "measurand": "Current.Import", "unit": "A", "phase": "L1"}
    async with central.station() as station:
        await station.boot()
        await send(station, None, amps)
        assert await central.get("/api/alerts") == []
        plate = {"type": "Type 2", "current_a": 32}
        answer = await central.http.put("/api/chargers/CP-1/connectors/1", json=plate)
        assert answer.status_code == 200, answer.text
        await send(station, None, amps, at=T2)
    [alarm] = await central.get("/api/alerts")
    assert (alarm["kind"], alarm["details"]["value"], alarm["details"]["limit"]) == (
        "over_current",
        40,
        32,
    )


async def test_sessions_are_found_by_each_of_their_marks(central: Central) -> None:
    """C5: charger, connector, time, state, tag, each alone and together, page by page."""
    numbers = []
    for charger, hour in (("CP-1", 10), ("CP-2", 11), ("CP-1", 12)):
        async with central.station(charger) as station:
            await station.boot()
            begun = await station.start(
                at=f"2024-05-01T{hour}:00:00Z", tag=f"Tag{hour}", connector=hour - 9
            )
            numbers.append(begun["transactionId"])
            if hour == 12:
                await station.stop(begun["transactionId"], meter=2000, at="2024-05-01T13:00:00Z")
    one, two, three = numbers

    async def found(query: str) -> list[int]:
        return [row["transaction_id"] for row in await central.get(f"/api/sessions?{query}")]

    assert await found("") == [three, two, one]
    assert await found("charger=CP-1") == [three, one]
    assert await found("charger=cp-1") == []
    assert await found("connector=2") == [two]
    assert await found("since=2024-05-01T11:00:00Z") == [three, two]
    assert await found("until=2024-05-01T11:00:00Z") == [one]
    assert await found("since=2024-05-01T13:00:00%2B02:00&until=2024-05-01T12:00:00Z") == [two]
    assert await found("state=closed") == [three]
    assert await found("state=running&charger=CP-1") == [one]
    assert await found("tag=tAG11") == [two]
    assert await found("user=1") == []
    assert await found("count=2") == [three, two]
    assert await found(f"count=2&before={two}") == [one]


@pytest.mark.parametrize(
    "query",
    [
        "state=nonsense",
        "since=yesterday",
        "since=2024-05-01T10:00:00",
        "since=9999-12-31T23:59:59-14:00",
        "connector=-1",
        f"before={2**63}",
        f"user={2**64}",
        "count=0",
        "tag=" + "x" * 21,
    ],
)
async def test_a_search_that_cannot_be_is_refused(central: Central, query: str) -> None:
    """422, never a 500."""
    for path in ("/api/sessions", "/api/sessions/export.csv"):
        if path.endswith("csv") and ("before" in query or "count" in query):
            continue
        assert (await central.http.get(f"{path}?{query}")).status_code == 422


async def test_live_says_how_a_session_stands(central: Central) -> None:
    """A26: energy, power, money so far, time left or why not, and the age of it."""
    await central.http.put("/api/tariff", json={"currency": "EUR", "per_kwh_minor": 45})
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0))["transactionId"]
        await station.meter(number, energy=1500, power=7400, at=T1)
        live = await central.get(f"/api/sessions/{number}/live")
        assert (live["energy_wh"], live["power_w"], live["cost_minor"]) == (500, 7400, 23)
        assert (live["remaining_s"], live["remaining_why"]) == (None, "the last reading is too old")
        assert (live["fresh"], live["cost_final"], live["measured_at"]) == (False, False, T1)
        assert live["age_s"] > 10**6
        await station.stop(number, meter=3000, at=T2)
    live = await central.get(f"/api/sessions/{number}/live")
    assert (live["cost_minor"], live["cost_final"], live["duration_s"]) == (90, True, 3600)
    assert live["remaining_why"] == "it does not run"
    assert (await central.http.get("/api/sessions/999/live")).status_code == 404


async def test_time_left_follows_the_state_of_charge(central: Central) -> None:
    """Its rise over the samples of the last quarter of an hour."""
    now_ms = SystemClock().now_ms()
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=rfc3339(now_ms - 3_600_000)))["transactionId"]
        for ago_s, percent in ((1800, 10), (600, 30), (0, 40)):
            await send(
                station,
                number,
                {"value": str(percent), "measurand": "SoC", "unit": "Percent"},
                at=rfc3339(now_ms - ago_s * 1000),
            )
        live = await central.get(f"/api/sessions/{number}/live")
    assert (live["soc_percent"], live["remaining_s"]) == (40, 3600)


async def test_the_last_charge_is_public_without_anybody_in_it(tmp_path: Path) -> None:
    """D24: what ended last at this charger, whoever it was."""
    async with running(tmp_path) as central, central.station() as plug:
        await plug.boot()
        number = (await plug.start(at=T0, tag="SECRET"))["transactionId"]
        await plug.stop(number, meter=8449, at=T2)
        await plug.start(at=T2, tag="SECRET")
    async with open_store(
        tmp_path / "csms.db", clock=SystemClock(), open_database=open_database
    ) as store:
        known = await store.read(station, "CP-1")
        shown = await store.read(last_charge, known.station_id)
        assert shown is not None
        assert shown == (1, "2024-05-01", 7400, 60)
        assert await store.read(last_charge, known.station_id + 1) is None
