"""A charger's key: told once, kept nowhere in clear, changed without locking it out (TC_073)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from csms_lite.clock import SystemClock
from csms_lite.commands import service as commands
from csms_lite.stations import door_service
from csms_lite.stations.service import connected
from csms_lite.store.thread import open_database
from csms_lite.store.writer import open_store
from tests.csms_lite.central import Central, running
from tests.csms_lite.doors import basic, kinds, new_key, put, refusal, station


async def test_a_new_key_is_told_and_the_old_one_dies_with_its_first_use(
    central: Central, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """TC_073: both are good until the charger has come with the new one; none is ever in clear."""
    await put(central)
    old = (await new_key(central))["key"]
    async with station(central, old) as charger:
        await charger.boot()
        told = await new_key(central)
        new = told["key"]
        frame = await charger.receive()
        assert frame[2:] == ["ChangeConfiguration", {"key": "AuthorizationKey", "value": new}]
        await charger.send(3, frame[1], {"status": "Accepted"})
        await charger.call("Heartbeat")
    async with station(central, old) as charger:
        await charger.boot()
    async with station(central, new) as charger:
        await charger.boot()
    response = await refusal(central, "CP-1", additional_headers=basic("CP-1", old))
    assert response.status_code == 401
    async with station(central, new) as charger:
        await charger.boot()
    [row] = await central.get("/api/chargers/CP-1/commands")
    assert (row["state"], row["payload"]["value"]) == ("answered", "********")
    assert told["command"]["payload"]["value"] == "********"
    assert "key_changed" in await kinds(central)
    assert_nowhere(tmp_path, capsys, old, new)


async def test_a_key_that_an_operator_sends_by_hand_is_one_too(
    central: Central, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the conformance tool does; what no key can be is sent all the same (ruling 21)."""
    await put(central)
    old, new = (await new_key(central))["key"], "6c" * 20
    async with station(central, old) as charger:
        await charger.boot()
        for value in ("short", new):
            body = {
                "action": "ChangeConfiguration",
                "payload": {"key": "AuthorizationKey", "value": value},
            }
            asking = asyncio.ensure_future(
                central.http.post("/api/chargers/CP-1/commands?wait=5", json=body)
            )
            frame = await charger.receive()
            assert frame[3]["value"] == value
            answer = "Rejected" if value == "short" else "Accepted"
            await charger.send(3, frame[1], {"status": answer})
            assert (await asking).json()["payload"]["value"] == "********"
    async with station(central, new) as charger:
        await charger.boot()
    assert (
        await refusal(central, "CP-1", additional_headers=basic("CP-1", old))
    ).status_code == 401
    assert_nowhere(tmp_path, capsys, new)


@pytest.mark.parametrize(
    "answer",
    [(3, {"status": "Rejected"}), (3, {"status": "NotSupported"}), (4, "NotSupported", "", {})],
)
async def test_a_key_that_the_charger_refuses_is_forgotten(
    central: Central, answer: tuple[Any, ...]
) -> None:
    """It would be good for whoever has read it, and never used."""
    await put(central)
    old = (await new_key(central))["key"]
    async with station(central, old) as charger:
        await charger.boot()
        new = (await new_key(central))["key"]
        frame = await charger.receive()
        await charger.send(answer[0], frame[1], *answer[1:])
        await charger.call("Heartbeat")
        ended = {"answered", "failed"}
        async with asyncio.timeout(5):
            while (await central.get("/api/chargers/CP-1/commands"))[0]["state"] not in ended:
                pass
    assert (
        await refusal(central, "CP-1", additional_headers=basic("CP-1", new))
    ).status_code == 401
    async with station(central, old) as charger:
        await charger.boot()


