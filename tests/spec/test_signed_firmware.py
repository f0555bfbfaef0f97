"""Checklist 12: signed firmware, with a maker's real keys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.certificates import Key, Signed, authority, signed_by
from tests.seals import rsa_key, seal
from tests.spec.central import Central, Frame
from tests.spec.file_server import FileServer, file_server
from tests.spec.station import Station

PLACES = {"protocols": ["HTTP"], "private_addresses": True}
IMAGE = b"firmware" * 40_960
STATUS = "SignedFirmwareStatusNotification"
WITHIN_S = 20


class Maker:
    """Who makes this charge point: a root, and what it signs with."""

    def __init__(self, key: Key | None = None) -> None:
        self.root = authority("Maker root")
        self.signer = signed_by(self.root, "Firmware", organisation="Maker", key=key)

    def firmware(self, server: FileServer, **changes: Any) -> dict[str, Any]:
        """The `firmware` of a SignedUpdateFirmware."""
        return {
            "location": f"{server.url}/firmware.bin",
            "retrieveDateTime": moment(0),
            "signingCertificate": self.signer.pem,
            "signature": seal(self.signer.key, IMAGE),
            **changes,
        }


def moment(in_s: float) -> str:
    """A time on the wire."""
    when = datetime.now(UTC) + timedelta(seconds=in_s)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.fixture
def server() -> Iterator[FileServer]:
    """Where the firmware lies."""
    with file_server() as made:
        made.files["/firmware.bin"] = IMAGE
        yield made


@pytest.fixture
def maker() -> Maker:
    """A maker who signs on an elliptic curve."""
    return Maker()


def started(point: Station, *roots: Signed) -> None:
    """Boot, with files from loopback allowed and *roots* installed as manufacturers'."""
    point.booted(transfer=PLACES)
    for root in roots:
        install(point.central, "ManufacturerRootCertificate", root)


def install(central: Central, use: str, root: Signed) -> None:
    """InstallCertificate."""
    asked = {"certificateType": use, "certificate": root.pem}
    assert central.call("InstallCertificate", asked) == {"status": "Accepted"}


def update(central: Central, number: int, firmware: dict[str, Any], **more: int) -> Any:
    """SignedUpdateFirmware; the status of the answer."""
    asked = {"requestId": number, "firmware": firmware, **more}
    return central.call("SignedUpdateFirmware", asked)["status"]


def told(central: Central, number: int, *statuses: str, after: Frame | None = None) -> Frame:
    """Expect *statuses* in this order, each with the requestId."""
    for status in statuses:
        after = central.expect(STATUS, within_s=WITHIN_S, after=after)
        assert (after["status"], after["requestId"]) == (status, number)
    assert after is not None
    return after


def warned(central: Central, kind: str) -> None:
    """Expect the security event *kind*."""
    central.expect("SecurityEventNotification", within_s=WITHIN_S, type=kind)


@pytest.mark.parametrize("make", [lambda: None, rsa_key], ids=["ECDSA", "RSA-PSS"])
def test_tc_080_signed_firmware(
    point: Station, central: Central, server: FileServer, make: Any
) -> None:
    """Each stage in order with the requestId, the boot, Available, FirmwareUpdated, Installed."""
    maker = Maker(make())
    started(point, authority("Another maker's root"), maker.root)
    assert update(central, 80, maker.firmware(server)) == "Accepted"
    stages = ("Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting")
    last = told(central, 80, *stages)
    boot = central.expect("BootNotification", after=last, within_s=WITHIN_S)
    available = central.expect_status(1, "Available", after=boot)
    told(central, 80, "Installed", after=available)
    warned(central, "FirmwareUpdated")
    asked = {"requestedMessage": "FirmwareStatusNotification"}
    assert central.call("ExtendedTriggerMessage", asked) == {"status": "Accepted"}
    idle = central.expect(STATUS, within_s=WITHIN_S)
    assert idle.payload == {"status": "Idle"}


def test_r_12_20_its_two_dates(
    point: Station, central: Central, server: FileServer, maker: Maker
) -> None:
    """L01.FR.13, FR.16: DownloadScheduled and InstallScheduled, and no sooner."""
    started(point, maker.root)
    asked_at = time.monotonic()
    dates = {"retrieveDateTime": moment(6), "installDateTime": moment(14)}
    assert update(central, 81, maker.firmware(server, **dates)) == "Accepted"
    begun = told(central, 81, "DownloadScheduled", "Downloading")
    assert begun.at_s - asked_at >= 5.9
    verified = told(central, 81, "Downloaded", "SignatureVerified", after=begun)
    installs = told(central, 81, "InstallScheduled", "Installing", after=verified)
    assert installs.at_s - asked_at >= 13.9


