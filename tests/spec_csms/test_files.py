"""Firmware, diagnostics and logs."""

from __future__ import annotations

from typing import Any

import httpx

from tests.spec_csms.bench import Bench
from tests.spec_csms.point import Point

AT = "2026-11-27T10:00:00.000Z"
UPDATE: dict[str, Any] = {
    "location": "ftp://example/fw.bin",
    "retrieveDate": AT,
    "retries": 2,
    "retryInterval": 10,
}
DIAGNOSTICS: dict[str, Any] = {"location": "ftp://example/", "startTime": AT, "stopTime": AT}
SIGNED: dict[str, Any] = {
    "requestId": 12,
    "firmware": {
        "location": "https://example/fw.bin",
        "retrieveDateTime": AT,
        "signingCertificate": "-----BEGIN CERTIFICATE-----",
        "signature": "c2lnbmF0dXJl",
    },
}
LOG: dict[str, Any] = {
    "logType": "SecurityLog",
    "requestId": 7,
    "log": {"remoteLocation": "https://example/", "oldestTimestamp": AT, "latestTimestamp": AT},
}


async def tells(point: Point, action: str, *statuses: str, **more: Any) -> None:
    """Every status is answered, whatever it says."""
    for status in statuses:
        assert await point.call(action, {"status": status, **more}) == {}


async def update(bench: Bench, *statuses: str, boots: bool = True) -> Any:
    async with bench.booted() as point:
        row = await bench.ask("UpdateFirmware", UPDATE)
        assert (point.asked[0].payload, row["result"]) == (UPDATE, {})
        await point.status(1, "Unavailable")
        await tells(point, "FirmwareStatusNotification", *statuses[:-1])
    async with bench.point() as point:
        if boots:
            assert (await point.boot(firmwareVersion="2"))["status"] == "Accepted"
            await point.status(1, "Available")
        await tells(point, "FirmwareStatusNotification", statuses[-1])
        assert await bench.observed(row) == {"status": statuses[-1]}
        return await bench.command(row)


async def test_tc_044_1_an_update_is_installed(bench: Bench) -> None:
    """All statuses are answered, the boot in between too; the new version is shown."""
    await update(bench, "Downloading", "Downloaded", "Installing", "Installed")
    assert (await bench.get("/api/chargers/CP-1"))["firmware"] == "2"


async def test_tc_044_2_a_download_fails(bench: Bench) -> None:
    """Three rounds; the operator is told the likely cause."""
    rounds = ("Downloading", "DownloadFailed") * 3
    row = await update(bench, *rounds, boots=False)
    assert "could not fetch" in row["hint"]


async def test_tc_044_3_an_installation_fails(bench: Bench) -> None:
    """The old version goes on; the operator is told."""
    row = await update(
        bench, "Downloading", "Downloaded", "Installing", "InstallationFailed", boots=False
    )
    assert "old version goes on" in row["hint"]


async def diagnostics(bench: Bench, *statuses: str) -> Any:
    async with bench.booted() as point:
        point.script["GetDiagnostics"] = {"fileName": "diag.zip"}
        row = await bench.ask("GetDiagnostics", DIAGNOSTICS)
        assert (point.asked[0].payload, row["result"]) == (DIAGNOSTICS, {"fileName": "diag.zip"})
        await tells(point, "DiagnosticsStatusNotification", *statuses)
        assert await bench.observed(row) == {"status": statuses[-1]}
        return await bench.command(row)


async def test_tc_045_1_diagnostics_are_uploaded(bench: Bench) -> None:
    """Uploading, Uploaded."""
    await diagnostics(bench, "Uploading", "Uploaded")


async def test_tc_045_2_an_upload_fails(bench: Bench) -> None:
    """Three rounds; the operator is told the likely cause."""
    row = await diagnostics(bench, *("Uploading", "UploadFailed") * 3)
    assert "could not bring" in row["hint"]


