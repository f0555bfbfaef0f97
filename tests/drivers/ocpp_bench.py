"""A central system over a real WebSocket, written by hand, and a link that runs against it."""

from __future__ import annotations

import asyncio
import http
import json
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import pytest
import structlog
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response

from edge.core import messages
from edge.core.access import Access
from edge.core.events import DialPostponed, Event
from edge.core.instant import Instant
from edge.drivers import ocpp_link, ocpp_orders
from edge.drivers.ocpp_link import OcppLink, Settings, open_link

NOW: Final = "2026-03-01T10:00:00Z"
HEARTBEAT: Final = messages.Heartbeat()
QUICK: Final[dict[str, Any]] = {
    "backoff_first_s": 0.01,
    "backoff_max_s": 0.05,
    "close_timeout_s": 0.2,
    "open_timeout_s": 2.0,
}


class LoopClock:
    """The event loop's time, at a fixed date."""

    def now(self) -> Instant:
        return Instant(
            wall=datetime(2026, 3, 1, 10, tzinfo=UTC),
            monotonic=asyncio.get_running_loop().time(),
        )

    def learn(self, wall_at: Instant) -> None:
        raise NotImplementedError


@dataclass
class Server:
    """A central system that does what the test tells it, frame by frame."""

    url: str = ""
    status: http.HTTPStatus | None = None
    headers: dict[str, str] = field(default_factory=dict)
    lines: asyncio.Queue[ServerConnection] = field(default_factory=asyncio.Queue)
    heard: asyncio.Queue[list[Any]] = field(default_factory=asyncio.Queue)
    paths: list[str] = field(default_factory=list)

    async def admit(self, line: ServerConnection, request: HttpRequest) -> Response | None:
        self.paths.append(request.path)
        self.headers = dict(request.headers.raw_items())
        return line.respond(self.status, "no\n") if self.status else None

    async def work(self, line: ServerConnection) -> None:
        await self.lines.put(line)
        async for message in line:
            await self.heard.put(json.loads(message))

    async def line(self) -> ServerConnection:
        async with asyncio.timeout(3):
            return await self.lines.get()

    async def hear(self) -> list[Any]:
        async with asyncio.timeout(3):
            return await self.heard.get()


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[Server]:
    server = Server()
    options = {"subprotocols": ["ocpp1.6"], "compression": None, "close_timeout": 0.2} | options
    async with serve(
        server.work, "127.0.0.1", 0, process_request=server.admit, **options
    ) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        server.url = f"ws://127.0.0.1:{port}/ocpp/"
        yield server


@dataclass
class Bench:
    """A running link, what it posted and what it logged."""

    link: OcppLink
    posted: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)
    seen: list[Event] = field(default_factory=list)
    logged: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)

    def log(self, _logger: object, _method: str, entry: MutableMapping[str, Any]) -> dict[str, Any]:
        """Take a log entry, as the last of structlog's processors."""
        self.logged.put_nowait(dict(entry))
        return dict(entry)

    async def entry(self, event: str) -> dict[str, Any]:
        """The next log entry of this name."""
        async with asyncio.timeout(3):
            while (entry := await self.logged.get())["event"] != event:
                pass
            return entry

    async def refusal(self) -> str:
        """Why the next dial failed, as the installer reads it."""
        return str((await self.entry("central_system_unreachable"))["why"])

    def rest(self) -> list[Event]:
        """All that was posted and not taken yet."""
        return [self.posted.get_nowait() for _ in range(self.posted.qsize())]

    async def next(self, kind: type | None = None) -> Any:
        """The next event but `DialPostponed`, or the next of *kind*."""
        async with asyncio.timeout(3):
            while True:
                event = await self.posted.get()
                self.seen.append(event)
                if isinstance(event, kind) if kind else not isinstance(event, DialPostponed):
                    return event


@asynccontextmanager
async def running(
    server: Server,
    attempts: tuple[Access, ...] = (),
    roots: tuple[str, ...] = (),
    *,
    failures: int = 0,
    ping_interval_s: float = 0.0,
    **settings: Any,
) -> AsyncIterator[Bench]:
    link = open_link(
        Settings(**{"url": server.url, **QUICK, **settings}),
        station="TAPWATT 1",
        clock=LoopClock(),
        random=Random(1),
        attempts=attempts,
        roots=roots,
        failures=failures,
        ping_interval_s=ping_interval_s,
    )
    bench = Bench(link)
    with pytest.MonkeyPatch.context() as patch:
        logger = structlog.wrap_logger(structlog.ReturnLogger(), processors=[bench.log])
        patch.setattr(ocpp_link, "log", logger)
        patch.setattr(ocpp_orders, "log", logger)
        task = asyncio.create_task(link.run(bench.posted.put_nowait))
        try:
            yield bench
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled(), task.exception()