def test_r_12_21_a_session_is_waited_for(
    point: Station, central: Central, server: FileServer, maker: Maker
) -> None:
    """L01.FR.06, FR.07: the free connector is Unavailable, the session is not touched."""
    started(point, maker.root)
    point.charging()
    assert update(central, 82, maker.firmware(server)) == "Accepted"
    told(central, 82, "Downloading", "Downloaded", "SignatureVerified")
    central.expect_status(2, "Unavailable")
    central.never(STATUS, for_s=1)
    assert point.is_closed()
    point.tap()
    central.expect("StopTransaction")
    told(central, 82, "Installing")


def test_r_12_22_a_newer_one_cancels_it(
    point: Station, central: Central, server: FileServer, maker: Maker
) -> None:
    """L01.FR.26: AcceptedCanceled, and only the newer one is told of."""
    started(point, maker.root)
    later = maker.firmware(server, installDateTime=moment(3600))
    assert update(central, 83, later) == "Accepted"
    told(central, 83, "Downloading", "Downloaded", "SignatureVerified", "InstallScheduled")
    assert update(central, 84, maker.firmware(server)) == "AcceptedCanceled"
    told(central, 84, "Downloading", "Downloaded", "SignatureVerified", "Installing")


def test_tc_081_a_bad_signature(
    point: Station, central: Central, server: FileServer, maker: Maker
) -> None:
    """InvalidSignature and its security event; nothing is installed, nothing of it stays."""
    started(point, maker.root)
    server.files["/firmware.bin"] = IMAGE[:-1] + b"?"
    assert update(central, 81, maker.firmware(server)) == "Accepted"
    told(central, 81, "Downloading", "Downloaded", "InvalidSignature")
    warned(central, "InvalidFirmwareSignature")
    assert list((point.directory / "d" / "spool").iterdir()) == []
    asked = {"requestedMessage": "FirmwareStatusNotification"}
    assert central.call("ExtendedTriggerMessage", asked) == {"status": "Accepted"}
    told(central, 81, "InvalidSignature")
    central.never("BootNotification", for_s=1)
    point.charging()


def test_r_12_23_an_image_swapped_while_the_power_was_off(
    point: Station, central: Central, server: FileServer, maker: Maker
) -> None:
    """What was verified once is verified again right before it is installed."""
    started(point, maker.root)
    later = maker.firmware(server, installDateTime=moment(12))
    assert update(central, 82, later) == "Accepted"
    last = told(central, 82, "Downloading", "Downloaded", "SignatureVerified", "InstallScheduled")
    point.end()
    (point.directory / "d" / "spool" / "firmware.bin").write_bytes(b"something else")
    point.restart()
    central.expect("BootNotification", after=last)
    told(central, 82, "Installing", "InstallVerificationFailed", after=last)
    warned(central, "InvalidFirmwareSignature")
    central.never("BootNotification", for_s=1)


@pytest.mark.parametrize("which", ["expired", "another root", "the other use", "no certificate"])
def test_r_12_24_a_signer_who_is_not_trusted(
    point: Station, central: Central, server: FileServer, which: str
) -> None:
    """L01.FR.23, FR.24, FR.02: InvalidCertificate and its event; nothing is asked for."""
    maker = Maker()
    started(point, authority("Another maker's root"))
    if which == "the other use":
        install(central, "CentralSystemRootCertificate", maker.root)
    elif which != "another root":
        install(central, "ManufacturerRootCertificate", maker.root)
    firmware = maker.firmware(server)
    if which == "expired":
        old = signed_by(maker.root, "Firmware", days=(-30, -1), key=maker.signer.key)
        firmware["signingCertificate"] = old.pem
    elif which == "no certificate":
        firmware["signingCertificate"] = maker.signer.key_pem
    assert update(central, 85, firmware) == "InvalidCertificate"
    warned(central, "InvalidFirmwareSigningCertificate")
    central.never(STATUS, for_s=0.5)
    assert server.asked == 0


def test_r_12_1_a_signed_download_fails(
    point: Station, central: Central, server: FileServer, maker: Maker
) -> None:
    """Two retries: three rounds of Downloading and DownloadFailed, retryInterval apart."""
    started(point, maker.root)
    server.refuses = True
    status = update(central, 86, maker.firmware(server), retries=2, retryInterval=1)
    assert status == "Accepted"
    last = None
    for _ in range(3):
        begun = told(central, 86, "Downloading", after=last)
        assert last is None or begun.at_s - last.at_s >= 0.9
        last = told(central, 86, "DownloadFailed", after=begun)
    central.never(STATUS, for_s=1.5)


def test_r_12_2_only_signed_firmware(
    point: Station, central: Central, server: FileServer, maker: Maker
) -> None:
    """L01.FR.20: with a manufacturer's root installed UpdateFirmware is NotSupported."""
    started(point, maker.root)
    asked = {"location": f"{server.url}/firmware.bin", "retrieveDate": moment(0)}
    assert central.refusal_of("UpdateFirmware", asked) == "NotSupported"
    central.never("FirmwareStatusNotification", for_s=0.5)
    assert server.asked == 0
