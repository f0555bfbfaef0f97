"""The central system started, and ended in order.

The end: accept no more, OCPP sockets 1012, streams ended, HTTP drained, then the store: what was
asked before is committed and answered or not answered at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import ExitStack, asynccontextmanager

import structlog

from csms_lite.accounts.office import open_office
from csms_lite.accounts.passwords import password_thread
from csms_lite.chance import Chance
from csms_lite.clock import Clock
from csms_lite.gate import Gate
from csms_lite.house import House, furnish
from csms_lite.http import HttpServer, http_app
from csms_lite.listening import Addresses, check_exposure, open_ports, tls_of_people
from csms_lite.messages.file import open_log
from csms_lite.oversight import Oversight, oversee
from csms_lite.secretfile import read_secret
from csms_lite.settings import Settings
from csms_lite.stations.presence import Presence
from csms_lite.stations.sheet import Sheet
from csms_lite.store.thread import OpenDatabase, open_database
from csms_lite.store.writer import Store, open_store
from csms_lite.tls import with_own
from csms_lite.web import token_check
from edge.notifier import Notifier, feed_watchdog

log = structlog.get_logger(__name__)


async def serve(
    settings: Settings,
    *,
    clock: Clock,
    chance: Chance,
    stopping: asyncio.Event,
    ready: Callable[[Addresses], None],
    open_database: OpenDatabase = open_database,
    notifier: Notifier | None = None,
) -> None:
    """Run the central system until *stopping* is set; *ready* is called when both ports listen.

    *notifier* tells a service manager the same, and that the store still takes its turns.
    Raises `SettingsError` when a port is taken or the state directory cannot be used, and
    `StoreFailed` when the database cannot be opened.
    """
    settings = with_own(settings)
    tls = check_exposure(settings)
    people = tls_of_people(settings, tls)
    token = read_secret(settings.state_dir / "token", chance)
    with ExitStack() as held:
        passwords = held.enter_context(password_thread())
        ports = open_ports(settings, held, is_secure=tls is not None)
        ocpp_url = settings.ocpp_url or ports.addresses.ocpp
        async with _stores(settings, clock, open_database) as (log_store, store):
            presence = Presence(clock.now_ms())
            oversight = oversee(
                settings,
                store,
                log_store,
                clock=clock,
                chance=chance,
                presence=presence,
                contexts=[one for one in (tls, people) if one is not None],
            )
            house = await furnish(settings, store, clock, chance, oversight)
            office = await open_office(settings, store, clock, chance, passwords)
            gate = Gate([token_check(token), *office.authenticators()])
            sheet = Sheet(url=ocpp_url, heartbeat_s=settings.heartbeat_s)
            app = http_app(house, office, gate, sheet, oversight)
            http = HttpServer(app, people, settings.trusted_proxies)
            async with asyncio.TaskGroup() as tasks:
                endless = [*house.run(tasks, stopping), *office.run(tasks, stopping)]
                tasks.create_task(oversight.look_on(stopping), name="oversight")
                tasks.create_task(http.serve([ports.http]), name="http")
                await house.listen(ports, tls)
                await http.listening.wait()
                log.info("csms_started", ocpp=ports.addresses.ocpp, http=ports.addresses.http)
                manager = notifier or Notifier({})
                endless.append(
                    tasks.create_task(feed_watchdog(manager, store.come_round), name="watchdog")
                )
                ready(ports.addresses)
                manager.say("READY=1")
                await stopping.wait()
                manager.say("STOPPING=1")
                await _end(http, endless, oversight, house)
    log.info("csms_stopped")


@asynccontextmanager
async def _stores(
    settings: Settings, clock: Clock, open_database: OpenDatabase
) -> AsyncIterator[tuple[Store, Store]]:
    """Open the log's file and the money's; gives them in this order."""
    state_dir = settings.state_dir
    async with (
        open_log(state_dir, clock=clock, open_database=open_database) as log_store,
        open_store(state_dir / "csms.db", clock=clock, open_database=open_database) as store,
    ):
        yield log_store, store


async def _end(
    http: HttpServer, endless: Iterable[asyncio.Task[None]], oversight: Oversight, house: House
) -> None:
    """End what people and chargers hold, the stations last: they are told to come back."""
    http.end()
    for task in endless:
        task.cancel()
    oversight.end_streams()
    await house.close()
    oversight.close()
