"""The central system started, and ended in order.

The end: accept no more, OCPP sockets 1012, streams ended, HTTP drained, then the store: what was
asked before is committed and answered or not answered at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack

import structlog

from csms_lite.accounts.office import open_office
from csms_lite.accounts.passwords import password_thread
from csms_lite.chance import Chance
from csms_lite.clock import Clock
from csms_lite.gate import Gate
from csms_lite.house import furnish
from csms_lite.http import HttpServer, http_app
from csms_lite.listening import (
    Addresses,
    address_of,
    bound_socket,
    check_exposure,
    tls_of_people,
)
from csms_lite.messages.file import open_log
from csms_lite.oversight import oversee
from csms_lite.secretfile import read_secret
from csms_lite.settings import Settings
from csms_lite.stations.presence import Presence
from csms_lite.stations.sheet import Sheet
from csms_lite.store.thread import OpenDatabase, open_database
from csms_lite.store.writer import open_store
from csms_lite.web import token_check

log = structlog.get_logger(__name__)


async def serve(
    settings: Settings,
    *,
    clock: Clock,
    chance: Chance,
    stopping: asyncio.Event,
    ready: Callable[[Addresses], None],
    open_database: OpenDatabase = open_database,
) -> None:
    """Run the central system until *stopping* is set; *ready* is called when both ports listen.

    Raises `SettingsError` when a port is taken or the state directory cannot be used, and
    `StoreFailed` when the database cannot be opened.
    """
    tls = check_exposure(settings)
    token = read_secret(settings.state_dir / "token", chance)
    with ExitStack() as held:
        passwords = held.enter_context(password_thread())
        ocpp_socket = held.enter_context(bound_socket(settings.host, settings.ocpp_port))
        http_socket = held.enter_context(bound_socket(settings.host, settings.http_port))
        plain_socket = None
        if settings.ocpp_plain_port is not None:
            plain_socket = held.enter_context(bound_socket(settings.host, settings.ocpp_plain_port))
        legacy_socket = None
        if settings.legacy_json_port is not None:
            legacy_socket = held.enter_context(
                bound_socket(settings.host, settings.legacy_json_port)
            )
        secure = "s" if tls else ""
        addresses = Addresses(
            ocpp=f"ws{secure}://{address_of(ocpp_socket)}/ocpp",
            http=f"http{secure}://{address_of(http_socket)}",
            ocpp_plain=f"ws://{address_of(plain_socket)}/ocpp" if plain_socket else None,
            legacy_json=f"ws://{address_of(legacy_socket)}/ocpp" if legacy_socket else None,
        )
        async with (
            open_log(settings.state_dir, clock=clock, open_database=open_database) as log_store,
            open_store(
                settings.state_dir / "csms.db", clock=clock, open_database=open_database
            ) as store,
        ):
            oversight = oversee(
                settings,
                store,
                log_store,
                clock=clock,
                chance=chance,
                presence=Presence(clock.now_ms()),
            )
            house = await furnish(settings, store, clock, chance, oversight)
            office = await open_office(settings, store, clock, chance, passwords)
            gate = Gate([token_check(token), *office.authenticators()])
            sheet = Sheet(url=settings.ocpp_url or addresses.ocpp, heartbeat_s=settings.heartbeat_s)
            http = HttpServer(
                http_app(house, office, gate, sheet, oversight), tls_of_people(settings, tls)
            )
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(house.feed.publish_on(), name="feed")
                tasks.create_task(house.tidy_on(stopping), name="tidy")
                tasks.create_task(oversight.look_on(stopping), name="oversight")
                signing = tasks.create_task(house.sign_on(), name="notary")
                if settings.trigger_when_watched:
                    tasks.create_task(house.freshness.refresh_on(stopping), name="freshness")
                tasks.create_task(office.tidy_on(stopping), name="tidy-people")
                posting = tasks.create_task(office.postman.deliver_on(), name="mail")
                tasks.create_task(house.desk.lists.follow_on(), name="local-lists")
                tasks.create_task(http.serve([http_socket]), name="http")
                await house.endpoint.listen(ocpp_socket, tls)
                if plain_socket is not None:
                    await house.endpoint.listen(plain_socket)
                if legacy_socket is not None:
                    await house.objects.listen(legacy_socket)
                await http.listening.wait()
                log.info("csms_started", ocpp=addresses.ocpp, http=addresses.http)
                ready(addresses)
                await stopping.wait()
                http.end()
                posting.cancel()
                signing.cancel()
                oversight.end_streams()
                await house.close()
                oversight.close()
    log.info("csms_stopped")
