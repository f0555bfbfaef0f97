"""Chargers that talk in JSON objects: seed C's frames word for word, and what must not come in."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from csms_lite.errors import SettingsError
from csms_lite.listening import check_exposure
from csms_lite.ocpp.objects import MAX_FRAME, MOST_WRONG
from csms_lite.settings import Settings
from csms_lite.store.thread import raw_of
from tests.csms_lite.central import WITHIN_S, Central, running

BOOT = """{
  "messageType": "BootNotification",
  "chargerId": 1,
  "model": "EVChargerX",
  "vendor": "ChargerCo"
}"""
HEARTBEAT = """{
  "messageType": "Heartbeat",
  "chargerId": 1
}"""
START = """{
  "messageType": "StartTransaction",
  "chargerId": 1,
  "transactionId": "TXN-456",
  "timestamp": "2025-03-30T12:10:00Z"
}"""
STOP = """{
  "messageType": "StopTransaction",
  "chargerId": 1,
  "transactionId": "TXN-456",
  "meterStop": 7000,
  "timestamp": "2025-03-30T13:10:00Z"
}"""


@asynccontextmanager
async def listening(state_dir: Path, **settings: Any) -> AsyncIterator[Central]:
    """A central system with the port for objects, that lets unknown chargers in."""
    chosen = {"legacy_json_port": 0, "accept_unknown": True, "heartbeat_s": 300, **settings}
    async with running(state_dir, **chosen) as central:
        yield central


def charger(central: Central, path: str = "") -> connect:
    assert central.addresses.legacy_json is not None
    return connect(central.addresses.legacy_json + path)


async def ask(socket: ClientConnection, frame: str) -> Any:
    await socket.send(frame)
    async with asyncio.timeout(WITHIN_S):
        return json.loads(await socket.recv())


def is_time(text: object) -> bool:
    return isinstance(text, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", text) is not None


async def test_the_frames_of_the_seed_are_answered_as_there(tmp_path: Path) -> None:
    """C15, C16, C17, C18: its endpoint, its frames, its answers, member for member."""
    async with listening(tmp_path) as central:
        await central.http.put("/api/cards/OBJECT-1")
        async with charger(central) as socket:
            answer = await ask(socket, BOOT)
            assert is_time(answer.pop("currentTime"))
            assert answer == {"status": "Accepted", "interval": 300}
            answer = await ask(socket, HEARTBEAT)
            assert is_time(answer.pop("currentTime"))
            assert answer == {}
            answer = await ask(socket, START)
            assert answer == {"transactionId": "TXN-456", "status": "Accepted"}
            shown = await central.get("/api/chargers/1")
            assert (shown["chargerId"], shown["status"]) == (1, "Charging")
            assert (shown["vendor"], shown["model"]) == ("ChargerCo", "EVChargerX")
            answer = await ask(socket, STOP)
            assert answer == {"transactionId": "TXN-456", "status": "Accepted"}
        session = await central.get("/api/sessions/1")
        assert (session["state"], session["energy_wh"]) == ("closed", 7000)
        assert session["reference"] == "TXN-456"


async def test_a_beginning_told_again_is_one_session(tmp_path: Path) -> None:
    """The answer was lost, the charger came back: told again, on another socket."""
    async with listening(tmp_path) as central:
        for _ in range(2):
            async with charger(central) as socket:
                await ask(socket, BOOT)
                answer = await ask(socket, START)
                assert answer["transactionId"] == "TXN-456"
        assert len(await central.get("/api/sessions")) == 1


async def test_a_beginning_without_a_time_told_again_is_one_session(tmp_path: Path) -> None:
    """We fill the time in, and not anew; once it has ended, the same number is another."""
    untimed = json.dumps({"messageType": "StartTransaction", "chargerId": 1, "transactionId": "7"})
    async with listening(tmp_path) as central:
        for _ in range(2):
            async with charger(central) as socket:
                await ask(socket, BOOT)
                await ask(socket, untimed)
        assert len(await central.get("/api/sessions")) == 1
        async with charger(central) as socket:
            await ask(socket, BOOT)
            await ask(socket, STOP.replace("TXN-456", "7"))
            await ask(socket, untimed)
        assert [one["state"] for one in await central.get("/api/sessions")] == ["running", "closed"]


async def test_a_number_used_again_names_the_newer_session(tmp_path: Path) -> None:
    """Some count from one after each boot: neither session is lost, the end finds the newer."""
    async with listening(tmp_path) as central, charger(central) as socket:
        await ask(socket, BOOT)
        await ask(socket, START)
        await ask(socket, STOP)
        await ask(socket, START.replace("2025-03-30", "2025-03-31"))
        await ask(socket, STOP.replace("2025-03-30", "2025-03-31"))
        found = await central.get("/api/sessions")
        assert [(one["state"], one["reference"]) for one in found] == [
            ("closed", "TXN-456"),
            ("closed", None),
        ]


async def test_while_the_disk_fails_nothing_is_answered(tmp_path: Path) -> None:
    """The charger repeats it over another socket, and it is one session with its own name."""
    async with listening(tmp_path) as central:
        async with charger(central) as socket:
            await ask(socket, BOOT)
            await central.disk.writer.break_now()
            await socket.send(START)
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1013
            await central.disk.writer.mend()
        async with charger(central) as socket:
            assert (await ask(socket, START))["transactionId"] == "TXN-456"
            assert (await ask(socket, STOP))["status"] == "Accepted"
        (session,) = await central.get("/api/sessions")
        assert (session["state"], session["reference"]) == ("closed", "TXN-456")


async def test_a_beginning_and_its_number_are_one_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails right after the beginning is stored loses no number: the end finds it."""
    async with listening(tmp_path) as central:
        writer = central.disk.writer
        usual = writer.run

        async def run_once_more(job: Callable[[Connection], Any]) -> Any:
            done = await usual(job)
            if await usual(lambda db: raw_of(db).execute("SELECT 1 FROM sessions").fetchone()):
                await writer.break_now()
            return done

        async with charger(central) as socket:
            await ask(socket, BOOT)
            with monkeypatch.context() as patch:
                patch.setattr(writer, "run", run_once_more)
                assert (await ask(socket, START))["transactionId"] == "TXN-456"
        await writer.mend()
        async with charger(central) as socket:
            assert (await ask(socket, STOP))["status"] == "Accepted"
        (session,) = await central.get("/api/sessions")
        assert (session["state"], session["reference"]) == ("closed", "TXN-456")


