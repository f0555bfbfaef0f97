"""Commands are rows: asked, sent once after the commit, answered; the operator sees which."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from csms_lite.clock import SystemClock
from csms_lite.commands import service
from csms_lite.stations.service import connected
from csms_lite.store.thread import open_database
from csms_lite.store.writer import open_store
from tests.csms_lite.central import Central, running

REMOTE_START = {"action": "RemoteStartTransaction", "payload": {"idTag": "A", "connectorId": 1}}


async def ask(
    central: Central, body: dict[str, Any], *, wait: float = 5, charger: str = "CP-1"
) -> httpx.Response:
    return await central.http.post(f"/api/chargers/{charger}/commands?wait={wait}", json=body)


ANSWERED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (REMOTE_START, {"status": "Rejected"}),
    (
        {"action": "RemoteStopTransaction", "payload": {"transactionId": 99}},
        {"status": "Rejected"},
    ),
    (
        {"action": "ChangeAvailability", "payload": {"connectorId": 0, "type": "Operative"}},
        {"status": "Accepted"},
    ),
    ({"action": "Reset", "payload": {"type": "Soft"}}, {"status": "Accepted"}),
    ({"action": "GetConfiguration"}, {"configurationKey": [{"key": "k", "readonly": True}]}),
    (
        {"action": "ChangeConfiguration", "payload": {"key": "no", "value": "1"}},
        {"status": "NotSupported"},
    ),
    ({"action": "UnlockConnector", "payload": {"connectorId": 99}}, {"status": "UnlockFailed"}),
    ({"action": "ClearCache"}, {"status": "Accepted"}),
    ({"action": "DataTransfer", "payload": {"vendorId": "v"}}, {"status": "Accepted"}),
    (
        {"action": "TriggerMessage", "payload": {"requestedMessage": "Heartbeat"}},
        {"status": "Accepted"},
    ),
]


async def test_a_command_reaches_the_wire_as_asked_and_its_answer_is_kept(
    central: Central,
) -> None:
    """Every operation in scope, refusals included (TC_010 to TC_031, TC_054, TC_061)."""
    rows = []
    async with central.station() as station:
        await station.boot()
        for body, result in ANSWERED:
            asking = asyncio.ensure_future(ask(central, body))
            frame = await station.receive()
            assert frame[0] == 2
            assert frame[2:] == [body["action"], body.get("payload", {})]
            await station.send(3, frame[1], result)
            response = await asking
            assert response.status_code == 200
            row = response.json()
            assert (row["state"], row["result"], row["problem"]) == ("answered", result, None)
            assert row["asked_at"] <= row["sent_at"] <= row["answered_at"]
            assert await central.get(f"/api/commands/{row['id']}") == row
            rows.append(row)
    assert await central.get("/api/chargers/CP-1/commands") == rows[::-1]


async def test_two_operators_at_once_are_served_one_after_the_other(central: Central) -> None:
    """One call in flight per station, in the order asked; both get their own answer."""
    async with central.station() as station:
        await station.boot()
        first = asyncio.ensure_future(ask(central, {"action": "ClearCache"}))
        one = await station.receive()
        second = asyncio.ensure_future(ask(central, {"action": "GetConfiguration"}))
        assert (await station.call("Heartbeat"))["currentTime"]
        assert station.asked == []
        await station.send(3, one[1], {"status": "Rejected"})
        other = await station.receive()
        await station.send(3, other[1], {"unknownKey": ["x"]})
        answers = [(await one).json() for one in (first, second)]
    assert [answer["result"] for answer in answers] == [
        {"status": "Rejected"},
        {"unknownKey": ["x"]},
    ]


async def test_crossing_calls_are_both_answered(central: Central) -> None:
    """Station and central system may call each other at the same moment."""
    async with central.station() as station:
        await station.boot()
        asking = asyncio.ensure_future(ask(central, {"action": "ClearCache"}))
        frame = await station.receive()
        assert (await station.call("Heartbeat"))["currentTime"]
        await station.send(3, frame[1], {"status": "Accepted"})
        assert (await asking).json()["state"] == "answered"


async def test_a_callerror_is_kept_for_the_operator(central: Central) -> None:
    """A refusal by CALLERROR is an end, with the station's words (TC_017)."""
    async with central.station() as station:
        await station.boot()
        asking = asyncio.ensure_future(ask(central, {"action": "ClearCache"}))
        frame = await station.receive()
        await station.send(4, frame[1], "NotSupported", "no cache here", {})
        row = (await asking).json()
    assert row["state"] == "failed"
    assert "NotSupported: no cache here" in row["problem"]