async def test_a_key_whose_charger_reads_it_out_is_masked(central: Central, tmp_path: Path) -> None:
    """AuthorizationKey is write-only; a charger that does not know that is not helped."""
    key = "7e" * 20
    async with central.station() as charger:
        await charger.boot()
        asking = asyncio.ensure_future(
            central.http.post(
                "/api/chargers/CP-1/commands?wait=5", json={"action": "GetConfiguration"}
            )
        )
        frame = await charger.receive()
        setting = {"key": "AuthorizationKey", "readonly": False, "value": key}
        other = {"key": "HeartbeatInterval", "readonly": False, "value": "60"}
        await charger.send(3, frame[1], {"configurationKey": [setting, other]})
        result = (await asking).json()["result"]
    assert result["configurationKey"] == [setting | {"value": "********"}, other]


async def test_a_key_that_was_to_be_sent_does_not_outlive_the_process(tmp_path: Path) -> None:
    """It waits in memory only: after a restart nothing is sent, least of all the mask."""
    body = {
        "action": "ChangeConfiguration",
        "payload": {"key": "AuthorizationKey", "value": "5d" * 20},
    }
    async with running(tmp_path) as central:
        async with central.station() as charger:
            await charger.boot()
        async with asyncio.timeout(5):
            while (await central.get("/api/chargers/CP-1"))["connected"]:
                pass
        await central.http.post("/api/chargers/CP-1/commands", json=body)
    async with running(tmp_path) as central, central.station() as charger:
        await charger.boot()
        async with asyncio.timeout(5):
            while (row := (await central.get("/api/chargers/CP-1/commands"))[0])["state"] in {
                "asked",
                "sent",
            }:
                pass
        assert (row["state"], "ask again" in row["problem"]) == ("failed", True)
        await charger.call("Heartbeat")
        assert charger.asked == []


async def test_a_revoked_key_ends_the_socket_that_it_opened(central: Central) -> None:
    """A charger that was stolen is out at once, and its key is told to nobody."""
    await put(central)
    old = (await new_key(central))["key"]
    async with station(central, old) as thief:
        await thief.boot()
        new = (await new_key(central, revoke=True))["key"]
        with pytest.raises(ConnectionClosed) as closed:
            async with asyncio.timeout(5):
                await thief.socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
    response = await refusal(central, "CP-1", additional_headers=basic("CP-1", old))
    assert response.status_code == 401
    async with station(central, new) as charger:
        await charger.boot()


async def test_keys_that_wait_to_be_used_are_few(central: Central) -> None:
    """Each is one more that opens the door."""
    await put(central)
    for _ in range(4):
        await new_key(central)
    answer = await central.http.post("/api/chargers/CP-1/key")
    assert answer.status_code == 409
    assert "revoke" in answer.json()["detail"]


def assert_nowhere(directory: Path, capsys: pytest.CaptureFixture[str], *secrets: str) -> None:
    """Neither the database with its log nor what was logged holds a key."""
    kept = b"".join(file.read_bytes() for file in directory.rglob("*") if file.is_file())
    said = "".join(capsys.readouterr())
    assert len(kept) > 10_000
    assert "command_sent" in said
    for secret in secrets:
        assert secret.encode() not in kept
        assert secret not in said


async def test_a_key_that_was_never_sent_is_forgotten(tmp_path: Path) -> None:
    """The charger does not have it, so it opens the door for nobody it should."""
    clock = SystemClock()
    async with open_store(tmp_path / "c.db", clock=clock, open_database=open_database) as store:
        await store.do(connected, "CP-1", accept_unknown=True, make_code=lambda: "CODE", now_ms=0)
        await store.do(door_service.add_key, "CP-1", "00" * 20, salt="00" * 16, now_ms=0)
        made = await store.do(
            commands.rotate_key,
            "CP-1",
            "11" * 20,
            salt="00" * 16,
            message_id="m-1",
            now_ms=0,
            is_told=True,
            only=False,
        )
        assert made is not None
        known = await store.read(door_service.door, "CP-1")
        assert known is not None
        assert [one.number for one in known.keys] == [1, 2]
        assert await store.do(commands.expire, 60_000) == [made.command_id]
        known = await store.read(door_service.door, "CP-1")
        assert known is not None
        assert [one.number for one in known.keys] == [1]