async def test_an_unknown_card_is_told_so_and_the_session_is_kept(tmp_path: Path) -> None:
    """Nobody charges for nothing because his charger talks oddly; facts are kept all the same."""
    async with listening(tmp_path) as central, charger(central) as socket:
        await ask(socket, BOOT)
        assert await ask(socket, START) == {"transactionId": "TXN-456", "status": "Invalid"}
        assert (await central.get("/api/sessions/1"))["id_tag"] == "OBJECT-1"


async def test_the_end_of_an_unknown_transaction_is_kept_for_the_operator(tmp_path: Path) -> None:
    """A fact of the past is never refused."""
    async with listening(tmp_path) as central, charger(central) as socket:
        await ask(socket, BOOT)
        assert (await ask(socket, STOP))["status"] == "Accepted"
        kinds = [one["kind"] for one in await central.get("/api/chargers/1/events")]
        assert "conflict_stop_unknown" in kinds


async def test_a_status_is_shown(tmp_path: Path) -> None:
    """Connector and error code may be left out."""
    async with listening(tmp_path) as central, charger(central) as socket:
        await ask(socket, BOOT)
        for status in ("Available", "Faulted"):
            frame = {"messageType": "StatusNotification", "chargerId": 1, "status": status}
            assert await ask(socket, json.dumps(frame)) == {}
            assert (await central.get("/api/chargers/1"))["status"] == status


WRONG = [
    {"messageType": "Nothing", "chargerId": 1},
    {"messageType": "Heartbeat", "chargerId": 2},
    {"messageType": "Heartbeat", "chargerId": True},
    {"messageType": "Heartbeat", "chargerId": -1},
    {"messageType": "Heartbeat", "chargerId": 2**70},
    {"messageType": "Heartbeat", "chargerId": "a b"},
    {"messageType": "Heartbeat"},
    {"messageType": 1, "chargerId": 1},
    {"messageType": "StartTransaction", "chargerId": 1},
    {"messageType": "StartTransaction", "chargerId": 1, "transactionId": ""},
    {"messageType": "StartTransaction", "chargerId": 1, "transactionId": "x" * 65},
    {"messageType": "StartTransaction", "chargerId": 1, "transactionId": "T", "idTag": "x" * 21},
    {"messageType": "StartTransaction", "chargerId": 1, "transactionId": "T", "meterStart": 2**70},
    {"messageType": "StatusNotification", "chargerId": 1, "status": ["deep", {"er": []}]},
    [2, "1", "Heartbeat", {}],
    "Heartbeat",
    None,
]