async def test_a_command_whose_line_is_cut_is_never_sent_again(central: Central) -> None:
    """What may have moved power is not repeated: the operator is told that it is unknown."""
    async with central.station() as station:
        await station.boot()
        asking = asyncio.ensure_future(ask(central, REMOTE_START))
        await station.receive()
        station.socket.transport.abort()
        row = (await asking).json()
    assert (row["state"], row["result"]) == ("failed", None)
    assert "unknown" in row["problem"]
    async with central.station() as station:
        assert (await station.call("Heartbeat"))["currentTime"]
        assert station.asked == []


async def test_a_command_waits_for_a_station_that_is_about_to_come(central: Central) -> None:
    """Asked before the socket is there: sent when it comes, if soon."""
    await central.http.put("/api/chargers/CP-1")
    response = await ask(central, {"action": "ClearCache"}, wait=0)
    assert (response.status_code, response.json()["state"]) == (202, "asked")
    async with central.station() as station:
        frame = await station.receive()
        assert frame[2] == "ClearCache"


async def test_what_no_schema_allows_is_refused_with_the_reason(central: Central) -> None:
    """The operator learns what to mend; nothing reaches the wire (ruling 21)."""
    cases: list[tuple[dict[str, Any], str]] = [
        ({"action": "Unlock"}, "UnlockConnector"),
        ({"action": "UnlockConnector", "payload": {"connectorId": "one"}}, "connectorId"),
        ({"action": "UnlockConnector"}, "required"),
        ({"payload": {}}, "action"),
    ]
    await central.http.put("/api/chargers/CP-1")
    for body, word in cases:
        response = await ask(central, body, wait=0)
        assert response.status_code == 422
        assert response.headers["content-type"] == "application/problem+json"
        assert word in response.json()["detail"]
    assert await central.get("/api/chargers/CP-1/commands") == []


async def test_a_boot_may_not_be_triggered_after_acceptance(central: Central) -> None:
    """Errata 3.40 forbids it to the central system."""
    body = {"action": "TriggerMessage", "payload": {"requestedMessage": "BootNotification"}}
    async with central.station() as station:
        await station.boot()
        response = await ask(central, body)
    assert response.status_code == 409
    assert "3.40" in response.json()["detail"]


async def test_an_unknown_charger_is_not_found(central: Central) -> None:
    """The problem says where to look."""
    response = await ask(central, {"action": "ClearCache"}, charger="NOBODY")
    assert response.status_code == 404
    assert "/api/chargers" in response.json()["detail"]


async def test_a_command_cut_short_by_a_restart_is_told(tmp_path: Path) -> None:
    """Sent and not answered when the process ended: failed, unknown, not sent again."""
    async with running(tmp_path) as central, central.station() as station:
        await station.boot()
        response = await ask(central, REMOTE_START, wait=0)
        await station.receive()
    async with running(tmp_path) as central:
        row = await central.get(f"/api/commands/{response.json()['id']}")
    assert row["state"] == "failed"
    assert "unknown" in row["problem"]


async def test_an_old_command_expires_and_is_never_sent(tmp_path: Path) -> None:
    """A RemoteStart that comes minutes late starts a car nobody stands beside."""
    path = tmp_path / "csms.db"
    async with open_store(path, clock=SystemClock(), open_database=open_database) as store:
        station = await store.do(
            connected, "CP-1", accept_unknown=True, make_code=lambda: "CODE", now_ms=0
        )
        command = await store.do(service.ask, "CP-1", "ClearCache", {}, message_id="m", now_ms=1000)
        taken = await store.do(service.take_next, station.station_id, 31_000)
        assert taken == (None, [command.command_id])
        assert (await store.read(service.command, command.command_id)).state == "expired"
        again = await store.do(service.ask, "CP-1", "ClearCache", {}, message_id="n", now_ms=1000)
        found = (await store.do(service.take_next, station.station_id, 30_999)).command
        assert found is not None
        assert found.command_id == again.command_id
        assert await store.do(service.abandon, 30_998) == []
        assert await store.do(service.abandon, 30_999) == [again.command_id]


async def test_an_answer_that_cannot_be_kept_ends_as_unknown(tmp_path: Path) -> None:
    """The disk fails as the answer comes: the line is closed, the command never sent again."""
    async with running(tmp_path) as central:
        async with central.station() as station:
            await station.boot()
            row = (await ask(central, {"action": "ClearCache"}, wait=0)).json()
            frame = await station.receive()
            await central.disk.writer.break_now()
            await station.send(3, frame[1], {"status": "Accepted"})
            with pytest.raises(ConnectionClosed) as closed:
                await station.receive()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1013
        await central.disk.writer.mend()
        assert (await central.get(f"/api/commands/{row['id']}"))["state"] == "sent"
    async with running(tmp_path) as central:
        assert (await central.get(f"/api/commands/{row['id']}"))["state"] == "failed"
