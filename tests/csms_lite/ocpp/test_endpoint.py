"""The OCPP port: who is let in, and how messages are answered, on a real WebSocket."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from csms_lite.clock import read_time
from tests.csms_lite.central import Central, running


@pytest.mark.parametrize("prefix", ["/ocpp/", "/"])
async def test_a_station_boots_at_either_address(central: Central, prefix: str) -> None:
    """ws://…/ocpp/{id} and ws://…/{id} are the same door (TC_001)."""
    async with central.station() as station:
        await station.socket.close()
    station._url = central.addresses.ocpp.removesuffix("/ocpp") + prefix + "CP-1"
    async with station:
        answer = await station.boot()
        assert answer["status"] == "Accepted"
        assert answer["interval"] > 0
        assert read_time(answer["currentTime"])
        assert station.socket.subprotocol == "ocpp1.6"
        [charger] = await central.get("/api/chargers")
        assert charger["id"] == "CP-1"
        assert charger["connected"] is True


async def test_an_id_with_other_letters_is_not_found(central: Central) -> None:
    """Ids are letters, digits, '-' and '_', compared exactly."""
    for path in ("/ocpp/a%20b", "/ocpp/", "/x/y", "/ocpp/" + "a" * 49, "/CP?x=1"):
        url = central.addresses.ocpp.removesuffix("/ocpp") + path
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, subprotocols=[Subprotocol("ocpp1.6")])
        assert refused.value.response.status_code == 404, path


async def test_ids_are_compared_exactly(central: Central) -> None:
    """Two stations may differ in case only."""
    async with central.station("cp-1") as small, central.station("CP-1") as large:
        await small.boot()
        await large.boot()
        assert [one["id"] for one in await central.get("/api/chargers")] == ["CP-1", "cp-1"]


async def test_a_browser_is_refused(central: Central) -> None:
    """An Origin header means a web page, and no page is a charger."""
    with pytest.raises(InvalidStatus) as refused:
        await connect(
            central.addresses.ocpp + "/CP-1",
            subprotocols=[Subprotocol("ocpp1.6")],
            origin="http://evil.example",  # type: ignore[arg-type]  # a plain string will do
        )
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("offered", [["ocpp0.1"], None])
async def test_another_subprotocol_ends_after_the_handshake(
    central: Central, offered: list[Any] | None
) -> None:
    """OCPP-J 3.2: complete the handshake without the header, then close; no frame is read."""
    async with connect(central.addresses.ocpp + "/CP-1", subprotocols=offered) as socket:
        assert socket.subprotocol is None
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1002
    assert await central.get("/api/chargers") == []


async def test_strict_mode_refuses_another_subprotocol_at_once(tmp_path: Path) -> None:
    """What laboratory tools may want instead (TC_088)."""
    async with running(tmp_path, strict_subprotocol=True) as central:
        with pytest.raises(InvalidStatus) as refused:
            await connect(central.addresses.ocpp + "/CP-1", subprotocols=[Subprotocol("ocpp0.1")])
        assert refused.value.response.status_code == 400
        async with connect(
            central.addresses.ocpp + "/CP-1",
            subprotocols=[Subprotocol("ocpp0.1"), Subprotocol("ocpp1.6")],
        ) as socket:
            assert socket.subprotocol == "ocpp1.6"


async def test_the_newest_connection_wins(central: Central) -> None:
    """A station that comes back before its old socket is dead is let in; the old one is told."""
    async with central.station() as old, central.station() as new:
        await new.boot()
        with pytest.raises(ConnectionClosed) as closed:
            await old.socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000
        assert "replaced" in closed.value.rcvd.reason
        assert (await new.call("Heartbeat"))["currentTime"]
        assert (await central.get("/api/chargers/CP-1"))["connected"] is True
        async with asyncio.timeout(5):
            while not (events := await central.get("/api/chargers/CP-1/events")):
                pass
        assert events[-1]["kind"] == "connection_replaced"


async def test_a_station_that_leaves_is_shown_as_gone(central: Central) -> None:
    """Connected means a socket now; the last sign of life stays."""
    async with central.station() as station:
        await station.boot()
    async with asyncio.timeout(5):
        while (charger := await central.get("/api/chargers/CP-1"))["connected"]:
            pass
    assert charger["heard_at"] is not None


async def test_calls_before_boot_are_refused_but_transactions_kept(central: Central) -> None:
    """JE 3.10 refuses with SecurityError; a fact of the past is stored all the same."""
    async with central.station() as station:
        assert await station.call("Heartbeat") == "SecurityError"
        answer = await station.start(at="2024-05-01T10:00:00Z")
        assert answer["transactionId"] > 0
        asked = station.asked[0] if station.asked else await station.receive()
        assert asked[2:] == ["TriggerMessage", {"requestedMessage": "BootNotification"}]


async def test_a_rejected_station_hears_nothing(central: Central) -> None:
    """While Rejected nothing is answered but BootNotification (4.2)."""
    await central.http.put("/api/chargers/CP-1", json={"registration": "Rejected"})
    async with central.station() as station:
        await station.send(2, "1", "Heartbeat", {})
        await station.send(2, "2", "Nonsense", {})
        assert (await station.boot())["status"] == "Rejected"


