"""Certificates and keys as values: what is installed, what a record says of it.

PEM is text here and nothing more; who reads what strangers wrote is `drivers.x509`.
Source: security whitepaper ed. 3, 2.6, 6.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from edge.core.vocabulary import CertificateUse, HashAlgorithm

MOST_ROOTS: Final = 32  # both uses together; at 5,500 characters each 0.2 MB
MOST_CHAIN: Final = 10_000  # characters, the schema's own bound (whitepaper 7.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateHashData:
    """The name of a certificate (whitepaper 6.1), all in lower-case hexadecimal digits."""

    hash_algorithm: HashAlgorithm
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """An installed root. *fingerprint* is the SHA-256 of its DER form, *hashes* names it for OCPP.

    *hashes* has one entry for each `HashAlgorithm`, in that order.
    """

    use: CertificateUse
    pem: str
    fingerprint: str
    hashes: tuple[CertificateHashData, ...]
    not_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A certificate of the station's own: *chain* from the leaf on, and the *key* it belongs to."""

    chain: str
    key: str = field(repr=False)
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRequest:
    """A key pair whose certificate the central system was asked for.

    *key_id* is the SHA-256 of its public half (SubjectPublicKeyInfo), *asked* how many requests
    in a row were made for want of an answer.
    """

    key: str = field(repr=False)
    key_id: str
    csr: str
    common_name: str
    organisation: str
    asked_at: datetime
    asked: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RootInstalled:
    """Record: this root is trusted from now on."""

    root: Root


@dataclass(frozen=True, slots=True, kw_only=True)
class RootDeleted:
    """Record: and no longer."""

    use: CertificateUse
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsKept:
    """Record: the station's own certificate, the one before it until it has worked, and the next.

    One record for the three, because a step from one to the other is one commit.
    """

    own: Credential | None = None
    old: Credential | None = None
    request: KeyRequest | None = None


CertificateRecord = RootInstalled | RootDeleted | CredentialsKept


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """What is installed, in the order of installation, and what the station shows of itself."""

    roots: tuple[Root, ...] = ()
    kept: CredentialsKept = field(default_factory=CredentialsKept)

    def of(self, use: CertificateUse) -> tuple[Root, ...]:
        """The roots for *use*."""
        return tuple(root for root in self.roots if root.use is use)
