"""Messages that fail here each time: they cost a station three sockets, never its queue."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from websockets.exceptions import ConnectionClosed

from csms_lite.errors import Refused
from csms_lite.ocpp.failures import MOST, PER_STATION, Failures
from csms_lite.ocpp.routes import ROUTES, Route
from tests.csms_lite.central import Central, Station

T0, T1 = "2024-05-01T10:00:00.000Z", "2024-05-01T11:00:00.000Z"
POISON = {"connectorId": 1, "idTag": "POISON", "meterStart": 1000, "timestamp": T0}
TRIGGERS = """
CREATE TRIGGER a BEFORE INSERT ON sessions WHEN new.id_tag = 'POISON'
BEGIN SELECT raise(ABORT, 'no such thing'); END;
CREATE TRIGGER b BEFORE INSERT ON events WHEN new.details_json LIKE '%"transactionId":4711%'
BEGIN SELECT raise(ABORT, 'no such thing'); END;
CREATE TRIGGER c BEFORE INSERT ON samples WHEN new.transaction_id = 4711
BEGIN SELECT raise(ABORT, 'no such thing'); END;
"""
MESSAGES = [
    ("StartTransaction", POISON),
    ("StopTransaction", {"transactionId": 4711, "meterStop": 7, "timestamp": T0}),
    (
        "MeterValues",
        {
            "connectorId": 1,
            "transactionId": 4711,
            "meterValue": [{"timestamp": T0, "sampledValue": [{"value": "1"}]}],
        },
    ),
]


@pytest.fixture
def poisoned(central: Central, tmp_path: Path) -> Central:
    """A database that some rows cannot be written to, whatever the code."""
    with closing(sqlite3.connect(tmp_path / "csms.db")) as file:
        file.executescript(TRIGGERS)
    return central


async def closes(station: Station, message_id: str, action: str, payload: dict[str, Any]) -> int:
    """Tell something on a socket of its own; gives the code it is closed with, unanswered."""
    async with station:
        await station.send(2, message_id, action, payload)
        with pytest.raises(ConnectionClosed) as closed:
            await station.receive()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


async def events(central: Central, charger: str = "CP-1") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await central.get(f"/api/chargers/{charger}/events")
    return found


async def until_refused(
    central: Central, action: str, payload: dict[str, Any], charger: str = "CP-1"
) -> None:
    """Fail one message under one id until the next failure is refused."""
    async with central.station(charger) as station:
        await station.boot()
    for _ in range(MOST - 1):
        assert await closes(central.station(charger), "head", action, payload) == 1013


@pytest.mark.parametrize(("action", "payload"), MESSAGES)
async def test_a_message_that_always_fails_blocks_nothing(
    poisoned: Central, action: str, payload: dict[str, Any]
) -> None:
    """Sockets without an answer, then InternalError; attempts under new ids get it at once."""
    await until_refused(poisoned, action, payload)
    assert await events(poisoned) == []
    async with poisoned.station() as station:
        for message_id in ("head", "second", "third"):
            assert await station.call(action, payload, message_id=message_id) == "InternalError"
        begun = await station.start(at=T1)
        assert await station.stop(begun["transactionId"], meter=2000, at=T1) == {}
    [session] = await poisoned.get("/api/sessions")
    assert (session["state"], session["energy_wh"]) == ("closed", 1000)


async def test_a_refusal_in_a_verb_is_a_failure_as_any(
    central: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no passing trouble: it would be met at every repeat, and block the queue for ever."""

    def refuses(*_: object) -> None:
        raise Refused("not now")

    for action in ("StartTransaction", "Authorize"):
        table = cast("dict[str, Route[Any]]", ROUTES)
        monkeypatch.setitem(table, action, dataclasses.replace(table[action], then=(refuses,)))
    await until_refused(central, "StartTransaction", POISON)
    async with central.station() as station:
        assert await station.call("StartTransaction", POISON) == "InternalError"
        assert await station.call("Authorize", {"idTag": "A"}) == "InternalError"
    assert [one["kind"] for one in await events(central)] == ["failed_message"]


async def test_the_frame_is_kept_once_as_it_came(poisoned: Central) -> None:
    """The operator sees what was refused, and why, however often it is repeated."""
    await until_refused(poisoned, "StartTransaction", POISON)
    raw = json.dumps([2, "head", "StartTransaction", POISON], indent=1)
    async with poisoned.station() as station:
        await station.socket.send(raw)
        assert (await station.receive())[:3] == [4, "head", "InternalError"]
        for message_id in ("head", "second"):
            await station.call("StartTransaction", POISON, message_id=message_id)
    [event] = await events(poisoned)
    assert event["kind"] == "failed_message"
    assert event["details"]["frame"] == raw
    assert "no such thing" in event["details"]["error"]


async def test_a_frame_with_an_odd_id_is_kept_too(poisoned: Central) -> None:
    """An id that JSON may write in two ways does not hide its frame."""
    await until_refused(poisoned, "StartTransaction", POISON)
    async with poisoned.station() as station:
        odd = json.dumps([2, "h", "StartTransaction", POISON]).replace('"h"', r'"\u0068"')
        await station.socket.send(odd)
        assert (await station.receive())[:3] == [4, "h", "InternalError"]
    [event] = await events(poisoned)
    assert json.loads(event["details"]["frame"]) == [2, "h", "StartTransaction", POISON]


