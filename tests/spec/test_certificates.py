"""Checklist 12: certificates over OCPP."""

from __future__ import annotations

import hashlib
import signal
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from tests.certificates import Signed, answer_to, authority, pem_of, signed_by
from tests.spec.central import Central
from tests.spec.file_server import file_server
from tests.spec.station import Station

SERIAL, CPO = "TW-0001", "Stadtwerke Müllheim"
KEY = "00112233445566778899aabbccddeeff"
CSMS, MAKER = "CentralSystemRootCertificate", "ManufacturerRootCertificate"
ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}
PLACES = {"protocols": ["HTTP"], "private_addresses": True}
TRIGGER = {"requestedMessage": "SignChargePointCertificate"}


@pytest.fixture
def root() -> Signed:
    """The authority of central system and station."""
    return authority("CPO root")


def install(central: Central, root: Signed | str, use: str = CSMS) -> dict[str, Any]:
    """InstallCertificate."""
    pem = root if isinstance(root, str) else root.pem
    return central.call("InstallCertificate", certificateType=use, certificate=pem)


def listed(central: Central, use: str = CSMS) -> dict[str, Any]:
    """GetInstalledCertificateIds."""
    return central.call("GetInstalledCertificateIds", certificateType=use)


def name_of(root: Signed, algorithm: str = "SHA256") -> dict[str, str]:
    """What the whitepaper's 6.1 calls *root*, reckoned here."""
    bits = root.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": hashlib.new(
            algorithm, root.certificate.issuer.public_bytes()
        ).hexdigest(),
        "issuerKeyHash": hashlib.new(algorithm, bits).hexdigest(),
        "serialNumber": f"{root.certificate.serial_number:x}",
    }


def logged(central: Central) -> list[str]:
    """The types in the security log, which GetLog brings."""
    with file_server() as server:
        asked = {
            "logType": "SecurityLog",
            "requestId": 1,
            "log": {"remoteLocation": f"{server.url}/in/"},
        }
        assert central.call("GetLog", asked)["status"] == "Accepted"
        central.expect("LogStatusNotification", status="Uploaded")
        (body,) = server.received.values()
    return [line.split()[1] for line in body.decode().splitlines()]


@contextmanager
def secured(directory: Path, root: Signed) -> Iterator[Central]:
    """A central system on TLS that asks for a certificate of *root*, and takes a password too."""
    files = signed_by(root, "central", hosts=("127.0.0.1",)).save(directory, "central")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=root.pem)
    made = Central(tls=context)
    with made.open():
        yield made
        assert made.violations == []


def provisioned(directory: Path, root: Signed) -> dict[str, object]:
    """The [csms] of a station that left the factory with a certificate in a file."""
    own = signed_by(root, SERIAL, organisation="Maker").save(directory, "own")
    ca_file, _ = root.save(directory, "root")
    return {"ca_file": str(ca_file), "certificate": str(own[0]), "certificate_key": str(own[1])}


def asked_for(central: Central) -> x509.CertificateSigningRequest:
    """SignChargePointCertificate, Accepted; the request that follows."""
    assert central.call("ExtendedTriggerMessage", TRIGGER) == ACCEPTED
    csr = central.expect("SignCertificate")["csr"]
    return x509.load_pem_x509_csr(csr.encode())


def made_of(request: x509.CertificateSigningRequest, signer: Signed, **how: Any) -> str:
    """The certificate that answers *request*."""
    return pem_of(answer_to(request.public_bytes(Encoding.PEM).decode(), signer, **how))


def der(pem: str) -> bytes:
    """The first certificate in *pem*, as a handshake shows it."""
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)


def signed(central: Central, chain: str) -> dict[str, Any]:
    """CertificateSigned."""
    return central.call("CertificateSigned", certificateChain=chain)


# ── roots ────────────────────────────────────────────────────────────────────────────────────────


def test_tc_075_1_a_manufacturers_root(point: Station, central: Central, root: Signed) -> None:
    """Accepted, listed with its hashes; the other list stays empty."""
    point.booted()
    assert listed(central, MAKER) == {"status": "NotFound"}
    assert install(central, root, MAKER) == ACCEPTED
    assert listed(central, MAKER) == {**ACCEPTED, "certificateHashData": [name_of(root)]}
    assert listed(central) == {"status": "NotFound"}


def test_tc_075_2_a_central_systems_root(point: Station, central: Central, root: Signed) -> None:
    """Accepted, listed once however often it comes; still there after a power cut."""
    point.booted()
    other = authority("Second root")
    for one in (root, other, root):
        assert install(central, one) == ACCEPTED
    names = {**ACCEPTED, "certificateHashData": [name_of(root), name_of(other)]}
    assert listed(central) == names
    point.end(signal.SIGKILL)
    point.restart()
    central.await_line(2)
    point.await_online()
    assert listed(central) == names


def test_tc_076_a_root_is_deleted(point: Station, root: Signed, tmp_path: Path) -> None:
    """Accepted and gone, by each algorithm; again: NotFound; the one that this line rests on stays.

    The last is Failed (M04.FR.06).
    """
    with secured(tmp_path, root) as central:
        point.central = central
        point.booted(csms=provisioned(tmp_path, root))
        assert install(central, root) == ACCEPTED
        for algorithm in ("SHA256", "SHA384", "SHA512"):
            other = authority(algorithm)
            assert install(central, other) == ACCEPTED
            asked = {"certificateHashData": name_of(other, algorithm)}
            assert central.call("DeleteCertificate", asked) == ACCEPTED
            assert central.call("DeleteCertificate", asked) == {"status": "NotFound"}
            assert listed(central)["certificateHashData"] == [name_of(root)]
        asked = {"certificateHashData": name_of(root)}
        assert central.call("DeleteCertificate", asked) == {"status": "Failed"}
        assert listed(central)["certificateHashData"] == [name_of(root)]
        point.end()


