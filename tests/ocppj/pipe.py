"""A connection in memory, for tests: what one end sends the other receives, until it is closed."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Self


class PipeClosed(Exception):
    """The pipe was closed with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed {code}")
        self.code = code


class Pipe:
    """One end; `peer` is the other."""

    def __init__(self) -> None:
        self._inbox: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.peer: Pipe = self
        self.code: int | None = None

    @classmethod
    def pair(cls) -> tuple[Self, Self]:
        one, other = cls(), cls()
        one.peer, other.peer = other, one
        return one, other

    async def recv(self) -> str | bytes:
        message = await self._inbox.get()
        if message is None:
            self._inbox.put_nowait(None)
            raise PipeClosed(self.code or 1006)
        return message

    async def send(self, message: str | bytes) -> None:
        if self.code is not None:
            raise PipeClosed(self.code)
        self.peer._inbox.put_nowait(message)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        for end in (self, self.peer):
            if end.code is None:
                end.code = code
                end._inbox.put_nowait(None)

    async def tell(self, frame: Any) -> None:
        """Send *frame* as JSON, or as it is when it is text."""
        await self.send(frame if isinstance(frame, str) else json.dumps(frame))

    async def hear(self) -> Any:
        """The next frame, decoded."""
        async with asyncio.timeout(2):
            return json.loads(await self.recv())
