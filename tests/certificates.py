"""Certificates made for one test: an authority, and whatever it signs."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Signed:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> str:
        """The certificate as text."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        """The private key as text."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    def save(self, directory: Path, name: str) -> tuple[Path, Path]:
        """Write both beside each other; the paths of certificate and key."""
        paths = directory / f"{name}.pem", directory / f"{name}.key"
        paths[0].write_text(self.pem)
        paths[1].write_text(self.key_pem)
        return paths


def subject(name: str, organisation: str | None = None) -> x509.Name:
    """A distinguished name."""
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organisation is not None:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(parts)


def sign(
    name: x509.Name,
    public: Any,
    authority: Signed | None,
    key: Key,
    *,
    is_ca: bool = False,
    hosts: tuple[str, ...] = (),
    days: tuple[float, float] = (-1, 30),
    purposes: tuple[x509.ObjectIdentifier, ...] = (),
) -> x509.Certificate:
    """A certificate of *public*, signed with *key*, valid for *days* from now."""
    now = dt.datetime.now(dt.UTC)
    issuer = authority.certificate.subject if authority else name
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=days[0]))
        .not_valid_after(now + dt.timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if is_ca:
        usage = {name: name == "key_cert_sign" for name in USAGES}
        builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    builder = builder.add_extension(identifier, critical=False)
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    builder = builder.add_extension(above, critical=False)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    if hosts:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False
        )
    return builder.sign(key, hashes.SHA256())


USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def authority(name: str = "Test root", above: Signed | None = None, **options: Any) -> Signed:
    """A root, or an authority under *above*."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = above.key if above else key
    made = sign(subject(name), key.public_key(), above, signer, is_ca=True, **options)
    return Signed(made, key)


def signed_by(
    root: Signed,
    name: str,
    *,
    organisation: str | None = None,
    key: Key | None = None,
    **options: Any,
) -> Signed:
    """A certificate for an end of a line."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    made = sign(subject(name, organisation), key.public_key(), root, root.key, **options)
    return Signed(made, key)


def answer_to(csr: str, root: Signed, **options: Any) -> x509.Certificate:
    """What *root* makes of a signing request."""
    request = x509.load_pem_x509_csr(csr.encode())
    return sign(request.subject, request.public_key(), root, root.key, **options)


def pem_of(certificate: x509.Certificate) -> str:
    """*certificate* as text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
