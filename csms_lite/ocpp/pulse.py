"""The life of one socket: pinged, heard, and closed when it has been silent for too long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, Protocol

import structlog

from csms_lite.clock import Clock
from csms_lite.ocpp.wire import Socket
from csms_lite.stations.liveness import Patience

STALE: Final = 1011  # WebSocket close code: what keepalive has always been told by
KNOW_YOU_ANEW: Final = 1008  # policy: show again who you are

log = structlog.get_logger(__name__)


class Pinged(Socket, Protocol):
    """What a WebSocket offers besides."""

    async def ping(self) -> Awaitable[float]:
        """Send a ping; what is given ends with the pong."""
        ...


class Pulse:
    """A socket that counts every frame and every pong as a sign of life; *heard* is told."""

    def __init__(
        self, socket: Pinged, clock: Clock, patience: Patience, heard: Callable[[], None]
    ) -> None:
        self._socket = socket
        self._clock = clock
        self._patience = patience
        self._heard = heard
        self._last = clock.monotonic()
        self._sent_away = asyncio.Event()

    async def recv(self) -> str | bytes:
        """Give the next message."""
        message = await self._socket.recv()
        self._beat()
        return message

    def send(self, message: str, /) -> Coroutine[Any, Any, None]:
        """Send a text message."""
        return self._socket.send(message)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with the closing handshake."""
        await self._socket.close(code, reason)

    def send_away(self) -> None:
        """Close soon: whoever is there must show anew who it is."""
        self._sent_away.set()

    async def keep(self, closed_errors: type[Exception]) -> None:
        """Ping until the socket is closed, by the other side or here for its silence."""
        while not self._sent_away.is_set():
            silent_s = self._clock.monotonic() - self._last
            if silent_s > self._patience.close_after_s:
                log.warning("stale_socket_closed", silent_s=round(silent_s))
                await self._socket.close(STALE, "silent for too long: come back")
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience.ping_every_s):
                    try:
                        await self._ping()
                    except closed_errors:
                        return
                    await self._sent_away.wait()
        await self._socket.close(KNOW_YOU_ANEW, "show anew who you are")

    async def _ping(self) -> None:
        pong = await self._socket.ping()
        assert isinstance(pong, asyncio.Future)  # as the library has it, not as it says
        pong.add_done_callback(self._ponged)

    def _ponged(self, pong: asyncio.Future[float]) -> None:
        if not pong.cancelled() and pong.exception() is None:
            self._beat()

    def _beat(self) -> None:
        self._last = self._clock.monotonic()
        self._heard()
