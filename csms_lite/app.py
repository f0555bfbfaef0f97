"""The central system put together, started, and ended in order.

The end: accept no more, OCPP sockets 1012, streams ended, HTTP drained, then the store: what was
asked before is committed and answered or not answered at all.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Final

import structlog

from csms_lite.access.rules import AccessRules
from csms_lite.accounts.office import open_office
from csms_lite.accounts.passwords import password_thread
from csms_lite.alerts.watch import Watch
from csms_lite.chance import Chance
from csms_lite.charging import service as charging
from csms_lite.clock import Clock
from csms_lite.commands import service as commands
from csms_lite.errors import CsmsError, SettingsError
from csms_lite.gate import Gate
from csms_lite.http import HttpServer, http_app
from csms_lite.jsontext import dumps
from csms_lite.live.feed import Feed
from csms_lite.live.service import begin_epoch
from csms_lite.ocpp.endpoint import Endpoint
from csms_lite.ocpp.object_endpoint import ObjectEndpoint
from csms_lite.ocpp.outgoing import Outgoing
from csms_lite.ocpp.service import forget_answers
from csms_lite.ocpp.session import Desk
from csms_lite.secretfile import read_secret
from csms_lite.sessions.freshness import Freshness
from csms_lite.sessions.warnings import Limits
from csms_lite.settings import Settings
from csms_lite.stations.door import HouseRules
from csms_lite.stations.liveness import Patience
from csms_lite.stations.presence import Presence
from csms_lite.stations.sheet import Sheet
from csms_lite.store.thread import OpenDatabase, open_database
from csms_lite.store.writer import Store, open_store
from csms_lite.tls import server_context
from csms_lite.web import token_check

TIDY_EVERY_S: Final = 5.0  # how late an expired command may be told
STDERR: Final = 2
BACKLOG: Final = 1024  # a car park that reconnects after a power cut
NO_ANSWER_AFTER_MS: Final = 120_000  # well beyond the time a sender waits for one
HTTP_ENDS_WITHIN_S: Final = 1  # an open stream would otherwise hold uvicorn for ever

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the central system listens."""

    ocpp: str
    http: str
    ocpp_plain: str | None = None
    """The one more port without TLS, where there is one."""
    legacy_json: str | None = None
    """The port for chargers that talk in objects, where there is one."""


async def serve(
    settings: Settings,
    *,
    clock: Clock,
    chance: Chance,
    stopping: asyncio.Event,
    ready: Callable[[Addresses], None],
    open_database: OpenDatabase = open_database,
) -> None:
    """Run the central system until *stopping* is set; *ready* is called when both ports listen.

    Raises `SettingsError` when a port is taken or the state directory cannot be used, and
    `StoreFailed` when the database cannot be opened.
    """
    tls = check_exposure(settings)
    token = read_secret(settings.state_dir / "token", chance)
    with ExitStack() as sockets:
        passwords = sockets.enter_context(password_thread())
        ocpp_socket = sockets.enter_context(_bound(settings.host, settings.ocpp_port))
        http_socket = sockets.enter_context(_bound(settings.host, settings.http_port))
        plain_socket = None
        if settings.ocpp_plain_port is not None:
            plain_socket = sockets.enter_context(_bound(settings.host, settings.ocpp_plain_port))
        legacy_socket = None
        if settings.legacy_json_port is not None:
            legacy_socket = sockets.enter_context(_bound(settings.host, settings.legacy_json_port))
        secure = "s" if tls else ""
        addresses = Addresses(
            ocpp=f"ws{secure}://{_address(ocpp_socket)}/ocpp",
            http=f"http{secure}://{_address(http_socket)}",
            ocpp_plain=f"ws://{_address(plain_socket)}/ocpp" if plain_socket else None,
            legacy_json=f"ws://{_address(legacy_socket)}/ocpp" if legacy_socket else None,
        )
        async with open_store(
            settings.state_dir / "csms.db", clock=clock, open_database=open_database
        ) as store:
            house = await furnish(settings, store, clock, chance)
            office = await open_office(settings, store, clock, chance, passwords)
            gate = Gate([token_check(token), *office.authenticators()])
            sheet = Sheet(url=settings.ocpp_url or addresses.ocpp, heartbeat_s=settings.heartbeat_s)
            look = house.freshness.look
            app = http_app(house.desk, house.feed, gate, office, look=look, sheet=sheet)
            http = HttpServer(app, _of_people(settings, tls))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(house.feed.publish_on(), name="feed")
                tasks.create_task(house.tidy_on(stopping), name="tidy")
                if settings.trigger_when_watched:
                    tasks.create_task(house.freshness.refresh_on(stopping), name="freshness")
                tasks.create_task(office.tidy_on(stopping), name="tidy-people")
                posting = tasks.create_task(office.postman.deliver_on(), name="mail")
                tasks.create_task(http.serve([http_socket]), name="http")
                await house.endpoint.listen(ocpp_socket, tls)
                if plain_socket is not None:
                    await house.endpoint.listen(plain_socket)
                if legacy_socket is not None:
                    await house.objects.listen(legacy_socket)
                await http.listening.wait()
                log.info("csms_started", ocpp=addresses.ocpp, http=addresses.http)
                ready(addresses)
                await stopping.wait()
                http.end()
                posting.cancel()
                await house.close()
    log.info("csms_stopped")


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
                f"{settings.host} can be reached by others: set tls_certificate and tls_key, and "
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