def test_tc_078_a_bad_root(point: Station, central: Central, root: Signed) -> None:
    """Expired, no root, no certificate: Rejected and logged; nothing is installed."""
    point.booted(transfer=PLACES)
    bad = (
        authority(days=(-9, -1)),
        authority("Middle", root),
        signed_by(root, "leaf"),
        "-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----\n",
        "x" * 5500,
    )
    for one in bad:
        assert install(central, one) == REJECTED
    assert listed(central) == {"status": "NotFound"}
    assert logged(central).count("InvalidCentralSystemCertificate") == len(bad)


# ── the station's own ────────────────────────────────────────────────────────────────────────────


def test_tc_074_a_new_certificate(point: Station, root: Signed, tmp_path: Path) -> None:
    """CSR with CN = serial, O = CpoName; Accepted; a new line shows it, after a power cut too."""
    with secured(tmp_path, root) as central:
        point.central = central
        point.booted(csms=provisioned(tmp_path, root), ocpp={"CpoName": CPO})
        request = asked_for(central)
        assert request.is_signature_valid
        names = {one.oid: one.value for one in request.subject}
        assert names == {NameOID.ORGANIZATION_NAME: CPO, NameOID.COMMON_NAME: SERIAL}
        middle = authority("Middle", root)
        chain = made_of(request, middle) + middle.pem
        assert signed(central, chain) == ACCEPTED
        central.await_close(1)
        central.await_line(2)
        assert central.shown() == der(chain)
        point.await_online()
        newer = made_of(asked_for(central), root)
        assert signed(central, newer) == ACCEPTED
        point.end(signal.SIGKILL)  # in the same moment
        lines = central.lines
        point.restart()
        central.await_line(lines + 1)
        assert central.shown() == der(newer)
        assert set(central.authorisations) == {None}
        point.end()


def test_tc_077_a_bad_chain(point: Station, root: Signed, tmp_path: Path) -> None:
    """Rejected and logged; the line goes on, and the right one is still taken."""
    with secured(tmp_path, root) as central:
        point.central = central
        point.booted(csms=provisioned(tmp_path, root), ocpp={"CpoName": CPO}, transfer=PLACES)
        assert signed(central, root.pem) == REJECTED  # nobody asked
        request = asked_for(central)
        bad = (
            made_of(request, authority("Mallory")),
            made_of(request, root, days=(-9, -1)),
            signed_by(root, SERIAL, organisation=CPO).pem,  # another key
            root.pem,
            "x" * 10_000,
        )
        for chain in bad:
            assert signed(central, chain) == REJECTED
        assert logged(central).count("InvalidChargePointCertificate") == 1 + len(bad)
        assert central.lines == 1
        assert signed(central, made_of(request, root)) == ACCEPTED
        central.await_line(2)
        point.end()


def test_r_12_12_a_certificate_is_asked_for_once(point: Station, central: Central) -> None:
    """Without CpoName: Rejected, nothing comes; with it: Accepted, then SignCertificate."""
    point.booted()
    assert central.call("ExtendedTriggerMessage", TRIGGER) == REJECTED
    central.never("SignCertificate", for_s=0.5)
    point.configure("CpoName", CPO)
    central.answers["SignCertificate"] = REJECTED
    first = asked_for(central)
    central.never("SignCertificate", for_s=1.0)
    assert asked_for(central).public_key() != first.public_key()


def test_r_12_10_all_that_a_profile_needs_comes_over_the_line(
    point: Station, central: Central, root: Signed, tmp_path: Path
) -> None:
    """From profile 1 to 2 and 3 with nothing but OCPP: root, certificate, one raise each."""
    central.password = bytes.fromhex(KEY)
    with secured(tmp_path, root) as better:
        point.booted(
            csms={"secure_url": better.url},
            ocpp={"SecurityProfile": 1, "AuthorizationKey": KEY, "CpoName": CPO},
        )
        raise_to = {"key": "SecurityProfile", "value": "2"}
        assert central.call("ChangeConfiguration", raise_to) == REJECTED
        assert install(central, root) == ACCEPTED
        assert central.call("ChangeConfiguration", raise_to) == ACCEPTED
        point.central = better
        better.await_line(1)
        point.await_online()
        assert better.authorisations[0] is not None
        assert better.shown() is None
        raise_to = {"key": "SecurityProfile", "value": "3"}
        assert better.call("ChangeConfiguration", raise_to) == REJECTED
        assert signed(better, made_of(asked_for(better), root)) == ACCEPTED
        assert better.call("ChangeConfiguration", raise_to) == ACCEPTED
        better.await_line(2)
        point.await_online()
        assert better.authorisations[1] is None
        assert better.shown() is not None
        assert point.value("SecurityProfile") == "3"
        point.end()


def test_r_12_11_a_certificate_that_is_refused_gives_way(
    point: Station, root: Signed, tmp_path: Path
) -> None:
    """The central system will not have the new one: back in with the old one."""
    trusted = authority("Root that the station alone knows")
    with secured(tmp_path, root) as central:
        point.central = central
        point.booted(csms=provisioned(tmp_path, root), ocpp={"CpoName": CPO})
        old = central.shown()
        assert install(central, trusted) == ACCEPTED
        assert signed(central, made_of(asked_for(central), trusted)) == ACCEPTED
        central.await_close(1)
        central.await_line(2, within_s=20)
        assert central.shown() == old
        point.end()
