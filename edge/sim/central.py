"""A central system that lets nobody in, in the way it is told: for the doctor's ladder.

A real WebSocket server on loopback; it answers BootNotification and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import json
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """How it behaves.

    *status* refuses the handshake with that HTTP answer, *subprotocol* is what it speaks, *boot*
    the status in its BootNotification.conf, at the moment *current_time* (RFC 3339); without *boot*
    it never answers. With *mute* it takes connections and says nothing at all.
    """

    status: int | None = None
    subprotocol: str = "ocpp1.6"
    boot: str | None = "Accepted"
    current_time: str = "2026-01-01T00:00:00Z"
    mute: bool = False


@contextlib.asynccontextmanager
async def serve_central(conduct: Conduct, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve on a free port of loopback, which is given, until the block ends."""
    if conduct.mute:
        async with _serve_mute() as port:
            yield port
        return

    def refuse(line: ServerConnection, _: Request) -> Response | None:
        if conduct.status is None:
            return None
        return line.respond(http.HTTPStatus(conduct.status), "no\n")

    def choose(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        """Without one in common the handshake is completed all the same (OCPP-J 3.2)."""
        return next((one for one in offered if one == conduct.subprotocol), None)

    async def answer(line: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in line:
                kind, number, action, _ = json.loads(message)
                if kind == 2 and action == "BootNotification" and conduct.boot is not None:  # noqa: PLR2004  OCPP-J's CALL
                    conf = {
                        "status": conduct.boot,
                        "currentTime": conduct.current_time,
                        "interval": 300,
                    }
                    await line.send(json.dumps([3, number, conf]))

    async with serve(
        answer,
        HOST,
        0,
        ssl=tls,
        select_subprotocol=choose,
        process_request=refuse,
    ) as server:
        yield server.sockets[0].getsockname()[1]


@contextlib.asynccontextmanager
async def _serve_mute() -> AsyncIterator[int]:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the other side has had enough
        writer.close()

    server = await asyncio.start_server(listen, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
