"""A station's socket as the OCPP layer sees it; keeps what had to be refused.

A transaction message that no schema can read is answered with CALLERROR, and the station may
then drop it for ever: its frame is stored before that answer leaves (ruling 6), here or by
whoever refuses it and takes the frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from csms_lite.errors import CsmsError

CALLERROR: Final = "[4,"
REMEMBERED: Final = 16  # twice the calls that may be open at once
TRY_AGAIN_LATER: Final = 1013  # WebSocket close code, IANA registry
TRANSACTION_WORDS: Final = ('"StartTransaction"', '"StopTransaction"', '"MeterValues"')


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
    """A socket that keeps refused transaction messages by *keep* before their refusal is sent."""

    def __init__(self, socket: Socket, keep: Callable[[str], Awaitable[None]]) -> None:
        self._socket = socket
        self._keep = keep
        self._suspects: deque[str] = deque(maxlen=REMEMBERED)
        self.is_giving_up = False

    async def recv(self) -> str | bytes:
        """Give the next message."""
        message = await self._socket.recv()
        text = message if isinstance(message, str) else message.decode(errors="replace")
        if any(word in text[:100] for word in TRANSACTION_WORDS):
            self._suspects.append(text)
        return message

    async def send(self, message: str, /) -> None:
        """Send a text message; a refusal only once what it refuses is stored."""
        if message.startswith(CALLERROR):
            for frame in self.take(message.split(",", 2)[1]):
                try:
                    await self._keep(frame)
                except CsmsError:
                    await self.give_up()
                    return
        await self._socket.send(message)

    def take(self, message_id: str) -> list[str]:
        """Give what came under an id, as JSON writes it; its refusal keeps it no more."""
        frames = [frame for frame in self._suspects if message_id in frame[:100]]
        for frame in frames:
            self._suspects.remove(frame)
        return frames

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with the closing handshake."""
        await self._socket.close(code, reason)

    async def give_up(self) -> None:
        """Close because nothing can be stored now: the station shall come back and repeat."""
        self.is_giving_up = True
        await self._socket.close(TRY_AGAIN_LATER, "try again later")
