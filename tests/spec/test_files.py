"""Checklist 12: firmware, diagnostics and logs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.spec.central import Central, Frame, moment
from tests.spec.file_server import FileServer, file_server
from tests.spec.station import Station

PLACES = {"protocols": ["HTTP"], "private_addresses": True}
UNSIGNED = {"unsigned": "allow"}
FIRMWARE = "FirmwareStatusNotification"
DIAGNOSTICS = "DiagnosticsStatusNotification"


@pytest.fixture
def server() -> Iterator[FileServer]:
    """Where files come from and go to."""
    with file_server() as made:
        made.files["/firmware.bin"] = b"firmware" * 4096
        yield made


def started(point: Station) -> None:
    """Boot, with files from loopback allowed."""
    point.booted(transfer=PLACES, firmware=UNSIGNED)


def update(central: Central, server: FileServer, after_s: float = 0.0, **more: int) -> None:
    """UpdateFirmware."""
    when = datetime.now(UTC) + timedelta(seconds=after_s)
    date = when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    asked = {"location": f"{server.url}/firmware.bin", "retrieveDate": date, **more}
    assert central.call("UpdateFirmware", asked) == {}


def rounds(central: Central, action: str, *statuses: str, of: int) -> list[Frame]:
    """Expect *statuses* of *action* so many times, in this order."""
    told: list[Frame] = []
    for _ in range(of):
        for status in statuses:
            last = told[-1] if told else None
            told.append(central.expect(action, status=status, after=last, within_s=20))
    return told


def test_r_5_4_protocols_are_told(point: Station, central: Central) -> None:
    """SupportedFileTransferProtocols is read-only and names what is allowed."""
    started(point)
    answer = central.call("GetConfiguration", key=["SupportedFileTransferProtocols"])
    (shown,) = answer["configurationKey"]
    assert (shown["readonly"], shown["value"]) == (True, "HTTP")


def test_tc_044_1_new_firmware(point: Station, central: Central, server: FileServer) -> None:
    """At its date Downloading, Downloaded, Installing, boot, Installed."""
    started(point)
    update(central, server, after_s=2)
    central.never(FIRMWARE, for_s=1)
    told = rounds(central, FIRMWARE, "Downloading", "Downloaded", "Installing", of=1)
    boot = central.expect("BootNotification", after=told[-1], within_s=20)
    central.expect(FIRMWARE, status="Installed", after=boot, within_s=20)
    central.expect_status(1, "Available", after=boot)


def test_tc_044_2_the_download_fails(point: Station, central: Central, server: FileServer) -> None:
    """Two retries: three rounds, retryInterval apart; no Installing."""
    server.refuses = True
    started(point)
    update(central, server, retries=2, retryInterval=1)
    told = rounds(central, FIRMWARE, "Downloading", "DownloadFailed", of=3)
    assert told[2].at_s - told[1].at_s >= 0.9
    assert told[4].at_s - told[3].at_s >= 0.9
    central.never(FIRMWARE, for_s=1.5)


def test_tc_044_3_the_installation_fails(
    point: Station, central: Central, server: FileServer
) -> None:
    """Downloading, Downloaded, Installing, InstallationFailed; everything goes on."""
    started(point)
    point.sim("fail.firmware", next="install")
    update(central, server)
    statuses = ("Downloading", "Downloaded", "Installing", "InstallationFailed")
    rounds(central, FIRMWARE, *statuses, of=1)
    point.wait(status="Available")
    point.charging()


def test_tc_045_1_diagnostics(point: Station, central: Central, server: FileServer) -> None:
    """A file name, Uploading, Uploaded; the file is there."""
    started(point)
    answer = central.call("GetDiagnostics", location=f"{server.url}/in/")
    name = answer["fileName"]
    rounds(central, DIAGNOSTICS, "Uploading", "Uploaded", of=1)
    ((path, body),) = server.received.items()
    assert path.endswith(name)
    assert len(body) > 100


def test_tc_045_2_the_upload_fails(point: Station, central: Central, server: FileServer) -> None:
    """Two retries: three rounds of Uploading and UploadFailed, then silence."""
    server.refuses = True
    started(point)
    asked = {"location": f"{server.url}/in/", "retries": 2, "retryInterval": 1}
    assert "fileName" in central.call("GetDiagnostics", asked)
    told = rounds(central, DIAGNOSTICS, "Uploading", "UploadFailed", of=3)
    assert told[2].at_s - told[1].at_s >= 0.9
    central.never(DIAGNOSTICS, for_s=1.5)


KEY = "00112233445566778899aabbccddeeff"


def get_log(central: Central, server: FileServer, number: int, **more: int) -> dict[str, object]:
    """GetLog of the security log."""
    asked = {
        "logType": "SecurityLog",
        "requestId": number,
        "log": {"remoteLocation": f"{server.url}/in/"},
        **more,
    }
    return central.call("GetLog", asked)


def test_tc_079_the_security_log(point: Station, central: Central, server: FileServer) -> None:
    """A file name, Uploading and Uploaded with the requestId, a line per event; UploadFailure."""
    started(point)
    point.configure("AuthorizationKey", KEY)
    central.send_text("not json")
    answer = get_log(central, server, 41)
    assert answer["status"] == "Accepted"
    for status in ("Uploading", "Uploaded"):
        told = central.expect("LogStatusNotification", requestId=41)
        assert told["status"] == status
    ((path, body),) = server.received.items()
    assert path.endswith(str(answer["filename"]))
    lines = [line.split(maxsplit=2) for line in body.decode().splitlines()]
    assert [line[1] for line in lines] == [
        "StartupOfTheDevice",
        "ReconfigurationOfSecurityParameters",
        "InvalidMessages",
    ]
    ages = [datetime.now(UTC) - moment(line[0]) for line in lines]
    assert timedelta(minutes=1) > ages[0] > ages[1] > ages[2] > timedelta(0)
    assert KEY not in body.decode()
    server.refuses = True
    assert get_log(central, server, 42, retries=1, retryInterval=1)["status"] == "Accepted"
    for status in ("Uploading", "UploadFailure") * 2:
        told = central.expect("LogStatusNotification", requestId=42, within_s=20)
        assert told["status"] == status
    central.never("LogStatusNotification", for_s=1.5)
