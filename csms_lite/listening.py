"""Where the central system listens: its sockets, their TLS, and what may be reached by whom."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from csms_lite.errors import SettingsError
from csms_lite.jsontext import dumps
from csms_lite.settings import Settings
from csms_lite.tls import server_context

STDERR: Final = 2
BACKLOG: Final = 1024  # a car park that reconnects after a power cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the central system listens."""

    ocpp: str
    http: str
    ocpp_plain: str | None = None
    """The one more port without TLS, where there is one."""
    legacy_json: str | None = None
    """The port for chargers that talk in objects, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The sockets that are bound, and how they are reached."""

    ocpp: socket.socket
    http: socket.socket
    ocpp_plain: socket.socket | None
    legacy_json: socket.socket | None
    addresses: Addresses


def open_ports(settings: Settings, held: ExitStack, *, is_secure: bool) -> Ports:
    """Bind all ports of the settings, to be closed with *held*; raises `SettingsError`."""

    def bound(port: int | None) -> socket.socket | None:
        return None if port is None else held.enter_context(bound_socket(settings.host, port))

    ocpp = held.enter_context(bound_socket(settings.host, settings.ocpp_port))
    http = held.enter_context(bound_socket(settings.host, settings.http_port))
    plain, legacy = bound(settings.ocpp_plain_port), bound(settings.legacy_json_port)
    secure = "s" if is_secure else ""
    addresses = Addresses(
        ocpp=f"ws{secure}://{address_of(ocpp)}/ocpp",
        http=f"http{secure}://{address_of(http)}",
        ocpp_plain=f"ws://{address_of(plain)}/ocpp" if plain else None,
        legacy_json=f"ws://{address_of(legacy)}/ocpp" if legacy else None,
    )
    return Ports(ocpp=ocpp, http=http, ocpp_plain=plain, legacy_json=legacy, addresses=addresses)


def check_exposure(settings: Settings) -> ssl.SSLContext | None:
    """Give the TLS that chargers meet, if any; raises `SettingsError` where it must not be open."""
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise SettingsError("tls_certificate and tls_key go together: set both or neither")
    if settings.client_ca is not None and settings.tls_certificate is None:
        raise SettingsError("client_ca needs tls_certificate and tls_key")
    plain_ports = (settings.ocpp_plain_port, settings.legacy_json_port)
    is_open = settings.tls_certificate is None or plain_ports != (None, None)
    if not is_loopback(settings.host) and not settings.insecure:
        if is_open:
            raise SettingsError(
                f"{settings.host} can be reached by others: set tls_certificate and tls_key, or "
                "have them made by `tapwatt csms tls init`, and set "
                "neither ocpp_plain_port nor legacy_json_port; or set insecure where nobody else "
                "is in the network"
            )
        if settings.accept_unknown:
            raise SettingsError(
                f"accept_unknown lets everybody in who reaches {settings.host}: leave it out and "
                "take chargers in from the inbox, or set insecure"
            )
    if settings.tls_certificate is None:
        return None
    return server_context(settings.tls_certificate, settings.tls_key, settings.client_ca)


def is_loopback(host: str) -> bool:
    """Say whether an address to listen on can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def tls_of_people(settings: Settings, tls: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """Give the TLS that people meet: they show no certificates."""
    if tls is None or settings.tls_certificate is None:
        return None
    return server_context(settings.tls_certificate, settings.tls_key)


def bound_socket(host: str, port: int) -> socket.socket:
    """Bind a socket that is TCP by name: only on such does asyncio switch Nagle's delay off.

    Without it each answer waits up to 40 ms for the acknowledgement of the one before.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )[0]
        with ExitStack() as undo:
            bound = undo.enter_context(socket.socket(family, kind, protocol))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen(BACKLOG)
            undo.pop_all()
            return bound
    except OSError as failure:
        raise SettingsError(
            f"port {port} on {host} cannot be used: {failure.strerror}. "
            "Another program may have it; choose another, or 0 for any free one"
        ) from failure


def address_of(bound: socket.socket) -> str:
    """Give HOST:PORT of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def announce(fd: int, addresses: Addresses) -> None:
    """Write the readiness line to a file descriptor; closed after it, but for a standard one."""
    with os.fdopen(fd, "w", closefd=fd > STDERR) as file:
        told = {"ocpp": addresses.ocpp, "http": addresses.http}
        if addresses.ocpp_plain is not None:
            told["ocpp_plain"] = addresses.ocpp_plain
        if addresses.legacy_json is not None:
            told["legacy_json"] = addresses.legacy_json
        file.write(dumps(told) + "\n")
