"""Checklist 12: TLS, and the profile raised."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.certificates import Signed, authority, signed_by
from tests.spec.central import Central
from tests.spec.station import Station

OLD = "00112233445566778899aabbccddeeff"
HANDSHAKE_FAILS_S = 1.5


def change(central: Central, key: str, value: str) -> str:
    """ChangeConfiguration; its status."""
    return str(central.call("ChangeConfiguration", key=key, value=value)["status"])


@pytest.fixture
def root() -> Signed:
    """The authority of the central system and of the station."""
    return authority()


@contextmanager
def secured(
    directory: Path, signer: Signed, host: str = "127.0.0.1", *, client_root: Signed | None = None
) -> Iterator[Central]:
    """A central system on TLS with a certificate for *host*."""
    files = signed_by(signer, "central", hosts=(host,)).save(directory, "central")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    if client_root is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=client_root.pem)
    made = Central(tls=context)
    with made.open():
        yield made
        assert made.violations == []


def ca_file(directory: Path, root: Signed) -> dict[str, object]:
    """The [csms] that trusts *root*."""
    path = directory / "root.pem"
    path.write_text(root.pem)
    return {"ca_file": str(path)}


def test_tc_083_the_profile_is_raised(
    point: Station, central: Central, root: Signed, tmp_path: Path
) -> None:
    """0 to 1 on the live line; 2 with nobody there: back to 1, value and all."""
    nowhere = {"secure_url": "wss://127.0.0.1:1/ocpp"}
    point.booted(csms={**ca_file(tmp_path, root), **nowhere})
    assert change(central, "AuthorizationKey", OLD) == "Accepted"
    central.password = bytes.fromhex(OLD)
    assert change(central, "SecurityProfile", "1") == "Accepted"
    central.await_line(2)
    point.await_online()
    assert point.value("SecurityProfile") == "1"
    assert change(central, "SecurityProfile", "2") == "Accepted"
    central.await_close(2)
    central.await_line(3, within_s=20)
    point.await_online()
    assert point.value("SecurityProfile") == "1"
    assert central.authorisations[-1] is not None


def test_tc_086_tls(point: Station, root: Signed, tmp_path: Path) -> None:
    """TLS 1.2 or newer with Basic; a foreign root or another name: no line."""
    trust = ca_file(tmp_path, root)
    with secured(tmp_path, root) as good:
        good.password = bytes.fromhex(OLD)
        point.central = good
        point.booted(csms=trust, ocpp={"AuthorizationKey": OLD})
        assert good.tls_version() in ("TLSv1.2", "TLSv1.3")
        assert good.authorisations[0] is not None
        point.end()
    for signer, host in ((authority("Stranger"), "127.0.0.1"), (root, "127.0.0.2")):
        with secured(tmp_path, signer, host) as bad:
            point.central = bad
            point.start(csms=trust, ocpp={"AuthorizationKey": OLD})
            bad.never("BootNotification", for_s=HANDSHAKE_FAILS_S)
            assert bad.lines == 0
            assert point.alive
            point.end()


def test_tc_087_a_client_certificate(point: Station, root: Signed, tmp_path: Path) -> None:
    """Profile 3: the station shows its certificate, no Basic."""
    own = signed_by(root, "TW-0001", organisation="Tapwatt").save(tmp_path, "own")
    shown = {"certificate": str(own[0]), "certificate_key": str(own[1])}
    with secured(tmp_path, root, client_root=root) as central:
        point.central = central
        point.booted(csms={**ca_file(tmp_path, root), **shown})
        assert point.value("SecurityProfile") == "3"
        assert central.authorisations == [None]
        point.end()
