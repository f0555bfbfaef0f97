"""Where a file may go to or come from: schemes, hosts, and the addresses behind their names.

The central system names the place, so the place may be a trap: a name is looked up once, every
address it has must be allowed, and the connection is made to the address, not to the name
(security 3.3). Link-local addresses, where clouds keep their metadata, are never allowed.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

PORTS: Final = {"http": 80, "https": 443, "ftp": 21, "ftps": 21}
LOCATION_MAX: Final = 2048
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")

Look = Callable[..., list[Any]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotCarried(Exception):
    """The file was not moved; *kind* is `malformed`, `denied`, `unsupported` or `other`."""

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(why)
        self.kind = kind


class Unreachable(NotCarried):
    """Nobody listens at this address; another one of the same name may."""

    def __init__(self, why: str) -> None:
        super().__init__("other", why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the installer allows: schemes in lower case, and whether private networks are."""

    protocols: frozenset[str]
    private_addresses: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A location whose every address has been checked."""

    scheme: str
    host: str
    port: int
    path: str
    query: str
    user: str | None
    password: str | None
    addresses: tuple[str, ...]

    @property
    def netloc(self) -> str:
        """Host and port as an HTTP Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def find_place(location: str, rules: Rules, look: Look = socket.getaddrinfo) -> Place:
    """Check *location* and look its name up, once; raises `NotCarried`."""
    parts, port = _split(location)
    if parts.scheme not in rules.protocols:
        allowed = ", ".join(sorted(rules.protocols))
        raise NotCarried("unsupported", f"{parts.scheme} is not allowed, only {allowed}")
    host = parts.hostname or ""
    return Place(
        scheme=parts.scheme,
        host=host,
        port=port,
        path=parts.path or "/",
        query=parts.query,
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        addresses=_addresses(host, port, rules, look),
    )


def _split(location: str) -> tuple[SplitResult, int]:
    if len(location) > LOCATION_MAX or not location.isprintable() or " " in location:
        raise NotCarried("malformed", "the location is no URL")
    try:
        parts = urlsplit(location)
        port = parts.port
    except ValueError:
        raise NotCarried("malformed", "the location is no URL") from None
    if parts.scheme not in PORTS:
        raise NotCarried("unsupported", f'"{parts.scheme[:20]}" is none of {", ".join(PORTS)}')
    if not parts.hostname:
        raise NotCarried("malformed", "the location names no host")
    return parts, port or PORTS[parts.scheme]


def _addresses(host: str, port: int, rules: Rules, look: Look) -> tuple[str, ...]:
    try:
        found = look(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotCarried("other", f"{host} has no address: {error}") from None
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise NotCarried("other", f"{host} has no address")
    for address in addresses:
        if not is_allowed(address, private=rules.private_addresses):
            raise NotCarried("denied", f"{host} is at {address}, where no file may go or come from")
    return addresses


def is_allowed(address: str, *, private: bool) -> bool:
    """Whether a file may go to *address*; *private*: also within our own networks."""
    try:
        known = _inner(ipaddress.ip_address(address))
    except ValueError:
        return False  # a scoped address, thus link-local
    if known.is_link_local or known.is_multicast or known.is_unspecified:
        return False
    if known.is_loopback or (known.is_private and not known.is_reserved):
        return private
    return known.is_global and not known.is_reserved


def _inner(address: Address) -> Address:
    """Unwrap the IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address
