"""The table [csms]: how the station reaches its central system, and what it trusts there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec

from edge.drivers.ocpp_line import Dialling
from edge.drivers.ocpp_tls import Files, Trust
from edge.ocppj.guard import SIZE_MAX

Seconds = Annotated[float, msgspec.Meta(gt=0)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How to reach the central system; the station id is appended to *url* as its last element.

    Without SecurityProfile the profile follows from what is given: `wss` is 2, or 3 with a
    *certificate*, and *password* on `ws` is 1. *secure_url* is for the profiles with TLS, where it
    is not *url* with `wss`. *ca_file* is what the central system's certificate is checked by.
    A *password* is sent as HTTP Basic until an AuthorizationKey is set, which is sent as the bytes
    that its hexadecimal digits stand for, or as `basic_auth = "literal"`.
    Plain `ws` beyond loopback needs *insecure*. Times in seconds; how often to ping is the key
    WebSocketPingInterval, *ping_timeout_s* how long a pong may take.
    """

    url: str
    secure_url: str | None = None
    insecure: bool = False
    password: str | None = None
    basic_auth: Literal["decoded", "literal"] = "decoded"
    ca_file: str | None = None
    certificate: str | None = None
    certificate_key: str | None = None
    open_timeout_s: Seconds = 10.0
    close_timeout_s: Seconds = 1.0
    ping_timeout_s: Seconds = 20.0
    backoff_first_s: Seconds = 5.0
    backoff_max_s: Seconds = 300.0
    reply_within_s: Seconds = 25.0


def profile_of(settings: Settings) -> int:
    """The security profile that *settings* amount to, where none is set."""
    if settings.url.startswith("wss:"):
        return 3 if settings.certificate else 2
    return 0 if settings.password is None else 1


def _files_of(settings: Settings) -> Files:
    """The files that *settings* name."""
    return Files(
        roots=(Path(settings.ca_file),) if settings.ca_file else (),
        certificate=Path(settings.certificate) if settings.certificate else None,
        certificate_key=Path(settings.certificate_key) if settings.certificate_key else None,
    )


def dialling_of(settings: Settings, station: str, roots: Sequence[str]) -> Dialling:
    """How *station* dials by *settings*, trusting the installed *roots* besides."""
    secure = settings.secure_url or re.sub("^ws:", "wss:", settings.url)
    return Dialling(
        url=_own_address(settings.url, station),
        secure_url=_own_address(secure, station),
        station=station,
        trust=Trust(_files_of(settings), roots),
        password=settings.password,
        is_literal=settings.basic_auth == "literal",
        open_timeout_s=settings.open_timeout_s,
        close_timeout_s=settings.close_timeout_s,
        size_max=SIZE_MAX,
    )


def _own_address(url: str, station: str) -> str:
    return f"{url.rstrip('/')}/{quote(station, safe='')}"
