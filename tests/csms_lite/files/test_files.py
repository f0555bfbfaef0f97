"""Files brought and fetched by a token: once, bounded, whole or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from csms_lite.files.shelf import _Writing
from tests.csms_lite.central import Central, Station, running

CONTENT = bytes(range(256)) * 10


async def address(central: Central, charger: str = "CP-1", **body: Any) -> str:
    await central.http.put(f"/api/chargers/{charger}")
    made = await central.http.post(f"/api/chargers/{charger}/addresses", json=body)
    assert made.status_code == 201, made.text
    found: str = made.json()["address"]
    return found


async def firmware(central: Central, content: bytes = CONTENT, name: str = "fw.bin") -> Any:
    stored = await central.http.post(f"/api/files?name={name}", content=content)
    assert stored.status_code == 201, stored.text
    return stored.json()


async def until(central: Central, station: Station) -> list[Any]:
    """The next frame that the central system sends on its own."""
    frame = await station.receive()
    await station.send(3, frame[1], {"status": "Accepted"} if frame[2] == "GetLog" else {})
    return frame


def all_bytes(folder: Path) -> bytes:
    """What somebody gets who copies the state directory."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_a_file_is_brought_once_and_can_be_read(central: Central, method: str) -> None:
    """The name after the token is the station's, and only shown."""
    url = await address(central)
    async with httpx.AsyncClient() as anybody:
        brought = await anybody.request(method, f"{url}/..%2F..%2Fdiag.zip", content=CONTENT)
        again = await anybody.request(method, f"{url}/diag.zip", content=b"other")
    assert (brought.status_code, again.status_code) == (201, 404)
    [known] = await central.get("/api/files")
    assert known["name"] == "diag.zip"
    assert (known["charger"], known["kind"], known["size"]) == ("CP-1", "upload", len(CONTENT))
    assert known["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    content = await central.http.get(f"/api/files/{known['id']}/content")
    assert content.content == CONTENT
    assert content.headers["content-disposition"] == 'attachment; filename="diag.zip"'
    assert content.headers["content-type"] == "application/octet-stream"
    assert content.headers["x-content-type-options"] == "nosniff"


async def test_nothing_is_stored_under_a_given_name(central: Central, tmp_path: Path) -> None:
    """A path in a name leads nowhere."""
    url = await address(central)
    async with httpx.AsyncClient() as anybody:
        await anybody.put(f"{url}/..%2F..%2F..%2Fcsms.db", content=CONTENT)
    [known] = await central.get("/api/files")
    assert [path.name for path in (tmp_path / "files").iterdir()] == [str(known["id"])]


async def test_wrong_and_expired_addresses_lead_nowhere(central: Central, tmp_path: Path) -> None:
    """Unknown, used in the other direction, too old: the same 404."""
    url = await address(central)
    base = url.partition("/files/")[0]
    with closing(sqlite3.connect(tmp_path / "csms.db")) as file, file:
        [(kept,)] = file.execute("SELECT token_digest FROM addresses").fetchall()
        assert url.rpartition("/")[2] not in kept
    async with httpx.AsyncClient() as anybody:
        assert (await anybody.put(f"{base}/files/up/{kept}", content=b"x")).status_code == 404
        assert (await anybody.get(url.replace("/up/", "/down/"))).status_code == 404
        with closing(sqlite3.connect(tmp_path / "csms.db")) as file, file:
            file.execute("UPDATE addresses SET expires_at_ms = 1")
        assert (await anybody.put(url, content=b"x")).status_code == 404
    assert await central.get("/api/files") == []


async def test_a_file_too_large_leaves_nothing_and_the_address(tmp_path: Path) -> None:
    """413; the next attempt may be smaller."""
    async with running(tmp_path, file_mib=1) as central:
        url = await address(central)
        async with httpx.AsyncClient() as anybody:
            large = await anybody.put(url, content=b"x" * (1024 * 1024 + 1))
            assert large.status_code == 413
            assert list((tmp_path / "files").iterdir()) == []
            assert (await anybody.put(url, content=b"x" * 1024 * 1024)).status_code == 201


async def test_all_files_together_are_bounded(tmp_path: Path) -> None:
    """What a station brings fills no disk; deleting makes room."""
    async with running(tmp_path, files_mib=1) as central:
        first = await firmware(central, b"x" * 700_000)
        full = await central.http.post("/api/files?name=b", content=b"x" * 400_000)
        assert full.status_code == 413
        assert (await central.http.delete(f"/api/files/{first['id']}")).status_code == 204
        await firmware(central, b"x" * 400_000)
        assert len(list((tmp_path / "files").iterdir())) == 1


async def test_an_upload_that_breaks_off_is_not_a_file(central: Central, tmp_path: Path) -> None:
    """Half a log is none; the address may be tried again."""
    url = await address(central)
    sent = asyncio.Event()

    async def half() -> AsyncIterator[bytes]:
        yield CONTENT
        sent.set()
        await asyncio.Event().wait()

    async with httpx.AsyncClient() as anybody:
        bringing = asyncio.ensure_future(anybody.put(url, content=half()))
        await sent.wait()
        assert (await anybody.put(url, content=b"meanwhile")).status_code == 404
        bringing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await bringing
        async with asyncio.timeout(5):
            while (await anybody.put(url, content=CONTENT)).status_code != 201:
                pass
    [known] = await central.get("/api/files")
    assert known["size"] == len(CONTENT)
    assert [path.name for path in (tmp_path / "files").iterdir()] == [str(known["id"])]


async def test_what_was_under_way_at_a_crash_is_gone_and_may_come_again(tmp_path: Path) -> None:
    """A row without a whole file is none, whatever lies on the disk."""
    async with running(tmp_path) as central:
        url = await address(central)
    token = url.rpartition("/")[2]
    with closing(sqlite3.connect(tmp_path / "csms.db")) as file, file:
        file.execute(
            "INSERT INTO files(file_id, kind, name, state, size, began_at_ms)"
            " VALUES (9, 'upload', 'x', 'arriving', 0, 1)"
        )
        file.execute("UPDATE addresses SET uses_left = 0, file_id = 9")
    (tmp_path / "files" / "9").write_bytes(b"whole, not told")
    (tmp_path / "files" / "8.part").write_bytes(b"half")
    async with running(tmp_path) as central:
        assert list((tmp_path / "files").iterdir()) == []
        again = await central.http.put(f"/files/up/{token}", content=CONTENT)
        assert again.status_code == 201


async def test_firmware_is_fetched_whole_or_in_parts(central: Central) -> None:
    """Range, as stations on mobile lines use it; the digest is told when it is stored."""
    stored = await firmware(central)
    assert stored["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    made = (await central.http.post(f"/api/files/{stored['id']}/addresses")).json()
    assert made["address"].endswith("/fw.bin")
    async with httpx.AsyncClient() as anybody:
        assert (await anybody.get(made["address"])).content == CONTENT
        part = await anybody.get(made["address"], headers={"Range": "bytes=100-199"})
        assert (part.status_code, part.content) == (206, CONTENT[100:200])
        head = await anybody.head(made["address"])
        assert head.headers["content-length"] == str(len(CONTENT))
        await central.http.delete(f"/api/files/{stored['id']}")
        assert (await anybody.get(made["address"])).status_code == 404


async def test_diagnostics_are_asked_for_and_land_here(central: Central) -> None:
    """GetDiagnostics with an address of ours; the file names its charger and its command."""
    async with central.station() as station:
        await station.boot()
        body = {"retries": 2, "retry_interval_s": 60, "since": "2024-05-01T10:00:00Z"}
        asked = (await central.http.post("/api/chargers/CP-1/diagnostics", json=body)).json()
        frame = await until(central, station)
        assert frame[2:] == [
            "GetDiagnostics",
            {
                "location": asked["address"],
                "retries": 2,
                "retryInterval": 60,
                "startTime": "2024-05-01T10:00:00.000Z",
            },
        ]
        async with httpx.AsyncClient() as anybody:
            await anybody.put(frame[3]["location"] + "/log.tgz", content=CONTENT)
        await station.call("DiagnosticsStatusNotification", {"status": "Uploaded"})
    [known] = await central.get("/api/files?kind=upload&charger=CP-1")
    command = await central.get(f"/api/commands/{known['command']}")
    assert command["id"] == asked["command"]["id"]
    assert command["observed"] == {"status": "Uploaded"}


async def test_a_log_is_asked_for_by_a_number_of_its_own(central: Central) -> None:
    """GetLog of the whitepaper."""
    async with central.station() as station:
        await station.boot()
        asked = await central.http.post(
            "/api/chargers/CP-1/diagnostics", json={"log": "SecurityLog"}
        )
        frame = await until(central, station)
    assert frame[2] == "GetLog"
    assert frame[3]["logType"] == "SecurityLog"
    assert frame[3]["log"] == {"remoteLocation": asked.json()["address"]}
    assert frame[3]["requestId"] > 0


@pytest.mark.parametrize("signed", [False, True])
async def test_an_update_names_an_address_of_the_stored_file(
    central: Central, signed: bool
) -> None:
    """UpdateFirmware, or SignedUpdateFirmware when signature and certificate are given."""
    stored = await firmware(central)
    body = {"file": stored["id"], "retrieve_at": "2024-05-01T10:00:00Z"}
    if signed:
        body |= {"signature": "c2ln", "signing_certificate": "-----BEGIN"}
    async with central.station() as station:
        await station.boot()
        asked = await central.http.post("/api/chargers/CP-1/firmware", json=body)
        frame = await station.receive()
    told = frame[3]["firmware"] if signed else frame[3]
    assert frame[2] == ("SignedUpdateFirmware" if signed else "UpdateFirmware")
    assert told["location"] == asked.json()["address"]
    assert told["retrieveDateTime" if signed else "retrieveDate"] == "2024-05-01T10:00:00.000Z"
    async with httpx.AsyncClient() as anybody:
        assert (await anybody.get(told["location"])).content == CONTENT


async def test_addresses_are_written_as_chargers_reach_us(tmp_path: Path) -> None:
    """Behind a proxy the operator's own address may be none for a charger."""
    async with running(tmp_path, public_url="https://csms.example/") as central:
        assert (await address(central)).startswith("https://csms.example/files/up/")


async def test_old_uploads_go_and_firmware_stays(tmp_path: Path) -> None:
    """Retention, at the next round of tidying."""
    async with running(tmp_path, uploads_kept_days=1) as central:
        stored = await firmware(central)
        await central.http.put(await address(central), content=CONTENT)
        assert len(await central.get("/api/files")) == 2
    with closing(sqlite3.connect(tmp_path / "csms.db")) as file, file:
        file.execute("UPDATE files SET stored_at_ms = 1")
        file.execute("UPDATE addresses SET expires_at_ms = 1")
    async with running(tmp_path, uploads_kept_days=1) as central:
        async with asyncio.timeout(5):
            while len(await central.get("/api/files")) > 1:
                pass
            while len(list((tmp_path / "files").iterdir())) > 1:
                pass
        assert [one["id"] for one in await central.get("/api/files")] == [stored["id"]]


def test_a_thread_that_still_writes_after_the_end_writes_nowhere(tmp_path: Path) -> None:
    """The descriptor's number may be a database's by then: its pages are not an upload's."""
    writing = _Writing(tmp_path / "1.part")
    writing.begin()
    writing.write(b"one")
    writing.abandon()
    with (tmp_path / "other").open("wb", buffering=0) as other:
        with pytest.raises(ValueError, match="closed"):
            writing.write(b"two")
        assert os.fstat(other.fileno()).st_size == 0
    assert not (tmp_path / "1.part").exists()


async def test_no_file_of_ours_holds_what_opens_an_address(tmp_path: Path) -> None:
    """Whoever gets a copy of the state directory cannot bring a file in a charger's place."""
    async with running(tmp_path) as central:
        async with central.station() as station:
            await station.boot()
            asked = (await central.http.post("/api/chargers/CP-1/diagnostics")).json()
            frame = await until(central, station)
            assert frame[3]["location"] == asked["address"]
            body = {"action": "GetDiagnostics", "payload": {"location": "ftp://me:hush@host/dir"}}
            await central.http.post("/api/chargers/CP-1/commands", json=body)
            assert (await until(central, station))[3] == body["payload"]
        token = asked["address"].rpartition("/")[2].encode()
        kept = all_bytes(tmp_path)
        assert b"GetDiagnostics" in kept
        assert token not in kept
        assert b"me:hush" not in kept


async def test_an_address_that_was_to_be_sent_does_not_outlive_the_process(tmp_path: Path) -> None:
    """After a restart nothing is sent, least of all the mask; who asked is told to ask again."""
    async with running(tmp_path) as central:
        async with central.station() as station:
            await station.boot()
        async with asyncio.timeout(5):
            while (await central.get("/api/chargers/CP-1"))["connected"]:
                pass
        await central.http.post("/api/chargers/CP-1/diagnostics")
    async with running(tmp_path) as central, central.station() as station:
        await station.boot()
        async with asyncio.timeout(5):
            while (row := (await central.get("/api/chargers/CP-1/commands"))[0])["state"] in {
                "asked",
                "sent",
            }:
                pass
        assert (row["state"], "ask again" in row["problem"]) == ("failed", True)
        await station.call("Heartbeat")
        assert station.asked == []


async def test_who_reads_commands_and_log_is_not_given_the_address(central: Central) -> None:
    """A VIEWER may read both, and neither bring a charger's file in its place nor fetch one."""
    async with central.station() as station:
        await station.boot()
        asked = await central.http.post("/api/chargers/CP-1/diagnostics")
        location = (await station.receive())[3]["location"]
        assert asked.json()["address"] == location, "sent whole"
        token = location.rpartition("/")[2]
        hand = {"location": "ftp://me:hush@host/dir"}
        body = {"action": "GetDiagnostics", "payload": hand}
        await central.http.post("/api/chargers/CP-1/commands", json=body)
        commands = (await central.http.get("/api/commands")).text
        async with asyncio.timeout(5):
            while "GetDiagnostics" not in (log := (await central.http.get("/api/messages")).text):
                pass
    for text in (commands, log):
        assert "/files/up/***" in text
        assert token not in text
    assert "hush" not in commands
