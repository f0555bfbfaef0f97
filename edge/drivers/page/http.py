"""One browser's connection: reads, strictly and not for ever, and answers GET and HEAD.

What is asked for is one of a fixed set of paths; there are no bodies, names or queries to trust.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

import h11

from edge.drivers.page.feed import Feed
from edge.hmi.files import HEADERS

HEAD_MAX: Final = 8 * 1024  # bytes of a request; a browser sends less than one
REQUESTS_MAX: Final = 100  # on one connection; the page itself asks for about thirty
UNSENT_MAX: Final = 32 * 1024  # bytes that wait here for a browser, beyond the kernel's own
LOOK_S: Final = 1.0  # how soon a stream's end is noticed when nothing is sent
FIRST_WITHIN_S: Final = 2.0
TEXT: Final = "text/plain; charset=utf-8"
METHODS: Final = (b"GET", b"HEAD")
VERSIONS: Final = (b"1.0", b"1.1")
NO_STORE: Final = {"cache-control": "no-store"}
EVENTS, STATUS = "events", "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a browser may take: to ask, and to take what it is sent; when a stream is quiet."""

    ask_s: float = 15.0
    take_s: float = 10.0
    comment_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one request gets; *tag* is the ETag of a file."""

    status: int = 200
    kind: str = TEXT
    body: bytes = b""
    tag: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """All that can be asked for: files, and below *station* the feed and what *bill* finds."""

    files: Mapping[str, Answer]
    station: str
    feed: Feed
    bill: Callable[[str], Answer | None]
    now: Callable[[], datetime]
    patience: Patience = Patience()


def file_answer(body: bytes, kind: str) -> Answer:
    """A file, which a browser asks for again each time, and gets only if it is another."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    return Answer(kind=kind, body=body, tag=tag, headers={"cache-control": "no-cache", "etag": tag})


def refusal(status: int, why: str, **headers: str) -> Answer:
    """An answer that says in one sentence what was wrong."""
    return Answer(status=status, body=f"{why}\n".encode(), headers={**NO_STORE, **headers})


