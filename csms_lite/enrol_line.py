"""What a charger needs to come in, as one line and as a QR code for a terminal.

    tapwatt:enrol?id=CP-1&url=wss://host:9000/ocpp&key=HEX&ca=SHA256

`tapwatt edge enrol` takes it. *ca* is the SHA-256 of the local authority's certificate, which the
server sends along: a charger that knows the fingerprint needs no file. Without *ca* the charger
trusts what its computer trusts. The line is a secret, as the key in it is.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from csms_lite.errors import SettingsError
from csms_lite.listening import is_loopback
from csms_lite.settings import Settings
from csms_lite.tls import own_authority

SCHEME: Final = "tapwatt:enrol"
ANYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104  compared with, not listened on
PORTS_SAFE: Final = ":/"  # stand in a query as they are (RFC 3986 3.4)


def enrol_line(identity: str, url: str, key: str, fingerprint: str | None) -> str:
    """Write the line."""
    parts = {"id": identity, "url": url.rstrip("/"), "key": key}
    if fingerprint is not None:
        parts["ca"] = fingerprint
    return f"{SCHEME}?{urlencode(parts, safe=PORTS_SAFE)}"


def address(settings: Settings, url: str | None) -> str:
    """Give where chargers reach us: *url*, or what the settings say; raises `SettingsError`."""
    told = url or settings.ocpp_url
    if told is not None:
        if not told.startswith(("ws://", "wss://")):
            raise SettingsError(f"{told} is no address for chargers: it begins with wss://")
        return told
    scheme = "ws" if settings.tls_certificate is None else "wss"
    host = _own_name(settings)
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.ocpp_port}/ocpp"


def _own_name(settings: Settings) -> str:
    """The first name in our own certificate, else the address that we listen on."""
    if settings.host not in ANYWHERE and not is_loopback(settings.host):
        return settings.host
    if own_authority(settings) is not None and settings.tls_certificate is not None:
        from csms_lite.certificates.local import names_of

        names = names_of(settings.tls_certificate)
        if settings.host in ANYWHERE and names:
            return names[0]
    if settings.host in ANYWHERE:
        raise SettingsError("say where chargers reach this system: --url wss://HOST:PORT/ocpp")
    return settings.host


def fingerprint(settings: Settings) -> str | None:
    """Give the fingerprint of the local authority, if the server's certificate is of it."""
    own = own_authority(settings)
    if own is None:
        return None
    from csms_lite.certificates.local import fingerprint_of

    return fingerprint_of(own)
