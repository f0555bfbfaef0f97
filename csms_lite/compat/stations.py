"""Seed D's routes on stations and connectors: `/station…` and `/connector`.

A station of seed D is a charger of ours at a site of its own; its number is our `chargerId`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path
from sqlalchemy import Connection

from csms_lite.charging.api import Counter
from csms_lite.charging.service import only_open
from csms_lite.clock import maybe_rfc3339
from csms_lite.compat.charging import begin, end
from csms_lite.compat.shapes import (
    ENDED,
    LARGEST_ID,
    NOT_BUILT,
    ChangedStationTold,
    ChargeTold,
    ConnectorType,
    LastCharge,
    NewStationTold,
    OwnStation,
    PublicStation,
    StationTold,
    Usage,
    connector_type,
    last_charge,
    types,
    usage,
)
from csms_lite.errors import NotBuilt, NotFound, Refused, Unacceptable
from csms_lite.gate import Account, Admin
from csms_lite.sessions.service import list_sessions
from csms_lite.stations import service, site_service
from csms_lite.stations.liveness import Patience
from csms_lite.stations.overview import Overview, derive, overview, overviews
from csms_lite.stations.rules import Station
from csms_lite.stations.sites import Plate
from csms_lite.stations.view import PRIVATE
from csms_lite.tariffs.rules import Tariff
from csms_lite.tariffs.service import current_tariff

NO_LIMIT = 2**62  # above every transaction number
LOOKED_AT = 100  # sessions under way or never begun that may stand before the last that ended
RESERVING = "reservations come with issue 7: until then a charger is had by starting there"
StationId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Yard:
    """What the routes on stations work with."""

    counter: Counter
    patience: Patience

    def words(self, seen: Overview, tariff: Tariff | None) -> dict[str, Any]:
        """Give what seed D says of a station."""
        station, presence = seen.station, self.counter.presence
        now = derive(seen, presence, self.patience, self.counter.clock.now_ms())
        heard_at_ms = presence.heard_at_ms(station.station_id) or station.heard_at_ms
        return {
            "id": station.station_id,
            "name": station.name,
            "lat": None if seen.site is None else seen.site.latitude,
            "lon": None if seen.site is None else seen.site.longitude,
            "price": None if tariff is None else tariff.per_kwh_minor,
            "status": now.state.value,
            "dismissed": station.dismissed_at_ms is not None,
            "last_heartbeat": maybe_rfc3339(heard_at_ms),
            "description": station.description,
            "connectors": [connector_type(one) for one in seen.plates],
        }

    def is_hidden(self, seen: Overview) -> bool:
        """Say whether the public does not see a station (1.7 row 23)."""
        now = derive(seen, self.counter.presence, self.patience, self.counter.clock.now_ms())
        return now.state in PRIVATE or seen.station.registration != "Accepted"


def station_routes(yard: Yard) -> APIRouter:
    """Make the routes that anybody may call, and those of drivers."""
    router = APIRouter(tags=["compatibility"])
    counter = yard.counter
    store = counter.store

    @router.get("/station")
    async def list_stations() -> list[PublicStation]:
        """List the stations that drivers may know of."""
        found, tariff = await store.read(_all)
        return [
            PublicStation(**yard.words(seen, tariff)) for seen in found if not yard.is_hidden(seen)
        ]

    @router.get("/connector")
    async def list_types() -> list[ConnectorType]:
        """List the types of connectors."""
        return types()

    @router.get("/station/{station}")
    async def get_station(station: StationId) -> PublicStation:
        """Give one station."""
        seen, tariff = await store.read(_one, station)
        if yard.is_hidden(seen):
            raise NotFound(f"there is no station {station}")
        return PublicStation(**yard.words(seen, tariff))

    @router.get("/station/{station}/last_charge")
    async def get_last_charge(station: StationId) -> LastCharge | None:
        """Give the last charge that ended at a station: of nobody, to the hour."""
        seen, _ = await store.read(_one, station)
        if yard.is_hidden(seen):
            raise NotFound(f"there is no station {station}")
        wanted = {"charger": seen.station.identity}
        found = await store.read(list_sessions, wanted, NO_LIMIT, LOOKED_AT)
        return next((last_charge(one) for one in found if one.state in ENDED), None)

    @router.post("/station/{station}/start_charging")
    async def start(station: StationId, who: Account, body: ChargeTold | None = None) -> Usage:
        """Start charging at a station that is free, or reserved by oneself."""
        told = body or ChargeTold()
        known = await store.read(service.station_by_id, station)
        return usage(
            await begin(counter, who, known.station_id, connector=told.connector, tag=told.tag)
        )

    @router.post("/station/{station}/stop_charging")
    async def stop(station: StationId, who: Account) -> Usage:
        """End one's own charge at a station."""
        known = await store.read(only_open, who.user_id, station)
        return usage(await end(counter, who, known))

    return router


