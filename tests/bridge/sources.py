"""A source that the test speaks through: a stream per station, and who is in service."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

CODE = "K7PLM2QX"
EVENTS = re.compile(r"/api/public/stations/([^/]+)/events")
BEGAN = datetime(2025, 6, 14, 9, 30, tzinfo=UTC)


class Talking:
    """Serves status streams as csms_lite does; say a document, cut the line, mend it."""

    def __init__(self) -> None:
        self.listed: list[dict[str, Any]] = []
        self.tokens: list[str | None] = []
        self.last: dict[str, str] = {}
        self.is_cut = False
        self.port = 0
        self._lines: defaultdict[str, set[asyncio.StreamWriter]] = defaultdict(set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def watched(self, code: str = CODE) -> int:
        """How many follow a station now."""
        return len(self._lines[code])

    def say(self, document: dict[str, Any], code: str | None = None) -> None:
        """Tell a document to who follows, and first to whoever comes."""
        self.say_raw(code or document["station"]["id"], json.dumps(document, ensure_ascii=False))

    def say_raw(self, code: str, text: str) -> None:
        """Tell anything as a document."""
        self.last[code] = text
        for line in self._lines[code]:
            line.write(_event(text))

    def cut(self) -> None:
        """Hang up on everybody and answer no more."""
        self.is_cut = True
        for lines in self._lines.values():
            for line in lines:
                line.transport.abort()

    def mend(self) -> None:
        """Answer again."""
        self.is_cut = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Talking]:
        """Serve on a port of its own until the block ends."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.cut()
            while any(self._lines.values()):  # noqa: ASYNC110  a turn of the loop is waited for
                await asyncio.sleep(0)
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ")[1]
            if self.is_cut:
                writer.transport.abort()
            elif (found := EVENTS.fullmatch(path)) is not None:
                await self._stream(found[1], reader, writer)
            else:
                token = re.search(r"authorization: Bearer (.*)\r", head, re.IGNORECASE)
                self.tokens.append(token[1] if token else None)
                body = json.dumps(self.listed if path == "/api/chargers" else []).encode()
                head = (
                    f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
                )
                writer.write(head.encode() + body)
                await writer.drain()
        writer.close()

    async def _stream(
        self, code: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        if code in self.last:
            writer.write(_event(self.last[code]))
        self._lines[code].add(writer)
        try:
            await reader.read()  # until the follower goes
        finally:
            self._lines[code].discard(writer)


class Teller:
    """Writes the documents of one station, each newer than the last."""

    def __init__(self, code: str = CODE) -> None:
        self.code = code
        self.sequence = 100
        self.at = BEGAN

    def document(self, **connector: Any) -> dict[str, Any]:
        """The next document; *connector* over an idle one's fields."""
        self.sequence += 1
        self.at += timedelta(seconds=1)
        idle = {
            "connector": 1, "status": "Available", "error_code": "NoError", "info": None,
            "since": BEGAN.isoformat(), "power_w": None, "measured_at": None, "session": None,
        }  # fmt: skip
        return {
            "version": 1,
            "source": "csms",
            "sequence": self.sequence,
            "at": self.at.isoformat(),
            "station": {"id": self.code, "name": "Hall", "online": True, "heard_at": None},
            "tariff": {"currency": "EUR", "per_kwh_minor": 49},
            "connectors": [idle | connector],
        }

    def finished(self, started_at: datetime = BEGAN, **session: Any) -> dict[str, Any]:
        """A document with a session that has ended."""
        told = {
            "tag": "…E580", "started_at": started_at.isoformat(), "energy_wh": 1234,
            "stopped_at": (started_at + timedelta(minutes=9)).isoformat(), "cost_minor": 60,
            "cost_final": True, "stop_reason": "Local",
        }  # fmt: skip
        return self.document(status="Finishing", session=told | session)


def _event(text: str) -> bytes:
    return f"event: status\ndata: {text}\n\n".encode()
