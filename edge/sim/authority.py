"""A made-up certificate authority, and the certificates of servers that it signs."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

A_DAY: Final = dt.timedelta(days=1)
QUARTER: Final = dt.timedelta(days=90)  # nobody is warned of its end yet


@dataclass(frozen=True, slots=True)
class Authority:
    """A root; its certificate is written to *file* for those that trust it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    file: Path

    def server(self, folder: Path, *, host: str, at: dt.datetime) -> ssl.SSLContext:
        """The TLS of a server whose certificate says *host* and begins a day before *at*."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder("central system", self.certificate.subject, key, at)
        name = x509.SubjectAlternativeName([_host(host)])
        made = builder.add_extension(name, critical=False).sign(self.key, hashes.SHA256())
        file = folder / f"server-{made.serial_number:x}.pem"
        file.touch(0o600)
        file.write_bytes(_pem(made) + _key_pem(key))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def make_authority(folder: Path, name: str, at: dt.datetime) -> Authority:
    """A root called *name* that is valid at *at*; its file lies in *folder*."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    builder = _builder(name, subject, key, at).add_extension(constraints, critical=True)
    made = builder.sign(key, hashes.SHA256())
    file = folder / f"{name}.pem"
    file.write_bytes(_pem(made))
    return Authority(made, key, file)


def _builder(
    name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, at: dt.datetime
) -> x509.CertificateBuilder:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - A_DAY)
        .not_valid_after(at + QUARTER)
        .add_extension(identifier, critical=False)
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