class Refused(Exception):
    """This request ends the connection with *answer*."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Conversation:
    """One connection, from its first request to its end."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, site: Site
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._site = site
        self._wire = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_MAX)
        writer.transport.set_write_buffer_limits(high=UNSENT_MAX)

    async def hold(self) -> None:
        """Answer until either end has had enough; one that does not take its answers is cut off."""
        try:
            for _ in range(REQUESTS_MAX):
                if not await self._answer_next():
                    break
        except (TimeoutError, ConnectionError):
            self._writer.transport.abort()
        finally:
            await self._hang_up()

    async def _hang_up(self) -> None:
        """Close; one that does not take what is left is cut off, or it would stay open for ever."""
        self._writer.close()
        try:
            async with asyncio.timeout(self._site.patience.take_s):
                await self._writer.wait_closed()
        except (TimeoutError, ConnectionError):
            self._writer.transport.abort()

    async def _answer_next(self) -> bool:
        """Whether another request may follow."""
        try:
            request = await self._next_request()
            if request is None:
                return False
            path, _, _ = request.target.partition(b"?")
            await self._answer(request, path.decode("ascii", "replace"))
        except h11.RemoteProtocolError as problem:
            await self._refuse(refusal(problem.error_status_hint, "this is no request"))
            return False
        except Refused as refused:
            await self._refuse(refused.answer)
            return False
        if self._wire.our_state is not h11.DONE or self._wire.their_state is not h11.DONE:
            return False
        self._wire.start_next_cycle()
        return True

    async def _next_request(self) -> h11.Request | None:
        """The next request without a body; `None` when the browser has hung up."""
        request = None
        async with asyncio.timeout(self._site.patience.ask_s):
            while True:
                event = self._wire.next_event()
                if event is h11.NEED_DATA:
                    self._wire.receive_data(await self._reader.read(HEAD_MAX))
                elif isinstance(event, h11.Request):
                    request = event
                    _check(request)
                elif isinstance(event, h11.EndOfMessage):
                    return request
                else:
                    return None

    async def _answer(self, request: h11.Request, path: str) -> None:
        base, _, what = path.rpartition("/")
        is_head = request.method == b"HEAD"
        if base != f"/api/public/stations/{self._site.station}":
            found = self._site.files.get(path)
            if found is None:
                found = refusal(404, "there is no such page")
            elif _named(request, b"if-none-match") == found.tag:
                found = Answer(status=304, headers=found.headers)
            await self._put(self._whole(found, is_head=is_head))
        elif what == EVENTS and not is_head:
            await self._stream()
        elif what == STATUS:
            await self._put(self._whole(await self._status(), is_head=is_head))
        else:
            found = self._site.bill(what) or refusal(404, "there is no such page")
            await self._put(self._whole(found, is_head=is_head))

    async def _status(self) -> Answer:
        with self._site.feed.watch() as watcher:
            document = await watcher.take(FIRST_WITHIN_S)
        if document is None:
            return refusal(503, "the station says nothing: try again")
        return Answer(kind="application/json", body=document, headers=NO_STORE)

    async def _stream(self) -> None:
        """Server-sent events until either end has had enough."""
        clock = asyncio.get_running_loop().time
        head = self._head(Answer(kind="text/event-stream", headers=NO_STORE))
        with self._site.feed.watch() as watcher:
            await self._put(self._wire.send(head) or b"")
            spoke_at = clock()
            while not (watcher.is_over or self._reader.at_eof() or self._writer.is_closing()):
                document = await watcher.take(LOOK_S)
                if document is not None:
                    said = b"event: status\ndata: %b\n\n" % document
                elif clock() - spoke_at >= self._site.patience.comment_s:
                    said = b": still here\n\n"
                else:
                    continue
                await self._put(self._wire.send(h11.Data(data=said)) or b"")
                spoke_at = clock()
        await self._put(self._wire.send(h11.EndOfMessage()) or b"")

    async def _refuse(self, answer: Answer) -> None:
        if self._wire.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            with suppress(h11.LocalProtocolError):
                await self._put(self._whole(answer, ends=True))

    async def _put(self, data: bytes) -> None:
        """Send, and wait until most of it is gone; raises `TimeoutError`, `ConnectionError`."""
        self._writer.write(data)
        async with asyncio.timeout(self._site.patience.take_s):
            await self._writer.drain()

    def _whole(self, answer: Answer, *, is_head: bool = False, ends: bool = False) -> bytes:
        length = {} if answer.status == 304 else {"content-length": str(len(answer.body))}  # noqa: PLR2004  Not Modified
        closing = {"connection": "close"} if ends else {}
        parts = [self._wire.send(self._head(answer, **length, **closing))]
        if not is_head and answer.body:
            parts.append(self._wire.send(h11.Data(data=answer.body)))
        parts.append(self._wire.send(h11.EndOfMessage()))
        return b"".join(part for part in parts if part)

    def _head(self, answer: Answer, **more: str) -> h11.Response:
        named = {
            "date": format_datetime(self._site.now().astimezone(UTC), usegmt=True),
            "content-type": answer.kind,
            **HEADERS,
            **answer.headers,
            **more,
        }
        return h11.Response(status_code=answer.status, headers=list(named.items()))


def _check(request: h11.Request) -> None:
    """Raise `Refused` for what nobody needs who reads a page."""
    if request.http_version not in VERSIONS:
        raise Refused(refusal(505, "this is spoken by HTTP/1.1"))
    if request.method not in METHODS:
        raise Refused(refusal(405, "pages can be read, nothing else", allow="GET, HEAD"))
    if _named(request, b"transfer-encoding") or _named(request, b"content-length") not in {"", "0"}:
        raise Refused(refusal(413, "a request for a page has no body"))


def _named(request: h11.Request, name: bytes) -> str:
    found: str = next((value for key, value in request.headers if key == name), b"").decode(
        "ascii", "replace"
    )
    return found
