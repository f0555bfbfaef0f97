"""The log of a running central system: every frame, found again, bounded, and in nobody's way."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from csms_lite.messages.file import NAME
from tests.csms_lite.central import Central, running
from tests.csms_lite.messages.logs import files

T0, T1 = "2024-05-01T10:00:00Z", "2024-05-01T11:00:00Z"


async def logged(central: Central, query: str = "", *, least: int = 1) -> list[dict[str, Any]]:
    """Ask the log until so many frames are in it: it is written behind the answers' backs."""
    async with asyncio.timeout(5):
        while True:
            found = (await central.get(f"/api/messages?{query}"))["messages"]
            if len(found) >= least:
                return list(reversed(found))


async def test_a_session_is_in_the_log_frame_by_frame(central: Central) -> None:
    """Both ways, in order, with what each frame answers (B8, B16, B41)."""
    async with central.station() as station:
        await station.boot()
        begun = await station.start(at=T0, message_id="start-1")
        await station.socket.send("no frame at all")
        await station.call("StopTransaction", {"transactionId": "x"}, message_id="bad-1")
        await station.stop(begun["transactionId"], meter=2000, at=T1, message_id="stop-1")
    found = await logged(central, "charger=CP-1", least=9)
    seen = [(one["direction"], one["type"], one["action"], one["message_id"]) for one in found[2:]]
    assert seen == [
        ("RECEIVED", "CALL", "StartTransaction", "start-1"),
        ("SENT", "CALLRESULT", "StartTransaction", "start-1"),
        ("RECEIVED", "UNREADABLE", None, None),
        ("RECEIVED", "CALL", "StopTransaction", "bad-1"),
        ("SENT", "CALLERROR", "StopTransaction", "bad-1"),
        ("RECEIVED", "CALL", "StopTransaction", "stop-1"),
        ("SENT", "CALLRESULT", "StopTransaction", "stop-1"),
    ]
    assert found[2]["payload"]["meterStart"] == 1000
    assert found[4]["payload"] == "no frame at all"
    assert all(one["at"].endswith("Z") and "." in one["at"] for one in found)


async def test_a_key_that_an_operator_sets_is_not_in_the_file(tmp_path: Path) -> None:
    """Not in its rows, not in its pages, not in its write-ahead log."""
    secret = "CAFE" * 10
    async with running(tmp_path) as central, central.station() as station:
        await station.boot()
        body = {
            "action": "ChangeConfiguration",
            "payload": {"key": "AuthorizationKey", "value": secret},
        }
        await central.http.post("/api/chargers/CP-1/commands", json=body)
        asked = await station.receive()
        assert asked[3]["value"] == secret
        await station.send(3, asked[1], {"status": "Accepted"})
        found = await logged(central, "action=ChangeConfiguration", least=2)
    assert found[0]["payload"] == {"key": "AuthorizationKey", "value": "********"}
    assert not any(secret.encode() in data for data in files(tmp_path, "messages.db*"))


async def test_each_filter_finds_what_it_names(central: Central) -> None:
    """The lesson of another log: its action column held one word, and the filter found nothing."""
    for identity in ("CP-1", "CP-2"):
        async with central.station(identity) as station:
            await station.boot()
            await station.call("Heartbeat", message_id=f"beat-{identity}")
            await station.status(1, "Available", info="The Lid is open")
    every = await logged(central, least=12)
    middle = every[5]["at"]
    for query, expected in {
        "charger=CP-2": 6,
        "action=Heartbeat": 4,
        "action=Heartbeat&type=CALL": 2,
        "direction=SENT": 6,
        "type=CALLRESULT&charger=CP-1": 3,
        "message_id=beat-CP-2": 2,
        "text=the lid IS": 2,
        "text=lid&charger=CP-1": 1,
        f"from={middle}": sum(one["at"] >= middle for one in every),
        f"to={middle}": sum(one["at"] <= middle for one in every),
        "charger=CP-3": 0,
        "action=OCPP": 0,
    }.items():
        assert len((await central.get(f"/api/messages?{query}"))["messages"]) == expected, query
    for query in ("from=yesterday", "before=x", "before=1.x", "text=a", "direction=UP", "count=0"):
        assert (await central.http.get(f"/api/messages?{query}")).status_code == 422, query