def later_routes() -> APIRouter:
    """Make the routes whose content comes later: each says what will bring it."""
    router = APIRouter(prefix="/station", tags=["compatibility"], responses=NOT_BUILT)

    @router.get("/report")
    async def report(_who: Admin) -> None:
        """Say that the report of the current year comes later."""
        raise NotBuilt("the year's report of consumption and earnings comes with issue 9")

    @router.get("/{station}/last_reservation")
    async def last_reservation(station: StationId) -> None:
        """Say that reservations come later."""
        raise NotBuilt(f"{RESERVING} (station {station})")

    @router.post("/{station}/reserve")
    async def reserve(station: StationId, _who: Account) -> None:
        """Say that reservations come later."""
        raise NotBuilt(f"{RESERVING} (station {station})")

    @router.post("/{station}/cancel_reservation")
    async def cancel(station: StationId, _who: Account) -> None:
        """Say that reservations come later."""
        raise NotBuilt(f"{RESERVING} (station {station})")

    return router


def station_changes(yard: Yard) -> APIRouter:
    """Make the routes by which administrators add and change stations."""
    router = APIRouter(prefix="/station", tags=["compatibility"])
    counter = yard.counter

    @router.post("")
    async def add(body: NewStationTold, _who: Admin) -> OwnStation:
        """Add a station at a site of the same name."""
        identity = body.charge_point_id or counter.chance.code()
        made = await counter.store.do(
            _add, identity, body, make_code=counter.chance.code, now_ms=counter.clock.now_ms()
        )
        return await _own(yard, made)

    @router.patch("")
    async def change(body: ChangedStationTold, _who: Admin) -> OwnStation:
        """Change what is given of a station."""
        known = await counter.store.do(
            _change, body.id, body, make_code=counter.chance.code, now_ms=counter.clock.now_ms()
        )
        return await _own(yard, known)

    return router


async def _own(yard: Yard, made: Station) -> OwnStation:
    seen, tariff = await yard.counter.store.read(_one, made.station_id)
    words = yard.words(seen, tariff)
    return OwnStation(**words, notes=seen.station.note, charge_point_id=seen.station.identity)


def _all(db: Connection) -> tuple[list[Overview], Tariff | None]:
    return overviews(db), current_tariff(db)


def _one(db: Connection, station_id: int) -> tuple[Overview, Tariff | None]:
    return overview(db, service.station_by_id(db, station_id).identity), current_tariff(db)


def _add(
    db: Connection,
    identity: str,
    told: NewStationTold,
    *,
    make_code: Callable[[], str],
    now_ms: int,
) -> Station:
    if service.is_known(db, identity):
        raise Refused(f"there is a charge point {identity!r} already: change it with PATCH")
    made = service.put_station(db, identity, {}, make_code=make_code, now_ms=now_ms)
    return _change(db, made.station_id, told, make_code=make_code, now_ms=now_ms)


def _change(
    db: Connection,
    station_id: int,
    told: StationTold,
    *,
    make_code: Callable[[], str],
    now_ms: int,
) -> Station:
    """Spread what is told of a station over charger, site and plates: one transaction."""
    known = service.station_by_id(db, station_id)
    tariff = current_tariff(db)
    if told.price is not None and (tariff is None or tariff.per_kwh_minor != told.price):
        raise Refused("one price holds for all stations: set it by PUT /api/tariff")
    changes: dict[str, Any] = told.model_dump(
        exclude_none=True, include={"name", "description", "dismissed"}
    )
    if told.notes is not None:
        changes["note"] = told.notes
    place = {"latitude": told.lat, "longitude": told.lon}
    place = {name: value for name, value in place.items() if value is not None}
    if place and known.site_id is not None:
        site_service.change_site(db, known.site_id, place, now_ms)
    elif place:
        named = {"name": told.name or known.name, **place}
        changes["site_id"] = site_service.add_site(db, named, now_ms).site_id
    if told.connectors is not None:
        _mount(db, known, told.connectors, now_ms)
    return service.put_station(db, known.identity, changes, make_code=make_code, now_ms=now_ms)


def _mount(db: Connection, known: Station, numbers: list[int], now_ms: int) -> None:
    catalogue = {one.id: one for one in types()}
    for one in site_service.plates_of(db, known.station_id):
        site_service.unmount(db, known.identity, one.connector)
    for connector, number in enumerate(numbers, 1):
        kind = catalogue.get(number)
        if kind is None:
            raise Unacceptable(f"there is no connector {number}: see GET /connector")
        site_service.mount(db, known.identity, Plate(connector=connector, type=kind.name), now_ms)
