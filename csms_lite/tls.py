"""TLS of both ports: 1.2 or newer, the suites of the security whitepaper, client certificates.

Source: security whitepaper ed. 3, A00.FR.312-320, A00.FR.401-429 (TC_086, TC_087). Keys shorter
than RSA 2048 or EC 224 are refused by OpenSSL's security level 2, which Python sets.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from csms_lite.errors import SettingsError
from csms_lite.settings import Settings

OWN: Final = "tls"  # in the state directory
OWN_CERTIFICATE, OWN_AUTHORITY = "server.pem", "ca.pem"

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
"""The four that a central system must offer, and RSA keys with forward secrecy."""


def server_context(
    certificate: Path, key: Path | None, client_ca: Path | None = None
) -> ssl.SSLContext:
    """Make a context to listen with; with *client_ca* a client may show a certificate.

    One that was not signed there ends the handshake. Raises `SettingsError`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITES)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as failure:
        raise SettingsError(
            f"tls_certificate {certificate} with tls_key {key} cannot be used: {failure}"
        ) from failure
    if client_ca is not None:
        try:
            context.load_verify_locations(cafile=client_ca)
        except OSError as failure:
            raise SettingsError(f"client_ca {client_ca} cannot be used: {failure}") from failure
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def with_own(settings: Settings) -> Settings:
    """Give the settings with what `tapwatt csms tls init` made, where they name no certificate."""
    made = settings.state_dir / OWN / OWN_CERTIFICATE
    if settings.tls_certificate is not None or settings.tls_key is not None or not made.is_file():
        return settings
    return settings.model_copy(update={"tls_certificate": made, "tls_key": made})


def own_authority(settings: Settings) -> Path | None:
    """Give the local authority's certificate, if the server's is of it."""
    made = settings.state_dir / OWN
    is_own = settings.tls_certificate == made / OWN_CERTIFICATE
    return made / OWN_AUTHORITY if is_own and (made / OWN_AUTHORITY).is_file() else None


def named(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Give the files of certificates that this system shows, trusts or signs with, by name."""
    for name in ("tls_certificate", "client_ca", "station_ca_cert"):
        path = getattr(settings, name)
        if path is not None:
            yield name, path
    own = own_authority(settings)
    if own is not None:
        yield "tls_authority", own


def ends_at_ms(line: ssl.SSLObject | None) -> int | None:
    """Give the moment at which the client certificate that was shown ends, if one was."""
    shown: dict[str, Any] | None = line.getpeercert() if line is not None else None
    return int(ssl.cert_time_to_seconds(shown["notAfter"]) * 1000) if shown else None


def client_name(line: ssl.SSLObject | None) -> str | None:
    """Give the common name of the client certificate that was verified, if one was shown.

    A certificate with several names or none is nobody's: the empty name.
    """
    shown: dict[str, Any] | None = line.getpeercert() if line is not None else None
    if not shown:
        return None
    names = [value for part in shown["subject"] for kind, value in part if kind == "commonName"]
    return names[0] if len(names) == 1 else ""
