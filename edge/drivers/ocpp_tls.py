"""TLS towards the central system: what we accept of it, and what we show it.

TLS 1.2 with the whitepaper's suites, or 1.3; the chain and the name are always checked. Nothing
here can be turned off: whoever wants no TLS writes so, with `insecure`.
Library: ssl of the standard library. Quality: simulated (real handshakes on loopback).
Source: security whitepaper ed. 3, A00.FR.307-322, A00.FR.401-429.
"""

from __future__ import annotations

import _ssl
import hashlib
import os
import ssl
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from edge.core.access import WITH_CERTIFICATE, Access
from edge.core.vocabulary import SecurityEvent
from edge.core.x509 import Credential
from edge.errors import LinkRefused, Rung

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
class Files:
    """The installer's: roots to check the central system by (none: the system's own), and ours."""

    roots: tuple[Path, ...] = ()
    certificate: Path | None = None
    certificate_key: Path | None = None


class Trust:
    """What a dial trusts and shows: *files*, and the *roots* that came over OCPP, as PEM."""

    def __init__(self, files: Files, roots: Sequence[str] = ()) -> None:
        self._files = files
        self._installed = tuple(roots)

    def use_roots(self, roots: Sequence[str]) -> None:
        """Trust *roots* from the next dial on, in place of those before."""
        self._installed = tuple(roots)

    def context(self, access: Access) -> ssl.SSLContext:
        """Make a context for one dial; raises `LinkRefused` where something cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(SUITES)
        for path in self._files.roots:
            with _blaming(path):
                context.load_verify_locations(cafile=path)
        if not self._files.roots:
            context.load_default_certs()
        for root in self._installed:
            with suppress(ssl.SSLError):  # one that OpenSSL cannot read must not end all dialling
                context.load_verify_locations(cadata=root)
        if access.profile == WITH_CERTIFICATE:
            self._show(context, access.credential)
        return context

    def _show(self, context: ssl.SSLContext, credential: Credential | None) -> None:
        files = self._files
        if credential is not None:
            with _blaming("the installed certificate"):
                _load(context, credential)
        elif files.certificate is not None:
            with _blaming(files.certificate):
                context.load_cert_chain(files.certificate, files.certificate_key)
        else:
            raise LinkRefused(
                "security profile 3 needs a certificate: check [csms]", rung=Rung.SETTINGS
            )


@contextmanager
def _blaming(what: object) -> Iterator[None]:
    """Say what was at fault."""
    try:
        yield
    except OSError as error:
        message = f"{what} cannot be used ({error}): check [csms]"
        raise LinkRefused(message, rung=Rung.SETTINGS) from error


def _load(context: ssl.SSLContext, credential: Credential) -> None:
    """Hand over the key in memory: `ssl` takes files only, and no file of ours holds it."""
    descriptor = os.memfd_create("credential", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(credential.chain + credential.key)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")


def root_of(line: ssl.SSLObject) -> str:
    """Name the root that the peer's certificate was checked by: the SHA-256 of its DER form."""
    if sys.version_info >= (3, 13):
        root = line.get_verified_chain()[-1]
    else:  # the method is there, the public name is not yet
        verified = line._sslobj.get_verified_chain()  # type: ignore[attr-defined]  # noqa: SLF001  as said
        root = verified[-1].public_bytes(_ssl.ENCODING_DER)
    return hashlib.sha256(root).hexdigest()


def end_of(line: ssl.SSLObject) -> datetime:
    """When the first of the certificates ends that the peer was checked by, its root included."""
    # The public name is of 3.13 and gives DER alone; dates are read here.
    chain = line._sslobj.get_verified_chain()  # type: ignore[attr-defined]  # noqa: SLF001  as said
    ends = (ssl.cert_time_to_seconds(one.get_info()["notAfter"]) for one in chain)
    return datetime.fromtimestamp(min(ends), UTC)


def refusal(place: str, error: ssl.SSLError) -> LinkRefused:
    """What went wrong between *place* and us, with the name the whitepaper has for it (8)."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return LinkRefused(
            f"the certificate of {place} does not hold ({error.verify_message}):"
            " check [csms] ca_file, the name in the url and the clock",
            rung=Rung.CERTIFICATE,
            suspicion=SecurityEvent.INVALID_CENTRAL_SYSTEM_CERTIFICATE,
        )
    if error.reason in VERSION_REASONS:
        return LinkRefused(
            f"{place} speaks no TLS 1.2: it must",
            rung=Rung.TLS,
            suspicion=SecurityEvent.INVALID_TLS_VERSION,
        )
    if error.reason in SUITE_REASONS:
        return LinkRefused(
            f"{place} and we have no cipher suite in common, or it wants a certificate of ours",
            rung=Rung.TLS,
            suspicion=SecurityEvent.INVALID_TLS_CIPHER_SUITE,
        )
    return LinkRefused(
        f"no TLS with {place} ({error.reason or error}): check its address and port", rung=Rung.TLS
    )
