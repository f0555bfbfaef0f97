"""The HTTP side put together: which routes there are, and the server under them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

import uvicorn
from fastapi import FastAPI

from csms_lite.accounts.office import Office
from csms_lite.gate import Gate
from csms_lite.house import House
from csms_lite.live.api import PageFiles, public_routes
from csms_lite.openapi import about_routes, open_api
from csms_lite.oversight import Oversight
from csms_lite.routers import card_routers, charger_routers, session_routers
from csms_lite.stations.sheet import Sheet
from csms_lite.web import Guard, add_problems
from edge.hmi.files import find_pages

WS_MESSAGE_MAX: Final = 16 * 1024  # bytes: a client says who it is, and nothing more
HTTP_ENDS_WITHIN_S: Final = 1  # an open stream would otherwise hold uvicorn for ever


def http_app(
    house: House, office: Office, gate: Gate, sheet: Sheet, oversight: Oversight | None = None
) -> FastAPI:
    """Put all routes together.

    The app takes over the routes themselves: `include_router` would have FastAPI analyse each of
    them a second time, at the first request that comes by its router.
    """
    desk, feed = house.desk, house.feed
    app = open_api()
    app.add_middleware(Guard)
    app.state.gate = gate
    add_problems(app)
    for router in (
        *card_routers(desk),
        *charger_routers(desk, sheet, feed, house.public_url),
        about_routes(app),
        *office.routes(),
        *session_routers(desk, feed, house.freshness.look, office),
    ):
        app.routes.extend(router.routes)
    if oversight is not None:
        for router in oversight.routers(gate):
            app.routes.extend(router.routes)
    pages = find_pages()
    app.routes.extend(public_routes(desk.store, feed, pages).routes)
    app.mount("/hmi", PageFiles(directory=pages, check_dir=False))
    return app


class HttpServer(uvicorn.Server):
    """uvicorn that leaves signals to us and says when it listens."""

    def __init__(
        self, app: FastAPI, tls: ssl.SSLContext | None = None, proxies: Sequence[str] = ()
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                ssl_context_factory=None if tls is None else lambda _config, _default: tls,
                lifespan="off",
                ws="websockets-sansio",
                ws_max_size=WS_MESSAGE_MAX,
                ws_per_message_deflate=False,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(proxies),
                forwarded_allow_ips=list(proxies),
                timeout_graceful_shutdown=HTTP_ENDS_WITHIN_S,
            )
        )
        self.listening = asyncio.Event()
        self._ending = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the command line."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        """Keep the Date header true until `end`; uvicorn's own loop wakes ten times a second."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._ending.wait()

    def end(self) -> None:
        """Accept no more and finish what is under way."""
        self.should_exit = True
        self._ending.set()
