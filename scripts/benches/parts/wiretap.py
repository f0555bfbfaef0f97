"""A tap on the wire between a station and the central system: it counts calls as they go up.

Bytes pass as they come; the station's WebSocket frames are read beside them (RFC 6455 5.2). It
needs no library of either side, and shares no code with them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

CHUNK: Final = 65_536
END_OF_HEAD: Final = b"\r\n\r\n"
TEXT: Final = 1
HEAD: Final = 2  # bytes every frame begins with
MASK: Final = 4  # bytes; only clients mask
LENGTHS: Final = {126: 2, 127: 8}  # marks of a longer length, and how many bytes it has
CALL: Final = 2
TRANSACTION: Final = frozenset({"StartTransaction", "MeterValues", "StopTransaction"})


@dataclass
class Wiretap:
    """What transaction messages passed upwards: by id, and by content.

    *passed* is told how many there were, *called* of every call.
    """

    url: str = ""
    resent_same_id: int = 0
    resent_new_id: int = 0
    ids: dict[str, str] = field(default_factory=dict)
    contents: set[str] = field(default_factory=set)
    passed: Callable[[int], None] = lambda _count: None
    called: Callable[[str, dict[str, Any]], None] = lambda _action, _payload: None

    def heard(self, message: bytes) -> None:
        """Note a text message of the station."""
        kind, *rest = json.loads(message)
        if kind != CALL:
            return
        self.called(rest[1], rest[2])
        if rest[1] not in TRANSACTION:
            return
        message_id, content = rest[0], json.dumps(rest[1:])
        if self.ids.get(message_id) == content:
            self.resent_same_id += 1
        elif message_id in self.ids or content in self.contents:
            self.resent_new_id += 1
        self.ids[message_id] = content
        self.contents.add(content)
        self.passed(len(self.contents))


@asynccontextmanager
async def wiretap(upstream: str) -> AsyncIterator[Wiretap]:
    """Listen beside *upstream*, a ws:// address, until the block ends."""
    parts = urlsplit(upstream)
    tap = Wiretap()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            onward, back = await asyncio.open_connection(parts.hostname, parts.port)
            up = _pump(reader, back, _Frames(tap.heard).feed)
            await asyncio.gather(up, _pump(onward, writer, lambda _: None))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    tap.url = f"ws://127.0.0.1:{port}{parts.path}"
    async with server:
        yield tap


async def _pump(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, hear: Callable[[bytes], None]
) -> None:
    """Pass bytes on until either side is gone; what has gone on is heard."""
    with suppress(OSError):
        while chunk := await source.read(CHUNK):
            target.write(chunk)
            await target.drain()
            hear(chunk)
    target.close()


class _Frames:
    """Finds the text messages in what a WebSocket client sends."""

    def __init__(self, heard: Callable[[bytes], None]) -> None:
        self._heard = heard
        self._left = bytearray()
        self._greeted = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._left += chunk
        if not self._greeted:
            _, end, rest = self._left.partition(END_OF_HEAD)
            if not end:
                return
            self._greeted = True
            self._left = bytearray(rest)
        for message in self._messages():
            self._heard(message)

    def _messages(self) -> Iterator[bytes]:
        """Whole frames out of what is left; our stations neither fragment nor compress."""
        while len(self._left) >= HEAD:
            opcode, length = self._left[0] & 15, self._left[1] & 127
            at = HEAD + LENGTHS.get(length, 0)
            if length in LENGTHS:
                length = int.from_bytes(self._left[HEAD:at], "big")
            end = at + MASK + length
            if len(self._left) < end:
                return
            mask, masked = self._left[at : at + MASK], self._left[at + MASK : end]
            del self._left[:end]
            if opcode == TEXT:
                yield _unmasked(bytes(masked), bytes(mask))


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    """RFC 6455 5.3."""
    key = (mask * (len(payload) // MASK + 1))[: len(payload)]
    both = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return both.to_bytes(len(payload), "big")
