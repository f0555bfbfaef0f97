"""Samples: of many stations at once, each stored once and shown where it belongs."""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Connection

from csms_lite.alerts import service as alerts
from csms_lite.clock import SystemClock
from csms_lite.ocpp.routes import ROUTES, AnyRoute
from csms_lite.sessions import sampling_sql
from csms_lite.sessions.measures import read_sample
from csms_lite.sessions.sampling import Measured, keep_samples, sampled
from csms_lite.stations.service import connected
from csms_lite.store.thread import open_database, raw_of
from csms_lite.store.writer import open_store
from tests.csms_lite.central import Central, running

T0, T1, T2 = "2024-05-01T10:00:00.000Z", "2024-05-01T10:01:00.000Z", "2024-05-01T11:00:00.000Z"


def told(number: int | None, *values: dict[str, str], at: str = T1, **more: Any) -> dict[str, Any]:
    """Write MeterValues of one moment."""
    payload = {"connectorId": 1, "meterValue": [{"timestamp": at, "sampledValue": list(values)}]}
    return payload | ({} if number is None else {"transactionId": number}) | more


async def samples(central: Central, number: int) -> list[int]:
    session = await central.get(f"/api/sessions/{number}")
    return [one["energy_wh"] for one in session["samples"]]


async def test_a_sample_is_stored_once_however_it_is_told_again(tmp_path: Path) -> None:
    """The same id, a new id, other order of keys, another socket, a restart, in the stop."""
    value = {"value": "1500", "unit": "Wh"}
    turned = {"unit": "Wh", "value": "1500"}
    async with running(tmp_path) as central, central.station() as station:
        await station.boot()
        number = (await station.start(at=T0))["transactionId"]
        for message_id, sampled in (("a", value), ("a", value), ("b", value), ("c", turned)):
            payload = told(number, sampled)
            assert await station.call("MeterValues", payload, message_id=message_id) == {}
    async with running(tmp_path) as central, central.station() as station:
        assert await station.call("MeterValues", told(number, value), message_id="a") == {}
        data = [{"timestamp": T1, "sampledValue": [value]}]
        stop = {"transactionId": number, "meterStop": 3000, "timestamp": T2}
        await station.call("StopTransaction", stop | {"transactionData": data})
        assert await samples(central, number) == [1500]


async def test_what_differs_is_another_sample(central: Central) -> None:
    """Other values of the same moment, another moment; and an id that is used again."""
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0))["transactionId"]
        for wh, at in ((1500, T1), (1501, T1), (1501, T2)):
            payload = told(number, {"value": str(wh)}, at=at)
            assert await station.call("MeterValues", payload, message_id="always") == {}
    assert await samples(central, number) == [1500, 1501, 1501]


async def test_a_message_may_tell_of_several_moments(central: Central) -> None:
    """The same moment twice in one message is one sample; the newest is what is shown."""
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0))["transactionId"]
        moments = [(T2, "3000"), (T1, "2000"), (T2, "3000")]
        payload = told(number) | {
            "meterValue": [{"timestamp": at, "sampledValue": [{"value": wh}]} for at, wh in moments]
        }
        await station.call("MeterValues", payload)
    assert await samples(central, number) == [2000, 3000]
    session = await central.get(f"/api/sessions/{number}")
    assert (session["measured_at"], session["energy_wh"]) == (T2, 2000)


async def test_stations_that_tell_at_once_are_not_mixed_up(central: Central) -> None:
    """Each session gets what its own station told, each alarm is its own connector's."""

    async def drive(place: int) -> int:
        async with central.station(f"CP-{place}") as station:
            await station.boot()
            number: int = (await station.start(at=T0, meter=place))["transactionId"]
            volts = "300" if place % 5 == 0 else "230"
            payload = told(
                number,
                {"value": str(1000 + place)},
                {"value": volts, "measurand": "Voltage", "phase": "L1-N"},
            )
            assert await station.call("MeterValues", payload) == {}
            return number

    numbers = await asyncio.gather(*(drive(place) for place in range(20)))
    for place, number in enumerate(numbers):
        assert await samples(central, number) == [1000 + place]
        session = await central.get(f"/api/sessions/{number}")
        assert (session["charger"], session["energy_wh"]) == (f"CP-{place}", 1000)
    alerts = await central.get("/api/alerts?count=100")
    raised = {one["charger"] for one in alerts if one["kind"] == "over_voltage"}
    assert raised == {f"CP-{place}" for place in range(0, 20, 5)}


async def test_samples_without_a_session_are_told_apart_by_their_station(
    central: Central, tmp_path: Path
) -> None:
    """Clock-aligned values of an idle connector: no transaction, the same moment everywhere."""
    payload = told(None, {"value": "7"})
    for name in ("A", "B"):
        async with central.station(name) as station:
            await station.boot()
            for _ in range(2):
                assert await station.call("MeterValues", payload) == {}
    with closing(sqlite3.connect(tmp_path / "csms.db")) as file:
        found = file.execute("SELECT count(*) FROM samples GROUP BY station_id").fetchall()
    assert found == [(1,), (1,)]


