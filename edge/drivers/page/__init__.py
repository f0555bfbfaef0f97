"""The page and its feed, served by the charging point itself: for its own screen, and its network.

Works without any network. All of it happens on a thread with an event loop of its own: a browser
that is slow, stuck or hostile takes no time from the loop that controls, which only leaves the
newest document here. Visitors from the network never take the places of this computer's screen.

    async with open_page(settings, station="TAPWATT-1", clock=clock) as page:
        tasks.create_task(page.run())
        page.show(document)

Quality: real sockets, hostile clients and a real Chromium on Linux x86-64; not yet a Pi's screen.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import PurePosixPath
from typing import Any, Final

import msgspec
import structlog

from edge.drivers.page.bills import Bills
from edge.drivers.page.feed import Feed
from edge.drivers.page.http import Answer, Conversation, Patience, Site, file_answer
from edge.drivers.page.settings import Settings, address, code_of
from edge.drivers.registry import decode
from edge.errors import ConfigError, DriverError
from edge.hmi.files import CONFIG, INDEX, QR, TYPES, find_pages, read_pages
from edge.ports import Clock

VISITORS_MAX: Final = 48  # connections from the network, all together
EACH_MAX: Final = 12  # of one address: a browser opens six, and may be opened again
OWN_MAX: Final = 16  # from this computer: the screen, the bridge, who looks
BACKLOG: Final = 16  # the kernel's; asyncio accepts as many at a time
RETRY_S: Final = 10.0  # a port that another program has may become free
PREFIX: Final = "/hmi/"

log = structlog.get_logger()


def read_settings(table: Mapping[str, object] | None) -> Settings | None:
    """The table [page], checked; `None` where no page is wanted. Raises `ConfigError`."""
    if table is None:
        return None
    settings = decode(Settings, table, "page")
    return None if address(settings.listen) is None else settings


@asynccontextmanager
async def open_page(
    settings: Settings, *, station: str, clock: Clock, patience: Patience | None = None
) -> AsyncIterator[Page]:
    """Take the address, to serve from `run` on; raises `ConfigError`.

    An address that cannot be had now is told and tried again: a charging point works without.
    """
    code = code_of(settings, station)
    feed = Feed()
    site = Site(
        files=_files(settings, code),
        station=code,
        feed=feed,
        bill=Bills(feed).find,
        now=lambda: clock.now().wall,
        patience=patience or Patience(),
    )
    page = Page(settings, site)
    page.bind()
    try:
        yield page
    finally:
        page.close()


class Page:
    """The page while it is served; implements `edge.ports.Board`."""

    def __init__(self, settings: Settings, site: Site) -> None:
        self.name = settings.name
        self.code = site.station
        self._address = address(settings.listen)
        self._site = site
        self._socket: socket.socket | None = None
        self._host: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None
        self._is_at_work = self._is_closing = False
        self._why = ""

    @property
    def url(self) -> str | None:
        """Where it is; `None` while it is nowhere."""
        if self._socket is None:
            return None
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    @property
    def is_watched(self) -> bool:
        """Whether anybody wants documents."""
        return self._site.feed.is_watched

    @property
    def is_awaited(self) -> bool:
        """Whether somebody has come and was shown nothing yet."""
        return self._site.feed.is_awaited

    def show(self, document: Mapping[str, Any]) -> None:
        """Leave *document* for those who watch, and return at once."""
        if self._host is not None:
            encoded = msgspec.json.encode(document)
            with suppress(RuntimeError):  # it has just ended
                self._host.call_soon_threadsafe(self._site.feed.offer, encoded)

    def bind(self) -> None:
        """Take the address if it can be had."""
        if self._address is None or self._socket is not None:
            return
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family, backlog=BACKLOG)
        except OSError as problem:
            why = problem.strerror or str(problem)
            if why != self._why:
                log.warning("page_not_served", listen=f"{host}:{port}", why=why)
            self._why = why
        else:
            self._why = ""
            log.info("page_served", url=self.url)

    async def run(self) -> None:
        """Serve until cancelled; raises `DriverError` if the thread ends by itself."""
        while self._socket is None:
            await asyncio.sleep(RETRY_S)
            self.bind()
        self._is_at_work, self._is_closing = True, False
        ended = asyncio.Event()
        words = (self._socket, asyncio.get_running_loop(), ended)
        threading.Thread(target=self._work, args=words, name="page", daemon=True).start()
        try:
            await ended.wait()
        finally:
            self.close()
        raise DriverError("the page's thread has ended: what it said is above")

    def close(self) -> None:
        """Let go of the address and of everybody; the thread ends soon after."""
        self._is_closing = True
        if self._host is not None and self._ending is not None:
            with suppress(RuntimeError):
                self._host.call_soon_threadsafe(self._ending.set)
        elif self._socket is not None and not self._is_at_work:
            self._socket.close()
        self._host = self._ending = self._socket = None
        self._is_at_work = False

    def _work(
        self, sock: socket.socket, owner: asyncio.AbstractEventLoop, ended: asyncio.Event
    ) -> None:
        """What the thread does."""
        try:
            asyncio.run(self._serve(sock))
        finally:
            sock.close()
            with suppress(RuntimeError):
                owner.call_soon_threadsafe(ended.set)

    async def _serve(self, sock: socket.socket) -> None:
        guests = _Guests()
        ending = asyncio.Event()

        async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer = writer.get_extra_info("peername")
            if peer is None:  # gone before it was welcomed
                writer.transport.abort()
                return
            with guests.place(peer[0]) as has_place:
                if not has_place:
                    writer.transport.abort()
                    return
                await Conversation(reader, writer, self._site).hold()

        server = await asyncio.start_server(welcome, sock=sock, backlog=BACKLOG)
        self._ending, self._host = ending, asyncio.get_running_loop()
        if not self._is_closing:  # while this thread began
            await ending.wait()
        self._site.feed.close()
        server.close()


class _Guests:
    """Who is connected, by address."""

    def __init__(self) -> None:
        self._here: Counter[str] = Counter()
        self._visitors = 0

    @contextmanager
    def place(self, host: str) -> Iterator[bool]:
        """Whether there is a place for *host*, taken until the block ends."""
        is_own = ipaddress.ip_address(host.partition("%")[0]).is_loopback
        most = OWN_MAX if is_own else EACH_MAX
        if self._here[host] >= most or (not is_own and self._visitors >= VISITORS_MAX):
            yield False
            return
        self._here[host] += 1
        self._visitors += not is_own
        try:
            yield True
        finally:
            self._visitors -= not is_own
            self._here[host] -= 1
            if not self._here[host]:
                del self._here[host]


def _files(settings: Settings, code: str) -> dict[str, Answer]:
    """Every file by the path it is asked for, and what the page has to know of this station."""
    pages = read_pages(find_pages())
    if INDEX not in pages:
        raise ConfigError("[page] the pages are not installed: the folder hmi is missing")
    config: dict[str, Any] = {"feed": "edge", "station": code, "name": settings.name}
    if settings.public_url is not None:
        config |= {"url": settings.public_url, "qr": QR}
        from edge.hmi.qr import qr_svg

        pages[QR] = qr_svg(settings.public_url)
    digest = hashlib.sha256(b"".join(pages[name] for name in sorted(pages)))
    config["pages"] = digest.hexdigest()[:16]
    pages[CONFIG] = msgspec.json.encode(config)
    found = {
        PREFIX + name: file_answer(body, TYPES[PurePosixPath(name).suffix])
        for name, body in pages.items()
    }
    return {"/": found[PREFIX + INDEX], **found}
