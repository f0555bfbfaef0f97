"""HTTP routes on sites and on what staff says of connectors."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from csms_lite.clock import Clock
from csms_lite.gate import Admin, Operator, Viewer
from csms_lite.stations import site_service, view
from csms_lite.stations.rules import MOST_CONNECTORS
from csms_lite.stations.service import station
from csms_lite.stations.sites import Plate
from csms_lite.store.writer import Store

MAX_ID = 2**53  # what JSON numbers carry exactly everywhere
SiteId = Annotated[int, Field(ge=1, le=MAX_ID)]
Number = Annotated[int, Field(ge=1, le=MOST_CONNECTORS)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
LongText = Annotated[str, Field(max_length=2000)]


class SiteBody(BaseModel):
    """What an operator may say of a site; what is left out stays, `null` takes it back."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: Name | None = None
    address: Annotated[str, Field(max_length=200)] | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    time_zone: Annotated[str, Field(min_length=1, max_length=64)] | None = "UTC"
    note: LongText | None = None
    description: LongText | None = None


class NewSiteBody(SiteBody):
    """A site that is not there yet."""

    name: Name


class PlateBody(BaseModel):
    """What the plate of a connector says; ratings as given."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    type: Annotated[str, Field(min_length=1, max_length=40)]
    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    power_w: Annotated[int, Field(gt=0, le=10_000_000)] | None = None
    voltage_v: Annotated[int, Field(gt=0, le=10_000)] | None = None
    current_a: Annotated[float, Field(gt=0, le=10_000)] | None = None
    phases: Annotated[int, Field(ge=1, le=3)] | None = None


def site_routes(store: Store, clock: Clock) -> APIRouter:
    """Make the routes under /api/sites."""
    router = APIRouter(prefix="/api/sites", tags=["sites"])

    @router.get("")
    async def list_sites(_who: Viewer) -> list[dict[str, Any]]:
        """List all sites."""
        return [view.site(one) for one in await store.read(site_service.list_sites)]

    @router.post("", status_code=201)
    async def add_site(body: NewSiteBody, _who: Operator) -> dict[str, Any]:
        """Add a site."""
        told = body.model_dump(exclude_unset=True)
        return view.site(await store.do(site_service.add_site, told, clock.now_ms()))

    @router.get("/{site_id}")
    async def get_site(site_id: SiteId, _who: Viewer) -> dict[str, Any]:
        """Give one site."""
        return view.site(await store.read(site_service.site, site_id))

    @router.patch("/{site_id}")
    async def change_site(site_id: SiteId, body: SiteBody, _who: Operator) -> dict[str, Any]:
        """Change what is given of a site."""
        told = body.model_dump(exclude_unset=True)
        changed = await store.do(site_service.change_site, site_id, told, clock.now_ms())
        return view.site(changed)

    @router.delete("/{site_id}", status_code=204)
    async def drop_site(site_id: SiteId, _who: Admin) -> Response:
        """Forget a site where no charger stands."""
        await store.do(site_service.drop_site, site_id)
        return Response(status_code=204)

    return router


def plate_routes(store: Store, clock: Clock) -> APIRouter:
    """Make the routes on what staff says of connectors."""
    router = APIRouter(prefix="/api/chargers", tags=["chargers"])

    @router.get("/{charger}/connectors")
    async def list_plates(charger: str, _who: Viewer) -> list[dict[str, Any]]:
        """List what staff says of a charger's connectors."""
        known = await store.read(station, charger)
        return [one._asdict() for one in await store.read(site_service.plates_of, known.station_id)]

    @router.put("/{charger}/connectors/{connector}")
    async def put_plate(
        charger: str,
        connector: Number,
        body: PlateBody,
        _who: Operator,
    ) -> dict[str, Any]:
        """Describe a connector anew."""
        told = Plate(connector=connector, **body.model_dump())
        return (await store.do(site_service.mount, charger, told, clock.now_ms()))._asdict()

    @router.delete("/{charger}/connectors/{connector}", status_code=204)
    async def drop_plate(
        charger: str,
        connector: Number,
        _who: Operator,
    ) -> Response:
        """Take the description of a connector back."""
        await store.do(site_service.unmount, charger, connector)
        return Response(status_code=204)

    return router