async def test_an_alarm_that_comes_and_goes_within_a_commit_is_closed(tmp_path: Path) -> None:
    """One socket's last message and the next one's first can share a commit."""
    path = tmp_path / "csms.db"
    async with open_store(path, clock=SystemClock(), open_database=open_database) as store:
        await store.do(connected, "CP-1", accept_unknown=True, make_code=lambda: "C", now_ms=0)
        volts = [
            read_sample(at_ms, [{"value": value, "measurand": "Voltage"}])
            for at_ms, value in enumerate(("260", "230"))
        ]
        await store.do(sampled, [Measured(1, 1, None, [one], one.at_ms) for one in volts])
        [alarm] = await store.read(alerts.list_alerts, 9)
    assert (alarm.kind, alarm.closed_at_ms) == ("over_voltage", 1)


async def test_what_was_told_before_moves_nothing_again(central: Central) -> None:
    """Neither an alarm that is over, nor the register of a session, nor what a command awaits."""
    hot = told(None, {"value": "300", "measurand": "Voltage"}, at=T0)
    cool = told(None, {"value": "230", "measurand": "Voltage"}, at=T1)
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0))["transactionId"]
        low, high = (told(number, {"value": wh}, at=T2) for wh in ("2000", "3000"))
        for payload in (hot, cool, low, high):
            await station.call("MeterValues", payload)
        body = {"action": "TriggerMessage", "payload": {"requestedMessage": "MeterValues"}}
        asked = await central.http.post("/api/chargers/CP-1/commands", json=body)
        _, message_id, *_ = await station.receive()
        await station.send(3, message_id, {"status": "Accepted"})
        for payload in (hot, low):
            assert await station.call("MeterValues", payload) == {}
    assert (await central.get(f"/api/sessions/{number}"))["energy_wh"] == 2000
    assert [one["closed_at"] is None for one in await central.get("/api/alerts")] == [False]
    command = await central.get(f"/api/commands/{asked.json()['id']}")
    assert command["state"] == "answered"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-01:00"])
async def test_a_date_that_is_no_moment_is_the_same_each_time(central: Central, at: str) -> None:
    """As .NET writes "none" east of Greenwich: told again, it is still the same sample."""
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0))["transactionId"]
        for _ in range(3):
            assert await station.call("MeterValues", told(number, {"value": "1500"}, at=at)) == {}
    assert await samples(central, number) == [1500]


async def test_a_reckoned_power_beyond_all_numbers_is_none(central: Central) -> None:
    """What no column can hold must not fail the message, and its neighbours once with it."""
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0))["transactionId"]
        absurd = [{"value": "9e15", "measurand": name} for name in ("Voltage", "Current.Import")]
        assert await station.call("MeterValues", told(number, *absurd)) == {}
    session = await central.get(f"/api/sessions/{number}")
    assert (session["power_w"], len(session["samples"])) == (None, 1)


async def test_thousands_of_values_of_one_moment_are_looked_up_one_by_one(tmp_path: Path) -> None:
    """A charger whose clock stands still: what is new costs what it is, not times what there is."""
    path = tmp_path / "csms.db"
    async with open_store(path, clock=SystemClock(), open_database=open_database) as store:
        for batch in range(2):
            taken = [read_sample(0, [{"value": str(wh + batch)}]) for wh in range(4000)]
            new = await store.do(keep_samples, [Measured(1, 1, None, taken, 0)])
            assert [len(one) for one in new.values()] == [[4000, 1][batch]]
        plan = await store.read(plan_of_known)
    assert "USING INDEX ix_samples_name (station_id=? AND transaction_id=? AND at_ms=?" in plan
    assert "fingerprint=?" in plan


def plan_of_known(db: Connection) -> str:
    text, values = sampling_sql.known.text, sampling_sql.known._bind({"rows": "[]"})
    steps = raw_of(db).execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall()
    return "; ".join(step[3] for step in steps)


async def test_one_that_cannot_be_stored_harms_no_neighbour(
    central: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug that meets one message of a commit: the others are stored, and answered."""
    usual = ROUTES["MeterValues"]

    def read(payload: Any, now_ms: int) -> Any:
        if payload["connectorId"] == 7:
            raise KeyError("a bug of ours")
        return usual.read(payload, now_ms)

    table = cast("dict[str, AnyRoute]", ROUTES)
    monkeypatch.setitem(table, "MeterValues", dataclasses.replace(usual, read=read))

    async def good(place: int) -> int:
        async with central.station(f"GOOD-{place}") as station:
            await station.boot()
            number: int = (await station.start(at=T0))["transactionId"]
            for wh in range(2000, 2005):
                assert await station.meter(number, energy=wh, power=1, at=T1) == {}
            return number

    async def bad() -> None:
        async with central.station("BAD") as station:
            await station.boot()
            await station.send(2, "x", "MeterValues", told(None, {"value": "1"}, connectorId=7))
            await station.socket.wait_closed()
            assert station.socket.close_code == 1013

    *numbers, _ = await asyncio.gather(*(good(place) for place in range(8)), bad())
    for number in numbers:
        assert await samples(central, cast("int", number)) == list(range(2000, 2005))
