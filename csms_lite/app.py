"""The central system put together, started, and ended in order.

The end: accept no more, OCPP sockets 1012, streams ended, HTTP drained, then the store: what was
asked before is committed and answered or not answered at all.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from csms_lite.access.rules import AccessRules
from csms_lite.chance import Chance
from csms_lite.clock import Clock
from csms_lite.commands import service as commands
from csms_lite.errors import CsmsError, SettingsError
from csms_lite.gate import Gate
from csms_lite.http import HttpServer, http_app
from csms_lite.jsontext import dumps
from csms_lite.live.feed import Feed
from csms_lite.live.service import begin_epoch
from csms_lite.local_list.follower import Follower
from csms_lite.ocpp.endpoint import Endpoint
from csms_lite.ocpp.outgoing import Outgoing
from csms_lite.ocpp.service import forget_answers
from csms_lite.ocpp.session import Desk
from csms_lite.settings import Settings
from csms_lite.stations.presence import Presence
from csms_lite.store.thread import OpenDatabase, open_database
from csms_lite.store.writer import Store, open_store
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
    token = read_token(settings.state_dir, chance)
    with (
        _bound(settings.host, settings.ocpp_port) as ocpp_socket,
        _bound(settings.host, settings.http_port) as http_socket,
    ):
        addresses = Addresses(
            ocpp=f"ws://{_address(ocpp_socket)}/ocpp", http=f"http://{_address(http_socket)}"
        )
        async with open_store(
            settings.state_dir / "csms.db", clock=clock, open_database=open_database
        ) as store:
            house = await furnish(settings, store, clock, chance)
            http = HttpServer(http_app(house.desk, house.feed, Gate([token_check(token)])))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(house.feed.publish_on(), name="feed")
                tasks.create_task(house.tidy_on(stopping), name="tidy")
                tasks.create_task(house.desk.lists.follow_on(), name="local-lists")
                tasks.create_task(http.serve([http_socket]), name="http")
                await house.endpoint.listen(ocpp_socket)
                await http.listening.wait()
                log.info("csms_started", ocpp=addresses.ocpp, http=addresses.http)
                ready(addresses)
                await stopping.wait()
                http.end()
                await house.close()
    log.info("csms_stopped")


def read_token(state_dir: Path, chance: Chance) -> str:
    """Read the bearer token, or make one at the first start; raises `SettingsError`."""
    path = state_dir / "token"
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(made, "w") as file:
                file.write(chance.token() + "\n")
        token = path.read_text().strip()
    except OSError as failure:
        raise SettingsError(f"{path} cannot be used: {failure.strerror}") from failure
    if not token:
        raise SettingsError(f"{path} is empty: remove it, the next start makes a new token")
    return token


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The parts that run, all but HTTP."""

    desk: Desk
    feed: Feed
    endpoint: Endpoint

    async def tidy_on(self, stopping: asyncio.Event, *, every_s: float = TIDY_EVERY_S) -> None:
        """End commands that were not sent in time, and forget very old answers."""
        store, clock = self.desk.store, self.desk.clock
        while not stopping.is_set():
            try:
                now_ms = clock.now_ms()
                ended = await store.do(commands.expire, now_ms)
                ended += await store.do(commands.abandon, now_ms - NO_ANSWER_AFTER_MS)
                for command_id in ended:
                    self.desk.outgoing.settled(command_id)
                while await store.do(forget_answers, now_ms):
                    pass
            except CsmsError as failure:
                log.warning("tidying_failed", error=str(failure))
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await stopping.wait()

    async def close(self) -> None:
        """Close the sockets and the streams, in order."""
        await self.endpoint.close()
        self.feed.close()
        self.desk.lists.close()


async def furnish(settings: Settings, store: Store, clock: Clock, chance: Chance) -> House:
    """Put together on *store* what stations meet; nothing listens yet."""
    epoch = await store.do(begin_epoch, clock.now_ms())
    abandoned = await store.do(commands.abandon, clock.now_ms())
    if abandoned:
        log.warning("commands_without_answer", count=len(abandoned))
    presence = Presence()
    feed = Feed(store, clock, presence, epoch)
    outgoing = Outgoing()
    lists = Follower(store, clock, chance, presence, outgoing.ring, by_setting=settings.local_lists)
    outgoing.listen(lists.command_ended)
    desk = Desk(
        store=store,
        clock=clock,
        chance=chance,
        presence=presence,
        outgoing=outgoing,
        access=AccessRules(
            refuse_concurrent=settings.refuse_concurrent,
            policy=settings.access_policy,
            zone=ZoneInfo(settings.timezone),
        ),
        heartbeat_s=settings.heartbeat_s,
        accept_unknown=settings.accept_unknown,
        touched=feed.touch,
        lists=lists,
    )
    return House(
        desk=desk,
        feed=feed,
        endpoint=Endpoint(desk, strict_subprotocol=settings.strict_subprotocol),
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
        file.write(dumps({"ocpp": addresses.ocpp, "http": addresses.http}) + "\n")
