"""The table [page]: where the charging point serves its own page, and what it says of itself."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from typing import Annotated, Final

import msgspec

from edge.errors import ConfigError

OFF: Final = "off"
PORT_MAX: Final = 65_535
CODE_LETTERS: Final = 8  # as csms_lite gives them

Code = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,48}$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Url = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s]{1,500}$")]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whom the page is served to; whoever can reach *listen* may read it, and nothing else.

    *listen* is `ADDRESS:PORT`, port 0 any free one, or `off`. *code* is what the public knows the
    station by, which is not its id: where none is given, one that follows from the id. *name* is
    what drivers call the place, and *public_url*, shown as a QR code, where the page is on the
    internet.
    """

    listen: str = "127.0.0.1:8081"
    code: Code | None = None
    name: Name | None = None
    public_url: Url | None = None


def address(listen: str) -> tuple[str, int] | None:
    """Host and port of *listen*, `None` for off; raises `ConfigError`."""
    if listen == OFF:
        return None
    host, colon, port = listen.rpartition(":")
    try:
        named = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
        number = _port(port if colon else "")
    except ValueError:
        raise ConfigError(
            f'[page] listen cannot be "{listen}": write "127.0.0.1:8081", the address of this'
            ' computer in its network instead of 127.0.0.1, or "off"'
        ) from None
    return str(named), number


def _port(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number <= PORT_MAX:
        raise ValueError(text)
    return number


def code_of(settings: Settings, station: str) -> str:
    """What the public calls *station*: the id itself is for the central system alone."""
    if settings.code is not None:
        return settings.code
    digest = hashlib.sha256(f"tapwatt page {station}".encode()).digest()
    return base64.b32encode(digest).decode("ascii")[:CODE_LETTERS]
