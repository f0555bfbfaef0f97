"""A station's socket as the OCPP layer sees it: given up when nothing can be stored."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final, Protocol

TRY_AGAIN_LATER: Final = 1013  # WebSocket close code, IANA registry


class Socket(Protocol):
    """What a WebSocket offers."""

    async def recv(self) -> str | bytes:
        """Give the next message."""
        ...

    async def send(self, message: str, /) -> None:
        """Send a text message."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with the closing handshake."""
        ...


def untapped(_charger: str, socket: Socket) -> Socket:
    """Give a socket as it is: nobody listens in."""
    return socket


class Wire:
    """A socket that remembers that it was given up."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self.is_giving_up = False

    def recv(self) -> Coroutine[Any, Any, str | bytes]:
        """Give the next message."""
        return self._socket.recv()

    def send(self, message: str, /) -> Coroutine[Any, Any, None]:
        """Send a text message."""
        return self._socket.send(message)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with the closing handshake."""
        await self._socket.close(code, reason)

    async def give_up(self) -> None:
        """Close because nothing can be stored now: the station shall come back and repeat."""
        self.is_giving_up = True
        await self._socket.close(TRY_AGAIN_LATER, "try again later")