def _of_people(settings: Settings, tls: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """Give the TLS that people meet: they show no certificates."""
    if tls is None or settings.tls_certificate is None:
        return None
    return server_context(settings.tls_certificate, settings.tls_key)


def patience_of(settings: Settings) -> Patience:
    """Gather how long a silence means what."""
    return Patience(
        beat_s=settings.heartbeat_s,
        ping_every_s=settings.ping_every_s,
        late_s=settings.stale_late_s,
        offline_after_s=settings.offline_after_s,
        broken_after_beats=settings.broken_after_beats,
        alert_after_s=settings.alert_offline_after_s,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The parts that run, all but HTTP."""

    desk: Desk
    feed: Feed
    endpoint: Endpoint
    objects: ObjectEndpoint
    freshness: Freshness
    watch: Watch

    async def tidy_on(self, stopping: asyncio.Event, *, every_s: float = TIDY_EVERY_S) -> None:
        """End commands that were not sent in time, and forget very old answers."""
        store, clock = self.desk.store, self.desk.clock
        while not stopping.is_set():
            try:
                now_ms = clock.now_ms()
                ended = await store.do(commands.expire, now_ms)
                ended += await store.do(commands.abandon, now_ms - NO_ANSWER_AFTER_MS)
                await store.do(charging.settle, now_ms, self.desk.start_within_s * 1000)
                for command_id in ended:
                    self.desk.outgoing.settled(command_id)
                while await store.do(forget_answers, now_ms):
                    pass
                await self.watch.look()
            except CsmsError as failure:
                log.warning("tidying_failed", error=str(failure))
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await stopping.wait()

    async def close(self) -> None:
        """Close the sockets and the streams, in order."""
        await self.objects.close()
        await self.endpoint.close()
        self.feed.close()


async def furnish(settings: Settings, store: Store, clock: Clock, chance: Chance) -> House:
    """Put together on *store* what stations meet; nothing listens yet."""
    epoch = await store.do(begin_epoch, clock.now_ms())
    abandoned = await store.do(commands.abandon, clock.now_ms())
    if abandoned:
        log.warning("commands_without_answer", count=len(abandoned))
    await store.do(charging.settle, clock.now_ms(), settings.start_within_s * 1000)
    presence = Presence(clock.now_ms())
    feed = Feed(store, clock, presence, epoch)
    desk = Desk(
        store=store,
        clock=clock,
        chance=chance,
        presence=presence,
        outgoing=Outgoing(),
        access=AccessRules(refuse_concurrent=settings.refuse_concurrent),
        heartbeat_s=settings.heartbeat_s,
        patience=patience_of(settings),
        touched=feed.touch,
        limits=Limits(nominal_v=settings.nominal_v, temperature_c=settings.temperature_limit_c),
        start_within_s=settings.start_within_s,
        expiry_ms=settings.session_expiry_h * 3_600_000,
    )
    rules = HouseRules(
        is_loopback=is_loopback(settings.host), accept_unknown=settings.accept_unknown
    )
    endpoint = Endpoint(
        desk,
        house=rules,
        patience=desk.patience,
        strict_subprotocol=settings.strict_subprotocol,
    )
    return House(
        desk=desk,
        feed=feed,
        endpoint=endpoint,
        objects=ObjectEndpoint(desk, endpoint, rules),
        watch=Watch(store, clock, presence, desk.patience, feed.touch),
        freshness=Freshness(
            store, clock, chance, presence, ring=desk.outgoing.ring, streamed=feed.watched
        ),
    )


def _bound(host: str, port: int) -> socket.socket:
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


def _address(bound: socket.socket) -> str:
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
