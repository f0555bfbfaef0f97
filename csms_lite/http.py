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

from csms_lite.access.api import access_routes
from csms_lite.accounts.office import Office
from csms_lite.alerts.api import alert_routes
from csms_lite.certificates.api import certificate_routes
from csms_lite.charging.api import Counter, charging_routes
from csms_lite.charging.tags import own_tags
from csms_lite.commands.api import Asking, command_routes
from csms_lite.commands.key_api import key_routes
from csms_lite.compat.routes import compat_routes
from csms_lite.enrolment.api import enrol_routes, unknown_routes
from csms_lite.files.api import Files, file_routes, station_routes
from csms_lite.gate import Gate
from csms_lite.history.api import history_routes
from csms_lite.house import House
from csms_lite.live.api import PageFiles, public_routes
from csms_lite.local_list.api import local_list_routes
from csms_lite.ocpp.outgoing import check_payload
from csms_lite.openapi import about_routes, open_api
from csms_lite.oversight import Oversight
from csms_lite.people.api import card_routes, group_routes, own_card_routes, sheet_routes
from csms_lite.sessions.api import close_routes, session_files, session_routes
from csms_lite.stations.api import charger_routes, told_routes
from csms_lite.stations.import_api import import_routes
from csms_lite.stations.inbox_api import inbox_routes
from csms_lite.stations.public_api import public_station_routes
from csms_lite.stations.sheet import Sheet
from csms_lite.stations.site_api import plate_routes, site_routes
from csms_lite.stations.view import ChargerView
from csms_lite.tariffs.api import tariff_routes
from csms_lite.web import Guard, add_problems

WS_MESSAGE_MAX: Final = 16 * 1024  # bytes: a client says who it is, and nothing more
HTTP_ENDS_WITHIN_S: Final = 1  # an open stream would otherwise hold uvicorn for ever


def http_app(
    house: House, office: Office, gate: Gate, sheet: Sheet, oversight: Oversight | None = None
) -> FastAPI:
    """Put all routes together."""
    desk, feed, look = house.desk, house.feed, house.freshness.look
    store, clock, chance = desk.store, desk.clock, desk.chance
    view = ChargerView(clock=clock, presence=desk.presence, patience=desk.patience, sheet=sheet)
    counter = Counter(
        store=store,
        clock=clock,
        chance=chance,
        presence=desk.presence,
        sender=desk.outgoing,
        access=desk.access,
        tag_of=own_tags(clock, chance),
        look=look,
    )
    app = open_api()
    app.add_middleware(Guard)
    app.state.gate = gate
    add_problems(app)
    files = Files(
        store=store,
        clock=clock,
        chance=chance,
        shelf=desk.shelf,
        asking=Asking(store, clock, chance, desk.outgoing, check_payload),
        public_url=house.public_url,
    )
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
        charger_routes(store, clock, chance, view, feed.touch),
        told_routes(store, view),
        import_routes(store, clock, chance),
        plate_routes(store, clock),
        site_routes(store, clock),
        inbox_routes(store, clock, chance),
        public_station_routes(store, clock, desk.presence, desk.patience),
        alert_routes(store, clock),
        key_routes(store, clock, chance, desk.outgoing, desk.presence),
        command_routes(store, clock, chance, desk.outgoing, check_payload),
        session_files(store, clock, desk.presence),  # before the routes with a number
        certificate_routes(store, clock, chance, desk.outgoing.ring),
        file_routes(files),
        station_routes(files),
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
        charging_routes(counter),
        *compat_routes(counter, desk.patience, office),
    ):
        app.include_router(router)
    if oversight is not None:
        oversight.add_routes(app, gate)
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
                ws="websockets-sansio",
                ws_max_size=WS_MESSAGE_MAX,
                ws_per_message_deflate=False,
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
