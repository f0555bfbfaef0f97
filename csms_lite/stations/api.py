"""HTTP routes on chargers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from csms_lite.chance import Chance
from csms_lite.clock import Clock, maybe_rfc3339, rfc3339
from csms_lite.gate import Operator, Viewer
from csms_lite.stations import service
from csms_lite.stations.presence import Presence
from csms_lite.stations.rules import Connector, Station
from csms_lite.store.writer import Store


class ChargerBody(BaseModel):
    """What an operator may say of a charger; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    code: str | None = None
    registration: str | None = None


def charger_routes(
    store: Store,
    clock: Clock,
    chance: Chance,
    presence: Presence,
    touched: Callable[[int], None],
) -> APIRouter:
    """Make the routes under /api/chargers; *touched* is told whose description changed."""
    router = APIRouter(prefix="/api/chargers", tags=["chargers"])

    @router.get("")
    async def list_chargers(_who: Viewer) -> list[dict[str, Any]]:
        """List all chargers with their connectors."""
        known = await store.read(_all)
        return [_charger(station, connectors, presence) for station, connectors in known]

    @router.get("/{charger}")
    async def get_charger(charger: str, _who: Viewer) -> dict[str, Any]:
        """Give one charger."""
        return _charger(*await store.read(_one, charger), presence)

    @router.put("/{charger}")
    async def put_charger(
        charger: str, _who: Operator, body: ChargerBody | None = None
    ) -> dict[str, Any]:
        """Add a charger, or change what is given of it."""
        told = body or ChargerBody()
        station = await store.do(
            service.put_station,
            charger,
            name=told.name,
            code=told.code,
            registration=told.registration,
            make_code=chance.code,
            now_ms=clock.now_ms(),
        )
        touched(station.station_id)
        return _charger(*await store.read(_one, charger), presence)

    @router.get("/{charger}/events")
    async def list_events(
        charger: str, _who: Viewer, count: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> list[dict[str, Any]]:
        """List what was noted of a charger, newest first: conflicts, firmware, refusals."""
        events = await store.read(_events, charger, count)
        return [
            {
                "at": rfc3339(event.at_ms),
                "kind": event.kind,
                "connector": event.connector,
                "transaction_id": event.transaction_id,
                "details": event.details,
            }
            for event in events
        ]

    return router


def _all(db: Connection) -> list[tuple[Station, list[Connector]]]:
    return [
        (station, service.list_connectors(db, station.station_id))
        for station in service.list_stations(db)
    ]


def _one(db: Connection, charger: str) -> tuple[Station, list[Connector]]:
    station = service.station(db, charger)
    return station, service.list_connectors(db, station.station_id)


def _events(db: Connection, charger: str, count: int) -> list[service.Event]:
    return service.notes_on_station(db, service.station(db, charger).station_id, count)


def _charger(station: Station, connectors: list[Connector], presence: Presence) -> dict[str, Any]:
    heard_at_ms = presence.heard_at_ms(station.station_id) or station.heard_at_ms
    return {
        "id": station.identity,
        "code": station.code,
        "name": station.name,
        "registration": station.registration,
        "connected": presence.is_online(station.station_id),
        "heard_at": maybe_rfc3339(heard_at_ms),
        "booted_at": maybe_rfc3339(station.booted_at_ms),
        "vendor": station.vendor,
        "model": station.model,
        "serial": station.serial,
        "firmware": station.firmware,
        "connectors": [
            {
                "connector": one.connector,
                "status": one.status,
                "error_code": one.error_code,
                "info": one.info,
                "since": rfc3339(one.since_ms),
            }
            for one in connectors
        ],
    }
