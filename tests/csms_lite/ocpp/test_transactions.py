"""Transaction messages: stored once, answered the same, never refused for a passing trouble."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.csms_lite.central import Central, Station, running

T0, T1, T2 = "2024-05-01T10:00:00.000Z", "2024-05-01T10:01:00.000Z", "2024-05-01T11:00:00.000Z"


async def test_a_whole_session_is_stored(central: Central) -> None:
    """Start, samples, stop: one row with its facts and its energy (TC_003)."""
    await central.http.put("/api/cards/CARD1")
    await central.http.put("/api/tariff", json={"currency": "EUR", "per_kwh_minor": 45})
    async with central.station() as station:
        await station.boot()
        begun = await station.start(at=T0)
        assert begun["idTagInfo"] == {"status": "Accepted"}
        number = begun["transactionId"]
        assert number > 0
        assert await station.meter(number, energy=1500, power=7400, at=T1) == {}
        session = await central.get(f"/api/sessions/{number}")
        assert (session["state"], session["energy_wh"], session["power_w"]) == (
            "running",
            500,
            7400,
        )
        assert await station.stop(number, meter=3000, at=T2, tag="CARD1") == {
            "idTagInfo": {"status": "Accepted"}
        }
    session = await central.get(f"/api/sessions/{number}")
    assert session | {"samples": None, "received_at": None} == {
        "user_id": None,
        "reference": None,
        "unreachable": False,
        "overdue": False,
        "problem": None,
        "asked_at": None,
        "duration_s": 3600,
        "power_derived": False,
        "soc_percent": None,
        "start_command": None,
        "stop_command": None,
        "closed": None,
        "transaction_id": number,
        "charger": "CP-1",
        "connector": 1,
        "id_tag": "CARD1",
        "verdict": "Accepted",
        "state": "closed",
        "meter_start_wh": 1000,
        "meter_stop_wh": 3000,
        "started_at": T0,
        "stopped_at": T2,
        "received_at": None,
        "stop_reason": "Local",
        "energy_wh": 2000,
        "power_w": 0,
        "measured_at": T2,
        "currency": "EUR",
        "cost_minor": 90,
        "samples": None,
        "events": [],
    }
    [sample] = session["samples"]
    assert (sample["at"], sample["energy_wh"], sample["power_w"]) == (T1, 1500, 7400)


async def test_an_unknown_tag_gets_a_number_all_the_same(central: Central) -> None:
    """A late start cannot be undone: Invalid, and a transactionId > 0 (TC_037, 039)."""
    async with central.station() as station:
        await station.boot()
        answer = await station.start(tag="STRANGER", at="2001-01-01T00:00:00Z")
        assert answer["transactionId"] > 0
        assert answer["idTagInfo"] == {"status": "Invalid"}
        number = answer["transactionId"]
        assert await station.stop(number, meter=1000, at=T0, reason="DeAuthorized") == {}
    [session] = await central.get("/api/sessions")
    assert session["started_at"] == "2001-01-01T00:00:00.000Z"
    assert session["stop_reason"] == "DeAuthorized"


async def test_a_repeated_message_gets_the_first_answer(central: Central) -> None:
    """The same id and content, on the same socket and on a later one: stored once (I5)."""
    async with central.station() as station:
        await station.boot()
        first = await station.start(at=T0, message_id="start-1")
        await central.http.put("/api/cards/CARD1")  # the answer would differ now
        assert await station.start(at=T0, message_id="start-1") == first
        number = first["transactionId"]
        for _ in range(2):
            await station.meter(number, energy=1500, power=1, at=T1, message_id="meter-1")
    async with central.station() as station:
        assert await station.start(at=T0, message_id="start-1") == first
        await station.meter(number, energy=1500, power=1, at=T1, message_id="meter-1")
    assert len(await central.get("/api/sessions")) == 1
    assert len((await central.get(f"/api/sessions/{number}"))["samples"]) == 1


async def test_a_repeat_is_known_after_a_restart(tmp_path: Path) -> None:
    """The answers are on the disk, not in memory."""
    async with running(tmp_path) as central, central.station() as station:
        await station.boot()
        first = await station.start(at=T0, message_id="start-1")
    async with running(tmp_path) as central, central.station() as station:
        assert await station.start(at=T0, message_id="start-1") == first
        assert len(await central.get("/api/sessions")) == 1


async def test_a_lost_answer_is_repeated_on_the_next_socket(central: Central) -> None:
    """The line drops between our commit and their reading: the resend finds the first answer."""
    payload = {"connectorId": 1, "idTag": "CARD1", "meterStart": 1000, "timestamp": T0}
    async with central.station() as station:
        await station.boot()
        await station.send(2, "start-1", "StartTransaction", payload)
        station.socket.transport.abort()
    async with central.station() as station:
        answer = await station.call("StartTransaction", payload, message_id="start-1")
    [session] = await central.get("/api/sessions")
    assert session["transaction_id"] == answer["transactionId"]


async def test_repeats_that_come_together_are_stored_once(central: Central) -> None:
    """A resend while the first is in work, on the same and on a newer socket."""
    payload = {"connectorId": 1, "idTag": "CARD1", "meterStart": 1000, "timestamp": T0}
    async with central.station() as old:
        await old.boot()
        for _ in range(3):
            await old.send(2, "start-1", "StartTransaction", payload)
        async with central.station() as new:
            answer = await new.call("StartTransaction", payload, message_id="start-1")
    [session] = await central.get("/api/sessions")
    assert session["transaction_id"] == answer["transactionId"]


async def test_the_same_start_under_a_new_id_is_the_same_transaction(central: Central) -> None:
    """Stations that make a new id per attempt repeat the content (ruling 7 d)."""
    async with central.station() as station:
        await station.boot()
        first = await station.start(at=T0, message_id="a")
        assert await station.start(at=T0, message_id="b") == first
        other = await station.start(at=T1, message_id="c")
        assert other["transactionId"] != first["transactionId"]
    assert len(await central.get("/api/sessions")) == 2


async def test_two_equal_sessions_after_a_conflict_are_two(central: Central) -> None:
    """Content repeats no more once another stop followed it (ruling 7 d)."""
    async with central.station() as station:
        await station.boot()
        first = (await station.start(at=T0, message_id="a"))["transactionId"]
        await station.stop(first, meter=1000, at=T0)
        assert (await station.start(at=T0, message_id="b"))["transactionId"] == first
        await station.stop(first, meter=1000, at=T1)
        assert (await station.start(at=T0, message_id="c"))["transactionId"] != first


async def test_an_id_reused_on_one_socket_is_an_error(central: Central) -> None:
    """Same id, other payload: GenericError (ruling 7 b)."""
    async with central.station() as station:
        await station.boot()
        await station.start(at=T0, message_id="1")
        assert await station.start(at=T1, message_id="1") == "GenericError"


async def test_an_id_reused_after_a_reboot_loses_nothing(central: Central) -> None:
    """Stations that count from 1 after each boot break the rule; their sessions count anyway."""
    await central.http.put("/api/cards/CARD1")
    async with central.station() as station:
        await station.boot()
        first = await station.start(at=T0, message_id="1")
    async with central.station() as station:
        second = await station.start(at=T1, message_id="1")
    assert second["transactionId"] != first["transactionId"]
    kinds = [one["kind"] for one in await central.get("/api/chargers/CP-1/events")]
    assert kinds == ["message_id_reused"]


async def test_a_stop_told_twice_is_accepted_and_a_different_one_kept(central: Central) -> None:
    """The first stop stands; another content is a conflict for the operator (I5)."""
    await central.http.put("/api/cards/CARD1")
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0))["transactionId"]
        assert await station.stop(number, meter=3000, at=T1) == {}
        assert await station.stop(number, meter=3000, at=T1) == {}
        assert await station.stop(number, meter=9000, at=T2) == {}
    session = await central.get(f"/api/sessions/{number}")
    assert session["meter_stop_wh"] == 3000
    [event] = session["events"]
    assert event["kind"] == "conflict_stop_differs"
    assert event["details"]["meterStop"] == 9000


async def test_facts_of_an_unknown_transaction_are_kept(central: Central) -> None:
    """-1 means that the start was never answered; it is answered as if valid (errata 3.18)."""
    async with central.station() as station:
        await station.boot()
        for number in (-1, 0, 4711):
            assert await station.meter(number, energy=5, power=1, at=T0) == {}
            assert await station.stop(number, meter=7, at=T1) == {}
    events = await central.get("/api/chargers/CP-1/events")
    assert [one["transaction_id"] for one in events] == [4711, 0, -1]
    assert {one["kind"] for one in events} == {"conflict_stop_unknown"}
    assert {one["details"]["meterStop"] for one in events} == {7}
    assert await central.get("/api/sessions") == []


async def test_a_station_cannot_end_the_session_of_another(central: Central) -> None:
    """Transaction numbers are guessable; they are only good at their own station."""
    async with central.station("A") as one, central.station("B") as other:
        await one.boot()
        await other.boot()
        number = (await one.start(at=T0))["transactionId"]
        await other.meter(number, energy=99, power=99, at=T1)
        assert await other.stop(number, meter=99_000, at=T1) == {}
    session = await central.get(f"/api/sessions/{number}")
    assert (session["state"], session["energy_wh"], session["samples"]) == ("running", 0, [])


async def test_a_late_sample_does_not_turn_the_clock_back(central: Central) -> None:
    """Old samples are stored, the newest one is shown."""
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0))["transactionId"]
        await station.meter(number, energy=3000, power=7000, at=T2)
        await station.meter(number, energy=2000, power=5000, at=T1)
    session = await central.get(f"/api/sessions/{number}")
    assert (session["energy_wh"], session["power_w"], len(session["samples"])) == (2000, 7000, 2)


async def test_a_register_that_runs_backwards_is_noted(central: Central) -> None:
    """The stop is stored as told, the operator sees that something is wrong."""
    await central.http.put("/api/cards/CARD1")
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0, meter=5000))["transactionId"]
        assert await station.stop(number, meter=10, at=T1) == {}
    session = await central.get(f"/api/sessions/{number}")
    assert (session["meter_stop_wh"], session["energy_wh"]) == (10, 0)
    assert [one["kind"] for one in session["events"]] == ["conflict_register_backwards"]


async def test_samples_in_the_stop_are_kept(central: Central) -> None:
    """What transactionData holds is part of the session (4.10)."""
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0))["transactionId"]
        data = [{"timestamp": T1, "sampledValue": [{"value": "1234"}]}]
        payload = {"transactionId": number, "meterStop": 2000, "timestamp": T1}
        assert await station.call("StopTransaction", payload | {"transactionData": data}) == {}
    session = await central.get(f"/api/sessions/{number}")
    assert session["stop_reason"] == "Local"
    assert [one["energy_wh"] for one in session["samples"]] == [1234]


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        (
            "StartTransaction",
            {"connectorId": 1, "idTag": "CARD1", "meterStart": 1000, "timestamp": T0},
        ),
        ("StopTransaction", {"transactionId": -1, "meterStop": 7, "timestamp": T0}),
        (
            "MeterValues",
            {
                "connectorId": 1,
                "meterValue": [{"timestamp": T0, "sampledValue": [{"value": "1"}]}],
            },
        ),
    ],
)
async def test_a_failing_disk_closes_without_answer_and_the_resend_is_stored_once(
    central: Central, action: str, payload: dict[str, Any]
) -> None:
    """A CALLERROR would make the station drop billing data; 1013 makes it come back (ruling 6)."""
    await central.http.put("/api/cards/CARD1")
    async with central.station() as station:
        await station.boot()
        await central.disk.writer.break_now()
        await station.send(2, "m-1", action, payload)
        with pytest.raises(ConnectionClosed) as closed:
            await station.receive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013
    async with central.station() as refused:
        with pytest.raises(ConnectionClosed):
            await refused.receive()
    await central.disk.writer.mend()
    async with central.station() as station:
        answer = await station.call(action, payload, message_id="m-1")
        assert isinstance(answer, dict)
        assert await station.call(action, payload, message_id="m-1") == answer
    assert len(await central.get("/api/sessions")) == (action == "StartTransaction")
    events = await central.get("/api/chargers/CP-1/events")
    assert len(events) == (action == "StopTransaction")


async def test_a_hundred_stations_at_once_lose_nothing(central: Central) -> None:
    """Answers of one shared commit go to the stations they belong to."""

    async def drive(number: int) -> tuple[str, int]:
        async with central.station(f"CP-{number}") as station:
            await station.boot()
            begun = (await station.start(at=T0, meter=number))["transactionId"]
            await station.meter(begun, energy=number + 5, power=1, at=T1)
            await station.stop(begun, meter=number + 10, at=T2)
            return f"CP-{number}", begun

    driven = await asyncio.gather(*(drive(number) for number in range(100)))
    sessions = await central.get("/api/sessions?count=1000")
    assert {(one["charger"], one["transaction_id"]) for one in sessions} == set(driven)
    assert {one["energy_wh"] for one in sessions} == {10}
    assert {one["charger"]: one["meter_start_wh"] for one in sessions} == {
        f"CP-{number}": number for number in range(100)
    }


async def test_one_transaction_per_tag_is_a_setting(tmp_path: Path) -> None:
    """ConcurrentTx is told, the fact is stored (7.2)."""
    async with running(tmp_path, refuse_concurrent=True) as central:
        await central.http.put("/api/cards/CARD1")
        async with central.station() as station:
            await station.boot()
            first = await station.start(at=T0, connector=1)
            second = await station.start(at=T0, connector=2, tag="card1")
            assert first["idTagInfo"]["status"] == "Accepted"
            assert second["idTagInfo"]["status"] == "ConcurrentTx"
            assert await station.start(at=T0, connector=1, message_id="again") == first
        assert len(await central.get("/api/sessions")) == 2


async def gone(station: Station) -> int:
    """Wait for the socket's end; an answer before it fails the test."""
    with pytest.raises(ConnectionClosed) as closed:
        await station.receive()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


async def test_nothing_is_refused_that_could_not_be_kept(central: Central) -> None:
    """An unreadable stop is stored before its CALLERROR, or not answered at all (ruling 6)."""
    async with central.station() as station:
        await station.boot()
        await central.disk.writer.break_now()
        await station.send(2, "stop-1", "StopTransaction", {"transactionId": "seven"})
        assert await gone(station) == 1013
    await central.disk.writer.mend()
    assert await central.get("/api/chargers/CP-1/events") == []


async def test_other_messages_close_too_when_the_disk_fails(central: Central) -> None:
    """One rule for all: what cannot be stored is not answered, booted or not."""
    for boots in (False, True):
        async with central.station() as station:
            if boots:
                await station.boot()
            await central.disk.writer.break_now()
            await station.send(2, "1", "Heartbeat", {})
            assert await gone(station) == 1013
        await central.disk.writer.mend()
