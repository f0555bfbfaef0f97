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
MOST_NAME: Final = 64  # characters of an X.520 name (RFC 5280, ub-common-name)
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
class ChainFound:
    """Answer: a chain leads to a root; it says this of its leaf, whose key is *key_id*.

    A name that the leaf has not, or more than once, is `None`.
    """

    chain: str
    common_name: str | None
    organisation: str | None
    key_id: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMade:
    """Answer: a new key pair, and the request to sign its public half, which is *key_id*."""

    key: str = field(repr=False)
    key_id: str
    csr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """Answer: it cannot be trusted, and *why* in one line."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDone:
    """Answer: nobody could find out."""

    why: str


X509Answer = Root | ChainFound | KeyMade | Unfit | NotDone


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """The installed roots, in the order of installation.

    *line_root* is the fingerprint of the root that the line now open was checked by.
    """

    roots: tuple[Root, ...] = ()
    line_root: str | None = None

    def of(self, use: CertificateUse) -> tuple[Root, ...]:
        """The roots for *use*."""
        return tuple(root for root in self.roots if root.use is use)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the station shows of itself, and how it comes by the next.

    *asking*: a key is being made or a request is on the wire; *untold*: the line took it away.
    *rest_until* is when a key may be tried again that could not be made, *switch_at* when *own*
    begins to be valid. *due_at* is the monotonic second of what comes first, 0 for nothing.
    """

    kept: CredentialsKept = field(default_factory=CredentialsKept)
    asking: bool = False
    untold: bool = False
    rest_until: float = 0.0
    switch_at: datetime | None = None
    due_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectRoot:
    """Find out what *pem* would be as a root at *at*; answered by `X509Answered`, like those below.

    The answer is a `Root` or `Unfit`.
    """

    ticket: int
    use: CertificateUse
    pem: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckChain:
    """Lead the first certificate in *chain* to one of *roots*, PEM all of them.

    For the central system's hierarchy the roots in the installer's file count too. It must be
    valid at *at*, or begin to be within *ahead_s*. The answer is `ChainFound` or `Unfit`.
    """

    ticket: int
    use: CertificateUse
    chain: str
    roots: tuple[str, ...]
    at: datetime
    ahead_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeSigningRequest:
    """Make a new key pair and the request for its certificate; the answer is `KeyMade`."""

    ticket: int
    common_name: str
    organisation: str


X509Question = InspectRoot | CheckChain | MakeSigningRequest
