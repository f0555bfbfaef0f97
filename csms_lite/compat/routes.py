"""All routes for older systems, in the order in which they must be looked at."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import RedirectResponse

from csms_lite.accounts.office import Office
from csms_lite.charging.api import Counter
from csms_lite.compat.people import admin_routes, auth_routes, own_routes
from csms_lite.compat.stations import Yard, later_routes, station_changes, station_routes
from csms_lite.compat.transactions import charge_it_routes, transaction_routes
from csms_lite.stations.liveness import Patience


def compat_routes(counter: Counter, patience: Patience, office: Office) -> tuple[APIRouter, ...]:
    """Give all routes; fixed names first, for `report` is no number of a station."""
    yard = Yard(counter=counter, patience=patience)
    return (
        transaction_routes(counter),
        charge_it_routes(counter, patience),
        auth_routes(office.door, office.mail_desk),
        own_routes(counter.store, counter.clock, office.door),
        admin_routes(counter.store, counter.clock),
        later_routes(),
        station_routes(yard),
        station_changes(yard),
        docs_routes(),
    )


def docs_routes() -> APIRouter:
    """Make seed E's address of the documentation."""
    router = APIRouter(tags=["compatibility"])

    @router.get("/docs", response_class=RedirectResponse, status_code=307)
    async def docs() -> RedirectResponse:
        """Lead to the description of the API."""
        return RedirectResponse("/api/docs", 307)

    return router
