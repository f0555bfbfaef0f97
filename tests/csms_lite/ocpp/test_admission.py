"""Who gets a socket: judged before the upgrade, on a real WebSocket (TC_073, 083, 085, 088)."""

from __future__ import annotations

import asyncio
import base64
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Response
from websockets.typing import Subprotocol

from csms_lite.ocpp import admission
from csms_lite.ocpp.admission import TRIES_PER_ID, credentials
from csms_lite.stations.inbox import MOST_STRANGERS
from tests.csms_lite.central import BOOT, Central, Station, running

OCPP16 = [Subprotocol("ocpp1.6")]


def basic(name: str, password: str | bytes) -> dict[str, str]:
    raw = password.encode() if isinstance(password, str) else password
    return {"Authorization": "Basic " + base64.b64encode(name.encode() + b":" + raw).decode()}


def station(central: Central, key: str | bytes, name: str = "CP-1") -> Station:
    return central.station(name, additional_headers=basic(name, key))


async def refusal(central: Central, name: str, **options: Any) -> Response:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{central.addresses.ocpp}/{name}", subprotocols=OCPP16, **options)
    return refused.value.response


async def new_key(central: Central, name: str = "CP-1", **body: Any) -> dict[str, Any]:
    answer = await central.http.post(f"/api/chargers/{name}/key", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def put(central: Central, name: str = "CP-1", status: int = 200, **body: Any) -> Any:
    answer = await central.http.put(f"/api/chargers/{name}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def kinds(central: Central, name: str = "CP-1") -> list[str]:
    return [one["kind"] for one in await central.get(f"/api/chargers/{name}/events")]


async def test_basic_auth_is_checked_before_the_upgrade(central: Central) -> None:
    """TC_085: no or wrong credentials are 401 with the scheme, the right ones 101."""
    await put(central)
    key = (await new_key(central))["key"]
    for headers in (
        {},
        basic("CP-1", "00" * 20),
        basic("CP-2", key),
        basic("cp-1", key),
        {"Authorization": "Bearer " + key},
        {"Authorization": "Basic !!"},
    ):
        response = await refusal(central, "CP-1", additional_headers=headers)
        assert response.status_code == 401, headers
        assert response.headers["WWW-Authenticate"].startswith("Basic realm=")
    for password in (key, key.upper(), bytes.fromhex(key)):
        async with station(central, password) as charger:
            assert (await charger.boot())["status"] == "Accepted"
    refused = [one for one in await kinds(central) if one == "admission_refused"]
    assert refused == ["admission_refused"], "noted once, however often it is tried"


async def test_nobody_learns_which_ids_there_are(tmp_path: Path) -> None:
    """A wrong key, an unknown id and none at all are answered alike, to the byte."""
    async with running(tmp_path, host="0.0.0.0", insecure=True, accept_unknown=False) as central:
        at = central.addresses.ocpp.replace("0.0.0.0", "127.0.0.1")
        here = Central(
            addresses=type(central.addresses)(ocpp=at, http=""),
            disk=central.disk,
            token="",
            http=central.http,
            stopping=central.stopping,
        )
        await put(central, "KNOWN", profile=1)
        await new_key(central, "KNOWN")
        answers = []
        for name in ("KNOWN", "STRANGER"):
            for headers in ({}, basic(name, "00" * 20)):
                response = await refusal(here, name, additional_headers=headers)
                told = {key: value for key, value in response.headers.items() if key != "Date"}
                answers.append((response.status_code, told, response.body))
        assert all(answer == answers[0] for answer in answers)
        assert answers[0][0] == 401
        [stranger] = await central.get("/api/inbox")
        assert (stranger["id"], stranger["knocks"]) == ("STRANGER", 2)
        assert [one["id"] for one in await central.get("/api/chargers")] == ["KNOWN"]


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


async def test_a_key_that_the_charger_refuses_is_forgotten(central: Central) -> None:
    """It would be good for whoever has read it, and never used."""
    await put(central)
    old = (await new_key(central))["key"]
    async with station(central, old) as charger:
        await charger.boot()
        new = (await new_key(central))["key"]
        frame = await charger.receive()
        await charger.send(3, frame[1], {"status": "Rejected"})
        await charger.call("Heartbeat")
        async with asyncio.timeout(5):
            while (await central.get("/api/chargers/CP-1/commands"))[0]["state"] != "answered":
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


async def test_a_charger_moves_from_profile_0_to_1_and_never_back(central: Central) -> None:
    """TC_083: it comes without a key until it has come with one."""
    async with central.station() as charger:
        await charger.boot()
        key = (await new_key(central))["key"]
        await charger.receive()
    async with central.station() as charger:
        await charger.boot()
    async with station(central, key) as charger:
        await charger.boot()
    assert (await refusal(central, "CP-1")).status_code == 401
    assert "security_profile_raised" in await kinds(central)
    seen = await central.get("/api/chargers/CP-1")
    assert (seen["security_profile"], seen["came_on_profile"]) == (0, 1)
    await put(central, status=409, profile=0)
    assert (await put(central, profile=1))["security_profile"] == 1


async def test_guessing_is_bounded_and_does_not_lock_the_charger_out(
    central: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    """429 before anything is hashed; the charger comes in from where it always came from."""
    await put(central)
    key = (await new_key(central))["key"]
    for _ in range(TRIES_PER_ID):
        response = await refusal(central, "CP-1", additional_headers=basic("CP-1", "no" * 16))
        assert response.status_code == 401
    monkeypatch.setattr(admission, "judge", None)  # nothing may be judged, or hashed, from now on
    response = await refusal(central, "CP-1", additional_headers=basic("CP-1", key))
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "60"
    monkeypatch.undo()
    await put(central, "CP-2")
    other = (await new_key(central, "CP-2"))["key"]
    async with station(central, other, "CP-2") as charger:
        await charger.boot()
    monkeypatch.setattr(admission, "network_of", lambda _address: "203.0.113.9")
    for _ in range(TRIES_PER_ID):
        await refusal(central, "CP-2", additional_headers=basic("CP-2", "no" * 16))
    response = await refusal(central, "CP-2", additional_headers=basic("CP-2", other))
    assert response.status_code == 429
    monkeypatch.undo()
    async with station(central, other, "CP-2") as charger:
        await charger.boot()


async def test_a_stranger_waits_in_the_inbox_until_somebody_takes_it_in(tmp_path: Path) -> None:
    """Pending, with what it says of itself; in service only by what is agreed then."""
    async with running(tmp_path, accept_unknown=False) as central:
        async with central.station("NEW-1") as charger:
            assert (await charger.boot())["status"] == "Pending"
            assert await charger.call("Heartbeat") == "SecurityError"
            assert await charger.call("Authorize", {"idTag": "X"}) == "SecurityError"
            await charger.send(
                2,
                "s",
                "StartTransaction",
                {
                    "connectorId": 1,
                    "idTag": "X",
                    "meterStart": 0,
                    "timestamp": "2024-05-01T10:00:00Z",
                },
            )
            assert (await charger.boot())["status"] == "Pending"
            assert await central.get("/api/chargers") == []
            assert await central.get("/api/sessions") == []
            [stranger] = await central.get("/api/inbox")
            told = (stranger["vendor"], stranger["model"])
            assert told == (BOOT["chargePointVendor"], BOOT["chargePointModel"])
            answer = await central.http.post("/api/inbox/NEW-1/accept", json={"name": "Mill"})
            assert answer.status_code == 201
            key = answer.json()["key"]
            with pytest.raises(ConnectionClosed) as closed:
                await charger.boot()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        assert (await refusal(central, "NEW-1")).status_code == 401
        async with station(central, key, "NEW-1") as charger:
            assert (await charger.boot())["status"] == "Accepted"
        assert await central.get("/api/inbox") == []
        again = await central.http.post("/api/inbox/NEW-1/accept")
        assert again.status_code == 409
        async with central.station("NEW-2") as charger:
            await charger.boot()
            answer = await central.http.post("/api/inbox/NEW-2/accept", json={"profile": 0})
            assert answer.json()["key"] is None
        async with central.station("NEW-2") as charger:
            assert (await charger.boot())["status"] == "Accepted"


async def test_the_inbox_is_bounded_and_forgets_the_longest_unseen(tmp_path: Path) -> None:
    """A hostile caller cannot fill the disk."""
    async with running(tmp_path, accept_unknown=False) as central:
        async with central.station("FIRST"):
            pass
        with closing(sqlite3.connect(tmp_path / "csms.db")) as file:
            words = "(identity, address, knocks, first_at_ms, last_at_ms)"
            file.executemany(
                f"INSERT INTO inbox {words} VALUES (?, 'x', 1, 0, ?)",
                [(f"S-{number}", number) for number in range(1, MOST_STRANGERS)],
            )
            file.commit()
        async with central.station("LAST"):
            pass
        names = [one["id"] for one in await central.get("/api/inbox")]
        assert len(names) == MOST_STRANGERS
        assert {"FIRST", "LAST"} <= set(names)
        assert "S-1" not in names
        assert (await central.http.delete("/api/inbox/S-2")).status_code == 204
        assert (await central.http.delete("/api/inbox/S-2")).status_code == 404


async def test_another_protocol_is_named_as_the_cause(tmp_path: Path) -> None:
    """TC_088, decision facts: SOAP and other versions are refused, and why is said."""
    async with running(tmp_path, strict_subprotocol=True) as central:
        with pytest.raises(InvalidStatus) as refused:
            await connect(central.addresses.ocpp + "/CP-1", subprotocols=[Subprotocol("ocpp2.0.1")])
        assert b"ocpp1.6, not ocpp2.0.1" in (refused.value.response.body or b"")
        for request in (
            "POST /ocpp/CP-1 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n<soap:En>",
            "GET /ocpp/CP-1 HTTP/1.1\r\nHost: x\r\n\r\n",
        ):
            status, text = await say(central, request)
            assert status in {405, 426}
            assert "SOAP" in text
            assert "OCPP 1.6 in JSON" in text
    async with running(tmp_path) as central:
        offered = [Subprotocol("ocpp1.5")]
        async with connect(central.addresses.ocpp + "/CP-1", subprotocols=offered) as socket:
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.reason.endswith("ocpp1.6, not ocpp1.5")


async def say(central: Central, request: str) -> tuple[int, str]:
    host, port = central.addresses.ocpp.split("/")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request.encode())
    async with asyncio.timeout(5):
        answer = (await reader.read()).decode()
    writer.close()
    return int(answer.split(" ")[1]), answer


def assert_nowhere(directory: Path, capsys: pytest.CaptureFixture[str], *secrets: str) -> None:
    """Neither the database with its log nor what was logged holds a key."""
    kept = b"".join(file.read_bytes() for file in directory.glob("csms.db*"))
    said = "".join(capsys.readouterr())
    assert len(kept) > 10_000
    assert "command_sent" in said
    for secret in secrets:
        assert secret.encode() not in kept
        assert secret not in said


@pytest.mark.parametrize(
    ("header", "read"),
    [
        (None, None),
        ("Basic", None),
        ("Basic " + base64.b64encode(b"no colon").decode(), None),
        ("basic " + base64.b64encode(b"a:b:c").decode(), ("a", b"b:c")),
        ("Basic " + base64.b64encode(b"\xff:\x00\xff").decode(), ("\ufffd", b"\x00\xff")),
    ],
)
def test_basic_credentials_are_read(header: str | None, read: tuple[str, bytes] | None) -> None:
    """RFC 7617; a password may be any bytes."""
    assert credentials(header) == read
