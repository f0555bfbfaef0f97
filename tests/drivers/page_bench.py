"""A page of the charging point's own, and browsers that the test speaks as."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from edge.drivers.page import Page, open_page
from edge.drivers.page.http import Patience
from edge.drivers.page.settings import Settings
from edge.drivers.system_clock import SystemClock

ANY = Settings(listen="127.0.0.1:0", code="TOWN")
EVENTS = "/api/public/stations/TOWN/events"
QUICK = Patience(ask_s=0.3, take_s=0.3, comment_s=0.1)


@asynccontextmanager
async def served(settings: Settings = ANY, patience: Patience | None = None) -> AsyncIterator[Page]:
    async with (
        open_page(settings, station="CP-1", clock=SystemClock(), patience=patience) as page,
        asyncio.TaskGroup() as tasks,
    ):
        serving = tasks.create_task(page.run())
        yield page
        serving.cancel()


class Browser:
    """One connection, and what came over it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, line: str, headers: str = "") -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer to `GET /path`; bodies have a length."""
        self.writer.write(f"{line} HTTP/1.1\r\nHost: here\r\n{headers}\r\n".encode())
        status, named = await self.head()
        is_bare = line.startswith("HEAD")
        length = 0 if is_bare else int(named.get("content-length", 0))
        return status, named, await self.reader.readexactly(length)

    async def head(self) -> tuple[int, dict[str, str]]:
        async with asyncio.timeout(5):
            raw = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = raw.decode().split("\r\n")[:-2]
        return int(first.split()[1]), dict(line.split(": ", 1) for line in lines)

    async def event(self) -> Any:
        """The next document of a stream, whatever chunks it comes in."""
        async with asyncio.timeout(5):
            while not (line := await self.reader.readline()).startswith(b"data: "):
                assert line, "the stream has ended"
        return json.loads(line.removeprefix(b"data: "))

    async def rest(self) -> bytes:
        """All until the other end hangs up."""
        async with asyncio.timeout(5):
            with suppress(ConnectionError):
                return await self.reader.read()
        return b""


@asynccontextmanager
async def browsing(page: Page) -> AsyncIterator[Browser]:
    host, port = place(page)
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield Browser(reader, writer)
    finally:
        writer.transport.abort()


def place(page: Page) -> tuple[str, int]:
    assert page.url
    host, _, port = page.url.removeprefix("http://").rstrip("/").rpartition(":")
    return host.strip("[]"), int(port)


async def is_well(page: Page) -> bool:
    async with browsing(page) as browser:
        return (await browser.ask("GET /"))[0] == 200


async def until_well(page: Page) -> None:
    """A place that was left becomes free."""
    async with asyncio.timeout(5):
        while True:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                if await is_well(page):
                    return