async def test_pages_give_each_frame_once(central: Central) -> None:
    """Also where many have the same millisecond."""
    async with central.station() as station:
        await station.boot()
        for _ in range(10):
            await station.call("Heartbeat")
    every = [one["id"] for one in await logged(central, least=22)]
    seen: list[int] = []
    query = "count=3"
    while True:
        page = await central.get(f"/api/messages?{query}")
        seen += [one["id"] for one in page["messages"]]
        if page["next"] is None:
            break
        query = f"count=3&before={page['next']}"
    assert seen == every[::-1]


async def test_a_file_of_the_log_opens_in_a_spreadsheet_and_runs_nothing(central: Central) -> None:
    """Every field, a header, and what a station writes is text (B83)."""
    async with central.station() as station:
        await station.boot()
        await station.socket.send("=cmd|' /C calc'!A0")
    await logged(central, least=3)
    answer = await central.http.get("/api/messages.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "x-next" not in answer.headers
    lines = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert lines[0]["payload"] == "'=cmd|' /C calc'!A0"
    assert [one["action"] for one in lines[1:]] == ["BootNotification", "BootNotification"]
    assert json.loads(lines[2]["payload"])["chargePointVendor"] == "Tapwatt"


async def test_a_long_file_says_where_the_next_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file has a bound; none of the rows falls between two."""
    monkeypatch.setattr("csms_lite.messages.api.CSV_ROWS", 3)
    monkeypatch.setattr("csms_lite.messages.api.CSV_PAGE", 2)
    async with running(tmp_path, local_lists=False) as central:  # which would ask for versions
        async with central.station() as station:
            await station.boot()
            await station.call("Heartbeat")
        await logged(central, least=4)
        first = await central.http.get("/api/messages.csv")
        second = await central.http.get(f"/api/messages.csv?before={first.headers['x-next']}")
    assert len(first.text.splitlines()) == 4
    assert len(second.text.splitlines()) == 2
    assert "x-next" not in second.headers


async def test_slow_and_missing_answers_are_listed(tmp_path: Path) -> None:
    """A call that the station leaves open when it goes, and an answer over the bar."""
    async with running(tmp_path, log_slow_ms=1) as central:
        async with central.station() as station:
            await station.boot()
            body = {"action": "Reset", "payload": {"type": "Soft"}}
            await central.http.post("/api/chargers/CP-1/commands", json=body)
            assert (await station.receive())[2] == "Reset"
        async with asyncio.timeout(5):
            while True:
                found = await central.get("/api/messages/delays?charger=CP-1")
                if {one["outcome"] for one in found} == {"slow", "unanswered"}:
                    break
    by_outcome = {one["outcome"]: one for one in found}
    assert by_outcome["unanswered"]["action"] == "Reset"
    assert by_outcome["unanswered"]["direction"] == "SENT"
    assert by_outcome["slow"]["took_ms"] >= 1


async def test_money_is_stored_while_the_log_cannot_be_written(tmp_path: Path) -> None:
    """The log's file is locked by another: stations are answered, frames wait, none is lost."""
    async with running(tmp_path) as central, central.station() as station:
        await station.boot()
        await logged(central, least=2)
        with sqlite3.connect(tmp_path / NAME, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            begun = await station.start(at=T0)
            assert await station.stop(begun["transactionId"], meter=2000, at=T1) == {}
            assert len((await central.get("/api/messages"))["messages"]) == 2
            other.execute("ROLLBACK")
        other.close()
        assert len(await logged(central, least=6)) == 6
        metrics = (await central.http.get("/metrics")).text
    assert "tapwatt_log_lost_total 0" in metrics


async def test_a_broken_log_is_set_aside(tmp_path: Path) -> None:
    """Chargers come in although the log cannot be read, and the broken file is kept."""
    (tmp_path / NAME).write_bytes(b"this is no database" * 1000)
    async with running(tmp_path) as central, central.station() as station:
        assert (await station.boot())["status"] == "Accepted"
        await logged(central, least=2)
    [aside] = files(tmp_path, "messages.db.broken-*")
    assert aside.startswith(b"this is no database")