async def test_tc_079_the_security_log_is_asked_for(bench: Bench) -> None:
    """GetLog; statuses belong to the request by its number."""
    async with bench.booted() as point:
        point.script["GetLog"] = {"status": "Accepted", "filename": "log"}
        row = await bench.ask("GetLog", LOG)
        assert point.asked[0].payload == LOG
        await tells(point, "LogStatusNotification", "Uploading", "Uploaded", requestId=7)
        await tells(point, "LogStatusNotification", "UploadFailure", requestId=8)
        assert await bench.observed(row) == {"status": "Uploaded", "requestId": 7}


async def signed_update(bench: Bench, *statuses: str) -> None:
    async with bench.booted() as point:
        row = await bench.ask("SignedUpdateFirmware", SIGNED)
        assert point.asked[0].payload == SIGNED
        for status in statuses:
            await tells(point, "SignedFirmwareStatusNotification", status, requestId=12)
            if status == "Installing":
                await point.status(1, "Unavailable")
            if status == "InstallRebooting":
                assert (await point.boot())["status"] == "Accepted"
                await point.status(1, "Available")
        assert (await bench.observed(row))["status"] == statuses[-1]


async def test_tc_080_a_signed_update_is_installed(bench: Bench) -> None:
    """All statuses are answered, the reboot and Unavailable in between too."""
    await signed_update(
        bench,
        "Downloading",
        "Downloaded",
        "SignatureVerified",
        "Installing",
        "InstallRebooting",
        "Installed",
    )


async def test_tc_081_a_bad_signature(bench: Bench) -> None:
    """InvalidSignature, and the security event about it."""
    await signed_update(bench, "Downloading", "Downloaded", "InvalidSignature")
    async with bench.point() as point:
        told = {"type": "InvalidFirmwareSignature", "timestamp": AT}
        assert await point.call("SecurityEventNotification", told) == {}
    assert (await bench.events())[-1]["details"] == told


async def test_r_6_1_diagnostics_can_be_brought_here(bench: Bench) -> None:
    """Asked with an address of ours, of one use; the operator reads the file."""
    async with bench.booted() as point:
        asked = await bench.central.http.post("/api/chargers/CP-1/diagnostics")
        assert asked.status_code == 202
        location = (await point.until_asked("GetDiagnostics")).payload["location"]
        async with httpx.AsyncClient() as line:
            assert (await line.put(f"{location}/d.zip", content=b"diag")).status_code == 201
            assert (await line.put(f"{location}/d.zip", content=b"more")).status_code == 404
        await tells(point, "DiagnosticsStatusNotification", "Uploading", "Uploaded")
    [file] = await bench.get("/api/files?charger=CP-1")
    content = await bench.central.http.get(f"/api/files/{file['id']}/content")
    assert content.content == b"diag"


async def test_r_6_2_firmware_can_be_fetched_here(bench: Bench) -> None:
    """Stored once, fetched whole or by ranges at an address that expires."""
    stored = await bench.central.http.post("/api/files?name=fw.bin", content=b"firmware")
    async with bench.booted() as point:
        body = {"file": stored.json()["id"], "retries": 1}
        await bench.central.http.post("/api/chargers/CP-1/firmware", json=body)
        location = (await point.until_asked("UpdateFirmware")).payload["location"]
        async with httpx.AsyncClient() as line:
            assert (await line.get(location)).content == b"firmware"
            part = await line.get(location, headers={"Range": "bytes=4-"})
            assert part.content == b"ware"


async def test_r_6_3_statuses_nobody_asked_for_are_answered(bench: Bench) -> None:
    """Idle, or what an update begun elsewhere says."""
    async with bench.booted() as point:
        await tells(point, "FirmwareStatusNotification", "Idle", "Installed")
        await tells(point, "DiagnosticsStatusNotification", "Idle", "Uploaded")
        await tells(point, "LogStatusNotification", "Idle")
        await tells(point, "SignedFirmwareStatusNotification", "Idle")
    assert len(await bench.events()) == 6
