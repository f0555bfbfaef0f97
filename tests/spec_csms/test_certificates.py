"""Certificates of the security whitepaper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.certificates import authority, subject
from tests.spec_csms.bench import Bench, opened
from tests.spec_csms.point import Point

AT = "2026-11-27T10:00:00.000Z"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def request(name: str) -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject(name, "Operator"))
    signed = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


async def test_tc_074_a_certificate_is_renewed(tmp_path: Path) -> None:
    """Triggered, asked for, signed, sent: a chain whose root is the authority's."""
    root = authority()
    certificate, key = root.save(tmp_path, "ca")
    settings = {"station_ca_cert": certificate, "station_ca_key": key}
    trigger = {"requestedMessage": "SignChargePointCertificate"}
    async with opened(tmp_path / "state", **settings) as bench, bench.booted() as point:
        row = await bench.ask("ExtendedTriggerMessage", trigger)
        assert point.asked[0].payload == trigger
        answer = await point.call("SignCertificate", {"csr": request("CP-1")})
        assert answer == {"status": "Accepted"}
        assert (await bench.command(row))["state"] == "observed"
        sent = await point.until_asked("CertificateSigned")
    [made] = x509.load_pem_x509_certificates(sent.payload["certificateChain"].encode())
    made.verify_directly_issued_by(root.certificate)
    assert made.subject == subject("CP-1", "Operator")


async def installed(bench: Bench, kind: str) -> None:
    held = {
        "status": "Accepted",
        "certificateHashData": [
            {
                "hashAlgorithm": "SHA256",
                "issuerNameHash": "aa" * 32,
                "issuerKeyHash": "bb" * 32,
                "serialNumber": "1f",
            }
        ],
    }
    async with bench.booted() as point:
        asked = {"certificateType": kind, "certificate": PEM}
        assert await bench.told(point, "InstallCertificate", asked) == {"status": "Accepted"}
        point.script["GetInstalledCertificateIds"] = held
        kinds = {"certificateType": kind}
        assert await bench.told(point, "GetInstalledCertificateIds", kinds) == held


async def test_tc_075_1_a_manufacturer_root_is_installed(bench: Bench) -> None:
    """And listed, with the hashes as the point tells them."""
    await installed(bench, "ManufacturerRootCertificate")


async def test_tc_075_2_a_central_system_root_is_installed(bench: Bench) -> None:
    """And listed, with the hashes as the point tells them."""
    await installed(bench, "CentralSystemRootCertificate")


async def test_tc_076_a_certificate_is_deleted(bench: Bench) -> None:
    """Named by the algorithm and hashes that the point reported, whichever they are."""
    async with bench.booted() as point:
        for algorithm, length in (("SHA256", 32), ("SHA384", 48), ("SHA512", 64)):
            named = {
                "hashAlgorithm": algorithm,
                "issuerNameHash": "ab" * length,
                "issuerKeyHash": "cd" * length,
                "serialNumber": "0a",
            }
            asked = {"certificateHashData": named}
            answer = await bench.told(point, "DeleteCertificate", asked)
            assert answer == {"status": "Accepted"}
        point.script["DeleteCertificate"] = {"status": "NotFound"}
        assert await bench.told(point, "DeleteCertificate", asked) == {"status": "NotFound"}


async def warned(bench: Bench, point: Point, action: str, asked: Any, event: str) -> None:
    """A rejected command, and the security event about it."""
    point.script[action] = {"status": "Rejected"}
    assert await bench.told(point, action, asked) == {"status": "Rejected"}
    told = {"type": event, "timestamp": AT, "techInfo": "x" * 255}
    assert await point.call("SecurityEventNotification", told) == {}
    [kept] = await bench.events()
    assert (kept["kind"], kept["details"]) == ("security_event", told)


async def test_tc_077_a_bad_chain_is_rejected(bench: Bench) -> None:
    """InvalidChargePointCertificate is answered and kept."""
    async with bench.booted() as point:
        await warned(
            bench,
            point,
            "CertificateSigned",
            {"certificateChain": PEM},
            "InvalidChargePointCertificate",
        )


async def test_tc_078_a_bad_root_is_rejected(bench: Bench) -> None:
    """InvalidCentralSystemCertificate is answered and kept."""
    async with bench.booted() as point:
        await warned(
            bench,
            point,
            "InstallCertificate",
            {"certificateType": "CentralSystemRootCertificate", "certificate": PEM},
            "InvalidCentralSystemCertificate",
        )


async def test_r_9_1_a_point_gets_no_certificate_of_another(tmp_path: Path) -> None:
    """The common name must be its own id."""
    certificate, key = authority().save(tmp_path, "ca")
    settings = {"station_ca_cert": certificate, "station_ca_key": key}
    async with opened(tmp_path / "state", **settings) as bench, bench.booted() as point:
        answer = await point.call("SignCertificate", {"csr": request("CP-2")})
        assert answer == {"status": "Rejected"}
        [kept] = await bench.get("/api/signing-requests")
        assert "CP-1" in kept["problem"]


async def test_r_9_2_without_an_authority_a_request_is_kept(bench: Bench) -> None:
    """Rejected; an operator may have it signed elsewhere."""
    csr = request("CP-1")
    async with bench.booted() as point:
        assert await point.call("SignCertificate", {"csr": csr}) == {"status": "Rejected"}
    [kept] = await bench.get("/api/signing-requests?charger=CP-1")
    assert (kept["state"], kept["csr"]) == ("waiting", csr)
