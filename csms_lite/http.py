"""The HTTP side put together: which routes there are, and the server under them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI

from csms_lite.accounts.office import Office
from csms_lite.alerts.api import alert_routes
from csms_lite.charging.api import Counter, charging_routes
from csms_lite.charging.tags import tag_of
from csms_lite.commands.api import command_routes
from csms_lite.commands.key_api import key_routes
from csms_lite.gate import Gate
from csms_lite.history.api import history_routes
from csms_lite.house import House
from csms_lite.live.api import PageFiles, public_routes
from csms_lite.ocpp.outgoing import check_payload
from csms_lite.openapi import about_routes, open_api
from csms_lite.people.api import card_routes
from csms_lite.sessions.api import close_routes, session_files, session_routes
from csms_lite.stations.api import charger_routes
from csms_lite.stations.import_api import import_routes
from csms_lite.stations.inbox_api import inbox_routes
from csms_lite.stations.public_api import public_station_routes
from csms_lite.stations.sheet import Sheet
from csms_lite.stations.site_api import plate_routes, site_routes
from csms_lite.stations.view import ChargerView
from csms_lite.tariffs.api import tariff_routes
from csms_lite.web import Guard, add_problems

HTTP_ENDS_WITHIN_S: Final = 1  # an open stream would otherwise hold uvicorn for ever


def http_app(house: House, office: Office, gate: Gate, sheet: Sheet) -> FastAPI:
    """Put all routes together."""
    desk, feed, look = house.desk, house.feed, house.freshness.look
    store, clock, chance = desk.store, desk.clock, desk.chance
    view = ChargerView(clock=clock, presence=desk.presence, patience=desk.patience, sheet=sheet)
    app = open_api()
    app.add_middleware(Guard)
    app.state.gate = gate
    add_problems(app)
    for router in (
        card_routes(store, clock),
        tariff_routes(store, clock, feed.touch_all),
        charger_routes(store, clock, chance, view, feed.touch),
        import_routes(store, clock, chance),
        plate_routes(store, clock),
        site_routes(store, clock),
        inbox_routes(store, clock, chance),
        public_station_routes(store, clock, desk.presence, desk.patience),
        alert_routes(store, clock),
        key_routes(store, clock, chance, desk.outgoing, desk.presence),
        command_routes(store, clock, chance, desk.outgoing, check_payload),
        session_files(store, clock, desk.presence),  # before the routes with a number
        about_routes(app),
        *office.routes(),
        session_routes(
            store,
            clock,
            desk.presence,
            look=look,
            expiry_ms=desk.expiry_ms,
        ),
        close_routes(store, clock, feed.touch),
        history_routes(store),
        charging_routes(
            Counter(
                store=store,
                clock=clock,
                chance=chance,
                presence=desk.presence,
                sender=desk.outgoing,
                access=desk.access,
                tag_of=tag_of,
                look=look,
            )
        ),
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

    def __init__(self, app: FastAPI, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                ssl_context_factory=None if tls is None else lambda _config, _default: tls,
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
