"""Which routes there are, group by group: of cards, of chargers, of sessions."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter

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
from csms_lite.history.api import history_routes
from csms_lite.live.feed import Feed
from csms_lite.local_list.api import local_list_routes
from csms_lite.ocpp.outgoing import check_payload
from csms_lite.ocpp.session import Desk
from csms_lite.people.api import card_routes, group_routes, own_card_routes, sheet_routes
from csms_lite.sessions.api import close_routes, session_files, session_routes
from csms_lite.sessions.rules import Session
from csms_lite.stations.api import charger_routes, told_routes
from csms_lite.stations.import_api import import_routes
from csms_lite.stations.inbox_api import inbox_routes
from csms_lite.stations.public_api import public_station_routes
from csms_lite.stations.sheet import Sheet
from csms_lite.stations.site_api import plate_routes, site_routes
from csms_lite.stations.view import ChargerView
from csms_lite.tariffs.api import tariff_routes


def card_routers(desk: Desk) -> tuple[APIRouter, ...]:
    """Give the routes on who may charge, and where."""
    store, clock, chance, changed = desk.store, desk.clock, desk.chance, desk.lists.cards_changed
    return (
        card_routes(store, clock, changed),
        own_card_routes(store, clock, chance.virtual_tag),
        sheet_routes(store, clock, changed),
        group_routes(store, clock, changed),
        unknown_routes(store, clock, changed),
        enrol_routes(store, clock),
        access_routes(store, desk.access),
        local_list_routes(store, clock, desk.lists.touch, by_setting=desk.lists.by_setting),
    )


def charger_routers(
    desk: Desk, sheet: Sheet, feed: Feed, public_url: str | None
) -> tuple[APIRouter, ...]:
    """Give the routes on sites and chargers, and what is asked of them."""
    store, clock, chance = desk.store, desk.clock, desk.chance
    view = ChargerView(clock=clock, presence=desk.presence, patience=desk.patience, sheet=sheet)
    files = Files(
        store=store,
        clock=clock,
        chance=chance,
        shelf=desk.shelf,
        asking=Asking(store, clock, chance, desk.outgoing, check_payload),
        public_url=public_url,
    )
    return (
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
        certificate_routes(store, clock, chance, desk.outgoing.ring),
        file_routes(files),
        station_routes(files),
        history_routes(store),
    )


def session_routers(
    desk: Desk, feed: Feed, look: Callable[[Session], None], office: Office
) -> tuple[APIRouter, ...]:
    """Give the routes on sessions and the price, and those of older systems.

    *look* is told which session somebody watches.
    """
    store, clock, chance = desk.store, desk.clock, desk.chance
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
    return (
        tariff_routes(store, clock, feed.touch_all),
        session_files(store, clock, desk.presence),  # before the routes with a number
        session_routes(store, clock, desk.presence, look=look, expiry_ms=desk.expiry_ms),
        close_routes(store, clock, feed.touch),
        charging_routes(counter),
        *compat_routes(counter, desk.patience, office),
    )
