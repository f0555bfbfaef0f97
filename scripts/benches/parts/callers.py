"""Stations that cost next to nothing: calls one at a time each, over a socket written by hand.

A WebSocket client of the usual kind costs as much per message as the servers that are measured;
this one writes whole frames, masked with zeros, and looks at no more of an answer than its length.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A
HANDSHAKE_S: Final = 30.0
SHORT, MEDIUM = 126, 1 << 16


class Caller(asyncio.Protocol):
    """One station on one socket: `await call(text)` gives the text of the answer."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._read = b""
        self._open = False
        loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = loop.create_future()
        self._answer: asyncio.Future[bytes] | None = None

    async def connect(self, url: str) -> None:
        """Open the WebSocket at *url*; raises `ConnectionError` when it is refused."""
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, parts.hostname or "", parts.port or 0)
        assert self._transport is not None
        key = base64.b64encode(b"0123456789abcdef").decode()
        self._transport.write(
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n".encode()
        )
        async with asyncio.timeout(HANDSHAKE_S):
            await self._opened

    async def call(self, text: str) -> bytes:
        """Send one frame and give the next text frame that comes."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(_frame(TEXT, text.encode()))
        return await self._answer

    def close(self) -> None:
        """Drop the socket."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail who waits."""
        for waiting in (self._opened, self._answer):
            if waiting is not None and not waiting.done():
                waiting.set_exception(ConnectionError(f"the server left: {exc}"))

    def data_received(self, data: bytes) -> None:
        """Take whole frames from what has come."""
        self._read += data
        if not self._open:
            head, found, rest = self._read.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                self._opened.set_exception(ConnectionError(head.decode("ascii", "replace")))
                return
            self._open, self._read = True, rest
            self._opened.set_result(None)
        while (frame := self._next()) is not None:
            self._take(*frame)

    def _next(self) -> tuple[int, bytes] | None:
        read = self._read
        if len(read) < 2:  # noqa: PLR2004  the first byte and the length
            return None
        length, start = read[1], 2
        if length == SHORT:
            length, start = int.from_bytes(read[2:4], "big"), 4
        if len(read) < start + length:
            return None
        self._read = read[start + length :]
        return read[0], read[start : start + length]

    def _take(self, kind: int, payload: bytes) -> None:
        assert self._transport is not None
        if kind == PING:
            self._transport.write(_frame(PONG, payload))
        elif kind == CLOSE:
            self._transport.abort()
        elif self._answer is not None and not self._answer.done():
            self._answer.set_result(payload)


def _frame(kind: int, payload: bytes) -> bytes:
    """Write a frame of a client: masked, with a key of zeros."""
    length = len(payload)
    assert length < MEDIUM
    head = bytes([kind, 0x80 | length]) if length < SHORT else bytes([kind, 0x80 | SHORT])
    return head + (b"" if length < SHORT else length.to_bytes(2, "big")) + b"\0\0\0\0" + payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What was sent and how long it took."""

    messages: int
    took_s: float


async def connected(urls: Sequence[str]) -> list[Caller]:
    """Open a socket to each of *urls*."""
    callers = [Caller() for _ in urls]
    async with asyncio.TaskGroup() as tasks:
        for caller, url in zip(callers, urls, strict=True):
            tasks.create_task(caller.connect(url))
    return callers


async def flood(
    callers: Sequence[Caller], text: Callable[[int, int], str], each: int, *, sign: bytes
) -> Load:
    """Have every caller send *each* messages `text(caller, number)`, one after the other's answer.

    Raises `RuntimeError` for an answer that does not begin with *sign*.
    """
    loop = asyncio.get_running_loop()

    async def talk(place: int, caller: Caller) -> None:
        for number in range(each):
            answer = await caller.call(text(place, number))
            if not answer.startswith(sign):
                raise RuntimeError(f"the server answered {answer[:200]!r}")

    began = loop.time()
    async with asyncio.TaskGroup() as tasks:
        for place, caller in enumerate(callers):
            tasks.create_task(talk(place, caller))
    return Load(messages=each * len(callers), took_s=loop.time() - began)