@pytest.mark.parametrize("frame", WRONG)
async def test_a_frame_that_cannot_be_read_is_answered_and_changes_nothing(
    tmp_path: Path, frame: object
) -> None:
    """The charger is told what to mend, and its socket stays."""
    async with listening(tmp_path) as central, charger(central) as socket:
        await ask(socket, BOOT)
        answer = await ask(socket, json.dumps(frame))
        assert set(answer) == {"error", "description"}
        assert is_time((await ask(socket, HEARTBEAT))["currentTime"])
        assert await central.get("/api/sessions") == []


@pytest.mark.parametrize("text", ["{", "[" * 5000, '{"a":' * 3000, '"\\ud800"', "\x00"])
async def test_text_that_is_no_object_ends_a_socket_that_said_nothing_else(
    tmp_path: Path, text: str
) -> None:
    """Who does not say who he is gets nothing from us."""
    async with listening(tmp_path) as central, charger(central) as socket:
        await socket.send(text)
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1002


async def test_too_large_and_too_many_wrong_frames_end_the_socket(tmp_path: Path) -> None:
    """Bounded in size and in number."""
    async with listening(tmp_path) as central:
        async with charger(central) as socket:
            await socket.send(BOOT + " " * MAX_FRAME)
            with pytest.raises(ConnectionClosed):
                await socket.recv()
        async with charger(central) as socket:
            await ask(socket, BOOT)
            for _ in range(MOST_WRONG - 1):
                await ask(socket, "{}")
            await socket.send("{}")
            with pytest.raises(ConnectionClosed):
                await socket.recv()


async def test_a_charger_with_a_key_is_not_to_be_had_by_its_number(tmp_path: Path) -> None:
    """Whoever knows a charger's id must not be able to speak for it here."""
    async with listening(tmp_path) as central:
        assert (await central.http.put("/api/chargers/1")).status_code == 200
        assert (await central.http.post("/api/chargers/1/key", json={})).status_code < 300
        async with charger(central) as socket:
            await socket.send(BOOT)
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


async def test_a_stranger_waits_for_an_operator(tmp_path: Path) -> None:
    """Unknown chargers are no more let in here than at the OCPP port."""
    async with listening(tmp_path, accept_unknown=False) as central:
        async with charger(central) as socket:
            assert (await ask(socket, BOOT))["status"] == "Pending"
            assert "error" in await ask(socket, HEARTBEAT)
        assert [one["id"] for one in await central.get("/api/inbox")] == ["1"]
        assert await central.get("/api/chargers") == []


async def test_no_other_address_is_here_and_no_page_comes_in(tmp_path: Path) -> None:
    """A browser says where its page is from; a charger does not."""
    async with listening(tmp_path) as central:
        with pytest.raises(InvalidStatus):
            async with charger(central, "/1"):
                pass
        assert central.addresses.legacy_json is not None
        with pytest.raises(InvalidStatus):
            async with connect(central.addresses.legacy_json, origin="https://evil.example"):  # type: ignore[arg-type]  # a plain text will do
                pass


async def test_it_is_off_unless_asked_for(central: Central) -> None:
    """An old way in is no default."""
    assert central.addresses.legacy_json is None


def test_it_is_not_opened_to_a_network_by_accident(tmp_path: Path) -> None:
    """It has neither TLS nor keys: a certificate for the other ports does not excuse it."""
    some: dict[str, Any] = {"tls_certificate": tmp_path / "c.pem", "tls_key": tmp_path / "k.pem"}
    settings = Settings(state_dir=tmp_path, host="0.0.0.0", legacy_json_port=0, **some)
    with pytest.raises(SettingsError, match="legacy_json_port"):
        check_exposure(settings)
