"""The source: status documents as csms_lite or the edge streams them, and who is in service."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec
import structlog

from edge.bridge.document import Document, Ended, decoded, read_document
from edge.bridge.events import EventReader
from edge.errors import ConfigError, FeedLost

QUIET_S: Final = 25.0  # the source says something every 10 s: two missing words are a dead line
CONNECT_S: Final = 10.0
WHOLE_S: Final = 120.0  # an answer of a megabyte over a slow line; each word of it may be late
ENDED_MAX: Final = 1000  # as csms_lite gives at once
LIST_MAX: Final = 16_777_216  # bytes; a charger has about 1,500
MOST_STATIONS: Final = 1000  # as csms_lite lets watch
CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,48}")
"""What may be the name of a place in the database; csms_lite gives letters and digits."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Listed(msgspec.Struct, frozen=True):
    """What the bridge reads of a charger in `GET /api/chargers`."""

    id: str
    code: str
    name: str
    dismissed_at: str | None
    registration: str


class Source:
    """Reads from one csms_lite or edge; every method raises `FeedLost`."""

    def __init__(self, client: httpx.AsyncClient, token: str | None) -> None:
        self._client = client
        self._token = token

    async def stations(self) -> list[Listed]:
        """Give the stations in service; wants a VIEWER's token."""
        listed = _readable(await self._ask("/api/chargers"), Listed)
        found = [
            one
            for one in listed
            if one.dismissed_at is None
            and one.registration == "Accepted"
            and CODE.fullmatch(one.code)
        ]
        return found[:MOST_STATIONS]

    async def ended(self, since: datetime) -> list[Ended]:
        """Give the last `ENDED_MAX` sessions that began after *since* and are over."""
        query = {"state": "closed", "since": since.isoformat(), "count": ENDED_MAX}
        return _readable(await self._ask(f"/api/sessions?{urlencode(query)}"), Ended)

    async def follow(self, code: str) -> AsyncGenerator[Document | None, None]:
        """Give the documents of one connection, `None` for any other sign of life; then raises."""
        url = f"/api/public/stations/{quote(code)}/events"
        headers = {"accept": "text/event-stream", "accept-encoding": "identity"}
        events = EventReader()
        try:
            async with self._client.stream("GET", url, headers=headers) as response:
                _check(response, f"check that there is a station {code}")
                async for part in response.aiter_raw():
                    yield None
                    for event in events.read(part):
                        if event.name == "status":
                            yield _own(read_document(event.data), code)
        except (httpx.HTTPError, ValueError) as failure:
            raise FeedLost(f"{code} is not told of: {_told(failure)}") from failure
        raise FeedLost(f"{code} is not told of: the source ended the stream")

    async def _ask(self, path: str) -> list[msgspec.Raw]:
        headers = {"authorization": f"Bearer {self._token}"}
        try:
            async with (
                asyncio.timeout(WHOLE_S),
                self._client.stream("GET", path, headers=headers) as response,
            ):
                _check(response, "check the token of the bridge: it wants a VIEWER's")
                return decoded(await _whole(response), list[msgspec.Raw])
        except (httpx.HTTPError, TimeoutError, ValueError) as failure:
            raise FeedLost(f"the source cannot be asked: {_told(failure)}") from failure


def trusted(ca_file: str | None) -> ssl.SSLContext:
    """Trust the roots in *ca_file*, or those of the computer; raises `ConfigError`."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as failure:
        raise ConfigError(f"ca_file {ca_file} cannot be used: {failure}") from failure


@asynccontextmanager
async def open_source(
    url: str, *, token: str | None, trust: ssl.SSLContext
) -> AsyncIterator[Source]:
    """Open the source at *url*; no proxy stands between, and no redirect is followed."""
    patience = httpx.Timeout(CONNECT_S, read=QUIET_S, pool=None)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=4)
    async with httpx.AsyncClient(
        base_url=url, timeout=patience, limits=limits, trust_env=False, verify=trust
    ) as client:
        yield Source(client, token)


def _readable(told: list[msgspec.Raw], kind: type[T]) -> list[T]:
    """Read each by itself: one that is odd must not hide the others."""
    found = []
    for one in told:
        try:
            found.append(decoded(bytes(one), kind))
        except ValueError as failure:
            log.warning("source_told_something_odd", kind=kind.__name__, error=str(failure))
    return found


def _check(response: httpx.Response, remedy: str) -> None:
    if response.status_code != httpx.codes.OK:
        raise FeedLost(f"{response.url} answers {response.status_code}: {remedy}")


def _own(document: Document, code: str) -> Document:
    if document.station.id != code:
        raise ValueError(f"a document of another station, {document.station.id!r}")
    return document


async def _whole(response: httpx.Response) -> bytes:
    text = b""
    async for part in response.aiter_bytes():
        text += part
        if len(text) > LIST_MAX:
            raise ValueError(f"more than {LIST_MAX} bytes")
    return text


def _told(failure: Exception) -> str:
    return str(failure) or type(failure).__name__
