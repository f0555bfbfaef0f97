"""A certificate and those above it: whether they lead to a root that is trusted.

The path is built and checked by `cryptography`, after RFC 5280: signatures, times, path lengths,
name constraints, nothing critical left unread. Its own extension policy is that of the web, which
asks for names and identifiers that a charge point operator's hierarchy need not have; ours asks
for what the whitepaper does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from edge.drivers.x509.reading import (
    MOST_CERTIFICATES,
    Unfit,
    check_properties,
    key_id,
    only,
    read_certificates,
    to_pem,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain that leads to a root, from the leaf on without the root, and what the leaf says.

    *key_id* is the SHA-256 of its public key; a name that it has not, or twice, is `None`.
    """

    certificates: tuple[x509.Certificate, ...]
    common_name: str | None
    organisation: str | None
    key_id: str
    not_before: datetime
    not_after: datetime

    @property
    def pem(self) -> str:
        """The chain as a TLS handshake wants it."""
        return to_pem(list(self.certificates))


def check_chain(
    pem: str,
    roots: Sequence[x509.Certificate],
    at: datetime,
    *,
    purpose: ObjectIdentifier,
    ahead_s: float = 0.0,
) -> Chain:
    """Lead the first certificate in *pem*, over the others in any order, to one of *roots*.

    It must be valid at *at*, or begin to be within *ahead_s* of it, and good for *purpose*: a
    maker's root may vouch for stations too, whose keys sign no firmware. Raises `Unfit`.
    """
    leaf, *between = read_certificates(pem)
    check_properties(leaf)
    begins = leaf.not_valid_before_utc
    if at < begins <= at + timedelta(seconds=ahead_s):
        at = begins
    if not roots:
        raise Unfit("there is no root to check it by")
    verifier = (
        PolicyBuilder()
        .store(Store(list(roots)))
        .time(at.astimezone(UTC).replace(tzinfo=None))
        .max_chain_depth(MOST_CERTIFICATES)
        .extension_policies(
            ca_policy=_meant_for(purpose, AUTHORITY), ee_policy=_meant_for(purpose, LEAF)
        )
        .build_client_verifier()
    )
    try:
        chain = verifier.verify(leaf, between).chain
    except (VerificationError, ValueError) as error:
        raise Unfit(f"no path to a root: {error}") from error
    if len(chain) == 1:
        raise Unfit("it is a root itself")
    key = leaf.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)  # its properties are fine
    return Chain(
        certificates=tuple(chain[:-1]),
        common_name=only(leaf.subject, NameOID.COMMON_NAME),
        organisation=only(leaf.subject, NameOID.ORGANIZATION_NAME),
        key_id=key_id(key),
        not_before=begins,
        not_after=leaf.not_valid_after_utc,
    )


def _check_signs(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("keyUsage does not let an authority sign certificates")


def _check_is_authority(
    _: Policy, __: x509.Certificate, constraints: x509.BasicConstraints
) -> None:
    if not constraints.ca:
        raise ValueError("what signed it is no authority")


def _check_is_leaf(
    _: Policy, __: x509.Certificate, constraints: x509.BasicConstraints | None
) -> None:
    if constraints is not None and constraints.ca:
        raise ValueError("an authority cannot stand for a station or a file")


def _check_shows(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.digital_signature:
        raise ValueError("keyUsage does not let it sign")


def _meant_for(purpose: ObjectIdentifier, policy: ExtensionPolicy) -> ExtensionPolicy:
    """Who limits what a certificate is for means it (RFC 5280 4.2.1.12); most limit nothing."""

    def check(_: Policy, __: x509.Certificate, usage: x509.ExtendedKeyUsage | None) -> None:
        anything = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
        if usage is not None and purpose not in usage and anything not in usage:
            raise ValueError("extendedKeyUsage has it for another purpose")

    return policy.may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, check)


AUTHORITY: Final = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _check_is_authority)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _check_signs)
)
LEAF: Final = (
    ExtensionPolicy.permit_all()
    .may_be_present(x509.BasicConstraints, Criticality.AGNOSTIC, _check_is_leaf)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _check_shows)
)