async def test_a_disk_that_fails_is_never_an_answer(poisoned: Central) -> None:
    """What cannot be kept is not refused; nor does a failing disk count as a failure."""
    await poisoned.http.put("/api/cards/CARD1")
    await until_refused(poisoned, "StartTransaction", POISON)
    async with poisoned.station() as station:
        await poisoned.disk.writer.break_now()
        good = POISON | {"idTag": "CARD1"}
        for message_id, payload in (("head", POISON), ("next", good)):
            await station.send(2, message_id, "StartTransaction", payload)
        with pytest.raises(ConnectionClosed):
            await station.receive()
    for _ in range(MOST):
        await closed_at_once(poisoned)
    await poisoned.disk.writer.mend()
    assert await events(poisoned) == []
    async with poisoned.station() as station:
        assert await station.call("StartTransaction", POISON, message_id="head") == "InternalError"
        assert (await station.call("StartTransaction", good, message_id="next"))["transactionId"]
    assert [one["kind"] for one in await events(poisoned)] == ["failed_message"]


async def closed_at_once(central: Central) -> None:
    async with central.station() as station:
        with pytest.raises(ConnectionClosed):
            await station.receive()


async def test_a_note_that_cannot_be_stored_is_no_answer_either(
    poisoned: Central, tmp_path: Path
) -> None:
    """The frame first: while the events refuse it, the station keeps its message."""
    await until_refused(poisoned, "StartTransaction", POISON)
    with closing(sqlite3.connect(tmp_path / "csms.db")) as file:
        file.executescript(
            "CREATE TRIGGER d BEFORE INSERT ON events BEGIN SELECT raise(ABORT, 'full'); END;"
        )
    for _ in range(2):
        assert await closes(poisoned.station(), "head", "StartTransaction", POISON) == 1013
    unreadable = {"transactionId": "seven"}
    assert await closes(poisoned.station(), "x", "StopTransaction", unreadable) == 1013


async def test_stations_beside_it_are_not_disturbed(poisoned: Central) -> None:
    """Neighbours in the same commits are answered, and their own failures are counted apart."""

    async def drive(number: int) -> None:
        async with poisoned.station(f"GOOD-{number}") as station:
            await station.boot()
            begun = await station.start(at=T0, meter=number)
            await station.stop(begun["transactionId"], meter=number + 5, at=T1)

    await asyncio.gather(
        *(drive(number) for number in range(20)),
        *(
            until_refused(poisoned, "StartTransaction", POISON, f"BAD-{number}")
            for number in range(3)
        ),
    )
    sessions = await poisoned.get("/api/sessions?count=100")
    assert sorted(one["charger"] for one in sessions) == sorted(f"GOOD-{n}" for n in range(20))
    assert {one["energy_wh"] for one in sessions} == {5}


async def test_a_message_that_passes_after_all_is_stored(poisoned: Central, tmp_path: Path) -> None:
    """Refused before, tried again each time: mended, it is billed and remembered."""
    await until_refused(poisoned, "StartTransaction", POISON)
    async with poisoned.station() as station:
        assert await station.call("StartTransaction", POISON, message_id="head") == "InternalError"
        with closing(sqlite3.connect(tmp_path / "csms.db")) as file:
            file.execute("DROP TRIGGER a")
        first = await station.call("StartTransaction", POISON, message_id="head")
        assert first["transactionId"] > 0
        assert await station.call("StartTransaction", POISON, message_id="head") == first


def raises(*_: object) -> Any:
    raise KeyError("a bug of ours")


def unlawful(*_: object) -> dict[str, Any]:
    return {"idTagInfo": {"status": "Fine"}}


@pytest.mark.parametrize("bug", [{"read": raises}, {"first": raises}, {"first": unlawful}])
async def test_a_bug_is_the_same_wherever_it_is(
    central: Central, monkeypatch: pytest.MonkeyPatch, bug: dict[str, Callable[..., Any]]
) -> None:
    """Reading, storing or answering: InternalError at once where no billing hangs on it."""
    for action in ("Authorize", "StopTransaction"):
        route = dataclasses.replace(ROUTES[action], **cast("dict[str, Any]", bug))
        monkeypatch.setitem(cast("dict[str, Route[Any]]", ROUTES), action, route)
    action, payload = MESSAGES[1]
    await until_refused(central, action, payload)
    async with central.station() as station:
        assert await station.call("Authorize", {"idTag": "CARD1"}) == "InternalError"
        assert await station.call(action, payload, message_id="head") == "InternalError"
    assert [one["kind"] for one in await events(central)] == ["failed_message"]


def test_of_each_station_the_last_few_are_remembered() -> None:
    """Bounded, and one station cannot push out what is known of another."""
    failures = Failures()
    failures.add(1, "head")
    for number in range(PER_STATION):
        failures.add(2, f"content {number}")
    failures.add(2, "content 0")
    failures.add(2, "one more")
    assert failures.count(1, "head") == 1
    assert failures.count(2, "content 0") == 2
    assert failures.count(2, "content 1") == 0
    assert failures.count(3, "head") == 0
