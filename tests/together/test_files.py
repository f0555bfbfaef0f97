"""Files through the real daemon: diagnostics arrive, an update restarts it, traps are refused."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.drivers.file_servers import Shelf, ftp_server, web_server
from tests.together.edge_bench import CARD, Bench, bench, end
from tests.waiting import until

pytestmark = pytest.mark.together

OPEN = ("transfer.private_addresses=true", 'transfer.protocols=["HTTP", "FTP"]')


def told(made: Bench, action: str) -> list[str]:
    return [payload["status"] for payload in made.central.payloads(action)]


async def started(made: Bench, *options: str) -> Bench:
    await asyncio.to_thread(made.start, *options)
    await until(lambda: made.central.statuses(2))
    return made


def meters_read(made: Bench) -> set[int]:
    return {row["connector"] for row in made.control("readings")["readings"]}


async def test_diagnostics_arrive_where_they_were_wanted(tmp_path: Path) -> None:
    """TC_045_1: the name in the conf is the name of the file, and the file tells of us."""
    async with bench(tmp_path) as made:
        with ftp_server(Shelf()) as shelf:
            await started(made, *OPEN, "csms.password=very-secret-indeed")
            await until(lambda: meters_read(made) == {1, 2})
            location = f"ftp://u:hush@127.0.0.1:{shelf.port}/logs"
            answer = await made.central.command("d1", "GetDiagnostics", {"location": location})
            await until(
                lambda: told(made, "DiagnosticsStatusNotification") == ["Uploading", "Uploaded"]
            )
    (name, content) = next(iter(shelf.files.items()))
    assert name == f"logs/{answer['fileName']}"
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        files = {one: _read(archive, one) for one in archive.getnames()}
    assert set(files) == {
        "log.txt",
        "state.json",
        "journal.json",
        "readings.json",
        "configuration.json",
        "versions.json",
        "recording.rec",
    }
    assert "event=link_up" in files["log.txt"]
    assert json.loads(files["journal.json"])["counts"]["boots"] == 1
    assert json.loads(files["state.json"])["online"] is True
    assert {row["connector"] for row in json.loads(files["readings.json"])} == {1, 2}
    everything = "".join(files.values())
    assert "very-secret-indeed" not in everything
    assert "hush" not in everything
    assert CARD not in everything


def _read(archive: tarfile.TarFile, name: str) -> str:
    file = archive.extractfile(name)
    assert file is not None
    return file.read().decode()


async def test_an_update_is_fetched_installed_and_told_by_the_next_process(tmp_path: Path) -> None:
    """TC_044_1: Downloading, Downloaded, Installing, Boot, Available, Installed."""
    image = bytes(500_000)
    async with bench(tmp_path) as made:
        with web_server(Shelf(files={"/new.bin": image})) as shelf:
            await started(made, *OPEN)
            await _update(made, f"http://127.0.0.1:{shelf.port}/new.bin")
            words = ["Downloading", "Downloaded", "Installing", "Installed"]
            await until(lambda: told(made, "FirmwareStatusNotification") == words)
    actions = [name for name, _, _ in made.central.calls]
    assert actions.count("BootNotification") == 2
    last = len(actions) - 1 - actions[::-1].index("FirmwareStatusNotification")
    assert "StatusNotification" in actions[actions.index("BootNotification", 1) : last]
    assert not (tmp_path / "d" / "spool" / "firmware.bin").exists()


async def test_planted_failures_of_an_update_are_told(tmp_path: Path) -> None:
    """TC_044_2 and _3 by the bay's hook; the old version runs on."""
    async with bench(tmp_path) as made:
        with web_server(Shelf(files={"/new.bin": b"new"})) as shelf:
            await started(made, *OPEN)
            location = f"http://127.0.0.1:{shelf.port}/new.bin"
            await made.sim("fail.firmware", next="download")
            await _update(made, location)
            failed = ["Downloading", "DownloadFailed"]
            await until(lambda: told(made, "FirmwareStatusNotification") == failed)
            await made.sim("fail.firmware", next="install")
            await _update(made, location)
            failed += ["Downloading", "Downloaded", "Installing", "InstallationFailed"]
            await until(lambda: told(made, "FirmwareStatusNotification") == failed)
            await until(lambda: made.central.statuses(1)[-1] == "Available")
    assert len(made.central.payloads("BootNotification")) == 1


async def test_an_installation_outlives_the_daemon_that_began_it(tmp_path: Path) -> None:
    """SIGTERM amid the install command: it finishes, and the next daemon tells what came of it."""
    gate = tmp_path / "gate"
    waits = "touch $0; while [ -e $0 ]; do sleep 0.1; done"
    command = f'firmware.install=["sh", "-c", "{waits}", "{gate}"]'
    async with bench(tmp_path) as made:
        with web_server(Shelf(files={"/new.bin": b"new"})) as shelf:
            await started(made, *OPEN, command)
            await _update(made, f"http://127.0.0.1:{shelf.port}/new.bin")
            words = ["Downloading", "Downloaded", "Installing"]
            await until(lambda: told(made, "FirmwareStatusNotification") == words)
            await until(gate.exists)
            assert made.daemon is not None
            await asyncio.to_thread(end, made.daemon)
            await asyncio.to_thread(made.start, *OPEN, command)
            await until(lambda: len(made.central.payloads("BootNotification")) == 2)
            await until(lambda: made.central.statuses(1)[-1] == "Unavailable")
            assert told(made, "FirmwareStatusNotification") == words
            gate.unlink()
            words += ["Installed"]
            await until(lambda: told(made, "FirmwareStatusNotification") == words, within_s=20)


async def _update(made: Bench, location: str) -> None:
    payload = {"location": location, "retrieveDate": "2020-01-01T00:00:00Z", "retries": 0}
    unique_id = f"u{len(made.central.answers)}"
    assert await made.central.command(unique_id, "UpdateFirmware", payload) == {}


async def test_a_log_goes_nowhere_near_our_own_network_by_default(tmp_path: Path) -> None:
    """Security 3.3: nothing is connected; the status says why, with the requestId (N01)."""
    async with bench(tmp_path) as made:
        with web_server(Shelf()) as shelf:
            await started(made, 'transfer.protocols=["HTTP"]')
            payload: dict[str, Any] = {
                "logType": "SecurityLog",
                "requestId": 9,
                "retries": 0,
                "log": {"remoteLocation": f"http://127.0.0.1:{shelf.port}/logs"},
            }
            answer = await made.central.command("l1", "GetLog", payload)
            assert answer["status"] == "Accepted"
            denied = ["Uploading", "PermissionDenied"]
            await until(lambda: told(made, "LogStatusNotification") == denied)
            assert made.central.payloads("LogStatusNotification")[-1]["requestId"] == 9
            asked = {"key": ["SupportedFileTransferProtocols"]}
            shown = await made.central.command("k1", "GetConfiguration", asked)
            assert shown["configurationKey"][0]["value"] == "HTTP"
    assert shelf.seen == []
