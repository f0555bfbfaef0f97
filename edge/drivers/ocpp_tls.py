"""TLS towards the central system: what we accept of it, and what we show it.

TLS 1.2 with the whitepaper's suites, or 1.3; the chain and the name are always checked. Nothing
here can be turned off: whoever wants no TLS writes so, with `insecure`.
Library: ssl of the standard library. Quality: simulated (real handshakes on loopback).
Source: security whitepaper ed. 3, A00.FR.307-322, A00.FR.401-429.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.core.vocabulary import SecurityEvent
from edge.errors import LinkRefused

SUITES: Final = ":".join(  # noqa: FLY002  a list reads better
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
    )
)
"""The four of A00.FR.317, and RSA keys with forward secrecy, which it recommends."""

VERSION_REASONS: Final = frozenset(
    {"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "WRONG_SSL_VERSION"}
)
SUITE_REASONS: Final = frozenset(
    {"SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV1_ALERT_INSUFFICIENT_SECURITY", "NO_SHARED_CIPHER"}
)
"""What OpenSSL calls the two ways in which no common ground was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Files: roots to check the central system by (none: the system's own), and our certificate."""

    roots: tuple[Path, ...] = ()
    certificate: Path | None = None
    certificate_key: Path | None = None


def client_context(trust: Trust, *, with_certificate: bool) -> ssl.SSLContext:
    """A context for one dial; raises `LinkRefused` where a file cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITES)
    path: Path | None = None
    try:
        for path in trust.roots:
            context.load_verify_locations(cafile=path)
        if not trust.roots:
            context.load_default_certs()
        if with_certificate:
            path = trust.certificate
            if path is None:
                raise LinkRefused("security profile 3 needs a certificate: check [csms]")
            context.load_cert_chain(path, trust.certificate_key)
    except OSError as error:
        if isinstance(error, LinkRefused):
            raise
        raise LinkRefused(f"{path} cannot be used ({error}): check [csms]") from error
    return context


def refusal(place: str, error: ssl.SSLError) -> LinkRefused:
    """What went wrong between *place* and us, with the name the whitepaper has for it (8)."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return LinkRefused(
            f"the certificate of {place} does not hold ({error.verify_message}):"
            " check [csms] ca_file, the name in the url and the clock",
            suspicion=SecurityEvent.INVALID_CENTRAL_SYSTEM_CERTIFICATE,
        )
    if error.reason in VERSION_REASONS:
        return LinkRefused(
            f"{place} speaks no TLS 1.2: it must", suspicion=SecurityEvent.INVALID_TLS_VERSION
        )
    if error.reason in SUITE_REASONS:
        return LinkRefused(
            f"{place} and we have no cipher suite in common, or it wants a certificate of ours",
            suspicion=SecurityEvent.INVALID_TLS_CIPHER_SUITE,
        )
    return LinkRefused(f"no TLS with {place} ({error.reason or error}): check its address and port")