async def test_bad_calls_get_their_error_and_the_socket_stays(central: Central) -> None:
    """Ruling 8 names the code; a bad frame never costs the connection."""
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("Nonsense", {}, "NotImplemented"),
        ("Reset", {"type": "Soft"}, "NotSupported"),
        ("StatusNotification", {"connectorId": 1}, "ProtocolError"),
        ("Authorize", {"idTag": "A" * 21}, "TypeConstraintViolation"),
    ]
    async with central.station() as station:
        await station.boot()
        for action, payload, code in cases:
            assert await station.call(action, payload) == code
            assert (await station.call("Heartbeat"))["currentTime"]


async def test_garbage_is_not_answered(central: Central) -> None:
    """What is no call gets no answer (J 4.1.3), and harms nobody."""
    async with central.station() as station:
        await station.boot()
        for garbage in ("{", "[]", "[3]", '"x"', "[9,1]", "null", "[" * 5000):
            await station.socket.send(garbage)
        assert (await station.call("Heartbeat"))["currentTime"]


async def test_every_message_of_a_station_is_answered(central: Central) -> None:
    """Each call of the first scope gets a CALLRESULT of its own shape (TC_001, 023, 044, 064)."""
    async with central.station() as station:
        await station.boot()
        assert await station.status(0, "Available") == {}
        assert await station.status(1, "Faulted", errorCode="ConnectorLockFailure") == {}
        assert await station.call("Authorize", {"idTag": "X"}) == {
            "idTagInfo": {"status": "Invalid"}
        }
        assert await station.call("DataTransfer", {"vendorId": "x"}) == {
            "status": "UnknownVendorId"
        }
        assert await station.call("FirmwareStatusNotification", {"status": "Downloading"}) == {}
        assert await station.call("DiagnosticsStatusNotification", {"status": "Uploaded"}) == {}
        charger = await central.get("/api/chargers/CP-1")
        assert [(one["connector"], one["status"]) for one in charger["connectors"]] == [
            (0, "Available"),
            (1, "Faulted"),
        ]
        kinds = {one["kind"] for one in await central.get("/api/chargers/CP-1/events")}
        assert kinds == {"firmware_status", "diagnostics_status"}


async def test_what_a_station_tells_of_its_security_is_kept(central: Central) -> None:
    """Security events, logs and signed firmware become notes; nobody here signs certificates."""
    told: dict[str, tuple[str, dict[str, Any]]] = {
        "security_event": (
            "SecurityEventNotification",
            {"type": "StartupOfTheDevice", "timestamp": "2026-11-27T10:00:00Z"},
        ),
        "log_status": ("LogStatusNotification", {"status": "Uploaded", "requestId": 7}),
        "signed_firmware_status": (
            "SignedFirmwareStatusNotification",
            {"status": "SignatureVerified", "requestId": 8},
        ),
    }
    async with central.station() as station:
        await station.boot()
        for action, payload in told.values():
            assert await station.call(action, payload) == {}
        assert await station.call("SignCertificate", {"csr": "-----BEGIN"}) == {
            "status": "Rejected"
        }
    events = {one["kind"]: one["details"] for one in await central.get("/api/chargers/CP-1/events")}
    assert events.pop("signing_request") == {"csr": "-----BEGIN"}
    assert events == {kind: payload for kind, (_, payload) in told.items()}


async def test_a_card_is_judged_at_authorize(central: Central) -> None:
    """Accepted with parent and expiry, Blocked, Expired (TC_023, 053)."""
    cards = {
        "GOOD": {"parent": "FAMILY", "expiry": "2999-01-01T00:00:00Z"},
        "BAD": {"status": "Blocked"},
        "OLD": {"expiry": "0999-01-01T00:00:00Z"},
    }
    for tag, body in cards.items():
        assert (await central.http.put(f"/api/cards/{tag}", json=body)).status_code == 200
    async with central.station() as station:
        await station.boot()
        infos = [
            (await station.call("Authorize", {"idTag": tag}))["idTagInfo"]
            for tag in ("good", "BAD", "OLD")
        ]
    assert infos == [
        {"status": "Accepted", "parentIdTag": "FAMILY", "expiryDate": "2999-01-01T00:00:00.000Z"},
        {"status": "Blocked"},
        {"status": "Expired", "expiryDate": "0999-01-01T00:00:00.000Z"},
    ]


async def test_a_frame_that_cannot_be_read_is_kept_before_it_is_refused(central: Central) -> None:
    """The station may drop a refused StopTransaction for ever: its bytes are billing data."""
    async with central.station() as station:
        await station.boot()
        await station.send(2, "stop-1", "StopTransaction", {"transactionId": "seven"})
        frame = await station.receive()
        assert frame[0] == 4
        [event] = await central.get("/api/chargers/CP-1/events")
    assert event["kind"] == "refused_frame"
    assert json.loads(event["details"]["frame"])[3] == {"transactionId": "seven"}
