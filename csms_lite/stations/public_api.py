"""What anybody may see of all stations: those that are there and can be found (D21, D23)."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from sqlalchemy import Connection

from csms_lite.accounts.limits import Limit, Rate
from csms_lite.audit.rules import address_of
from csms_lite.clock import Clock
from csms_lite.errors import NotFound
from csms_lite.stations.liveness import Patience
from csms_lite.stations.overview import Derived, Overview, derive, overview, overviews
from csms_lite.stations.presence import Presence
from csms_lite.stations.service import station_by_code
from csms_lite.stations.view import PRIVATE, public_station
from csms_lite.store.writer import Store

LOOKS: Final = Rate(120, 60)  # a page that asks every second, and its neighbours behind one address


def public_station_routes(
    store: Store, clock: Clock, presence: Presence, patience: Patience
) -> APIRouter:
    """Make the routes under /api/public/stations that list."""
    router = APIRouter(prefix="/api/public/stations", tags=["public"])

    looks = Limit(clock, "looks from your address", LOOKS)

    def shown(seen: Overview) -> Derived | None:
        now = derive(seen, presence, patience, clock.now_ms())
        is_private = now.state in PRIVATE or seen.station.registration != "Accepted"
        return None if is_private else now

    @router.get("")
    async def list_stations(request: Request) -> list[dict[str, Any]]:
        """List the stations that drivers may know of; one that is broken is shown as such."""
        looks.take(address_of(request))
        return [
            public_station(seen, now, patience)
            for seen in await store.read(overviews)
            if (now := shown(seen)) is not None
        ]

    @router.get("/{code}")
    async def get_station(code: str, request: Request) -> dict[str, Any]:
        """Give one station."""
        looks.take(address_of(request))
        seen = await store.read(_by_code, code)
        now = shown(seen)
        if now is None:
            raise NotFound("there is no station with this code: check the sticker on the charger")
        return public_station(seen, now, patience)

    return router


def _by_code(db: Connection, code: str) -> Overview:
    return overview(db, station_by_code(db, code).identity)
