"""A connection that somebody listens to: every frame in and out is told, as it passes."""

from __future__ import annotations

from collections.abc import Callable

from edge.ocppj.charge_point import Connection

Hear = Callable[[str, str | bytes], None]
"""Is told the direction, `in` or `out`, and the frame."""


class Overheard:
    """Implements `Connection` over another one."""

    def __init__(self, connection: Connection, hear: Hear) -> None:
        self._connection = connection
        self._hear = hear

    async def recv(self) -> str | bytes:
        """The next message, once it has been told."""
        message = await self._connection.recv()
        self._hear("in", message)
        return message

    async def send(self, message: str, /) -> None:
        """Send one text message, and tell it when it has gone."""
        await self._connection.send(message)
        self._hear("out", message)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with the closing handshake."""
        await self._connection.close(code, reason)
