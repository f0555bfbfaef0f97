"""The HTTP side put together: which routes there are, and the server under them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI

from csms_lite.access.api import access_routes
from csms_lite.commands.api import command_routes
from csms_lite.enrolment.api import enrol_routes, unknown_routes
from csms_lite.gate import Gate
from csms_lite.live.api import PageFiles, public_routes
from csms_lite.live.feed import Feed
from csms_lite.local_list.api import local_list_routes
from csms_lite.ocpp.outgoing import check_payload
from csms_lite.ocpp.session import Desk
from csms_lite.people.api import card_routes, group_routes, own_card_routes, sheet_routes
from csms_lite.sessions.api import session_routes
from csms_lite.stations.api import charger_routes
from csms_lite.tariffs.api import tariff_routes
from csms_lite.web import Guard, add_problems

HTTP_ENDS_WITHIN_S: Final = 1  # an open stream would otherwise hold uvicorn for ever


def http_app(desk: Desk, feed: Feed, gate: Gate) -> FastAPI:
    """Put all routes together."""
    store, clock, chance = desk.store, desk.clock, desk.chance
    app = FastAPI(title="Tapwatt csms_lite", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard)
    app.state.gate = gate
    add_problems(app)
    for router in (
        card_routes(store, clock, desk.lists.cards_changed),
        own_card_routes(store, clock, chance.virtual_tag),
        sheet_routes(store, clock, desk.lists.cards_changed),
        group_routes(store, clock, desk.lists.cards_changed),
        unknown_routes(store, clock, desk.lists.cards_changed),
        enrol_routes(store, clock),
        access_routes(store, desk.access),
        local_list_routes(store, clock, desk.lists.touch, by_setting=desk.lists.by_setting),
        tariff_routes(store, clock, feed.touch_all),
        charger_routes(store, clock, chance, desk.presence, feed.touch),
        command_routes(store, clock, chance, desk.outgoing, check_payload),
        session_routes(store),
    ):
        app.include_router(router)
    pages = find_pages()
    app.include_router(public_routes(store, feed, pages))
    app.mount("/hmi", PageFiles(directory=pages, check_dir=False))
    return app


def find_pages() -> Path:
    """Find hmi: inside the package when installed from a wheel, beside it in a checkout."""
    here = Path(__file__).resolve().parent
    return here / "_hmi" if (here / "_hmi").is_dir() else here.parent / "hmi"


class HttpServer(uvicorn.Server):
    """uvicorn that leaves signals to us and says when it listens."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
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
