"""HTTP routes on chargers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from csms_lite.chance import Chance
from csms_lite.clock import Clock, rfc3339
from csms_lite.errors import Refused
from csms_lite.gate import Operator, Viewer
from csms_lite.stations import service
from csms_lite.stations.overview import overview, overviews
from csms_lite.stations.rules import Station
from csms_lite.stations.view import ChargerView
from csms_lite.store.writer import Store
from csms_lite.web import MAX_ID

Text50 = Annotated[str, Field(max_length=50)]


class ChargerBody(BaseModel):
    """What an operator may say of a charger; what is left out stays, `null` takes it back."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    code: str | None = None
    registration: str | None = None
    site_id: Annotated[
        int | None,
        Field(ge=1, le=MAX_ID, validation_alias=AliasChoices("site_id", "station_id")),
    ] = None
    note: Annotated[str, Field(max_length=2000)] | None = None
    description: Annotated[str, Field(max_length=2000)] | None = None
    dismissed: bool = False
    profile: Annotated[int, Field(ge=0, le=3)] | None = None
    vendor: Text50 | None = None
    model: Text50 | None = None
    serial: Annotated[
        Text50 | None, Field(validation_alias=AliasChoices("serial", "serial_number"))
    ] = None


class NewChargerBody(ChargerBody):
    """A charger that is not there yet; seed B's names are taken as well as ours."""

    id: Annotated[str, Field(validation_alias=AliasChoices("id", "charge_point_string_id"))]


def charger_routes(
    store: Store,
    clock: Clock,
    chance: Chance,
    view: ChargerView,
    touched: Callable[[int], None],
) -> APIRouter:
    """Make the routes under /api/chargers; *touched* is told whose description changed."""
    router = APIRouter(prefix="/api/chargers", tags=["chargers"])

    @router.get("")
    async def list_chargers(_who: Viewer) -> list[dict[str, Any]]:
        """List all chargers with their connectors."""
        return [view.charger(one) for one in await store.read(overviews)]

    @router.post("", status_code=201)
    async def add_charger(body: NewChargerBody, _who: Operator) -> dict[str, Any]:
        """Add a charger; 409 when there is one of this id."""
        changes = body.model_dump(exclude_unset=True)
        identity = changes.pop("id")
        station = await store.do(
            _add, identity, changes, make_code=chance.code, now_ms=clock.now_ms()
        )
        touched(station.station_id)
        return view.charger(await store.read(overview, identity))

    @router.get("/{charger}")
    async def get_charger(charger: str, _who: Viewer) -> dict[str, Any]:
        """Give one charger, by its id or its `chargerId`."""
        known = await store.read(service.station_named, charger)
        return view.charger(await store.read(overview, known.identity))

    @router.put("/{charger}")
    async def put_charger(
        charger: str, _who: Operator, body: ChargerBody | None = None
    ) -> dict[str, Any]:
        """Add a charger, or change what is given of it."""
        station = await store.do(
            service.put_station,
            charger,
            {} if body is None else body.model_dump(exclude_unset=True),
            make_code=chance.code,
            now_ms=clock.now_ms(),
        )
        touched(station.station_id)
        return view.charger(await store.read(overview, charger))

    @router.delete("/{charger}")
    async def dismiss_charger(charger: str, _who: Operator) -> dict[str, Any]:
        """Take a charger out of use: hidden from drivers, its history is kept."""
        station = await store.do(_dismiss, charger, chance.code, clock.now_ms())
        touched(station.station_id)
        return view.charger(await store.read(overview, charger))

    return router


def told_routes(store: Store, view: ChargerView) -> APIRouter:
    """Make the routes on what is to be told to a charger's installer, and was noted of it."""
    router = APIRouter(prefix="/api/chargers", tags=["chargers"])

    @router.get("/{charger}/sheet")
    async def get_sheet(charger: str, _who: Viewer) -> dict[str, Any]:
        """Give what whoever installs it types into it."""
        return view.sheet.of(await store.read(service.station, charger))

    @router.get("/{charger}/events")
    async def list_events(
        charger: str,
        _who: Viewer,
        count: Annotated[int, Query(ge=1, le=1000)] = 100,
        states: Annotated[bool, Query()] = False,
    ) -> list[dict[str, Any]]:
        """List what was noted of a charger, newest first: conflicts, firmware, refusals.

        With `states=true` also each change of its connection and of its state.
        """
        events = await store.read(_events, charger, count, states)
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


def _add(
    db: Connection,
    identity: str,
    changes: dict[str, Any],
    *,
    make_code: Callable[[], str],
    now_ms: int,
) -> Station:
    if service.is_known(db, identity):
        raise Refused(f"there is a charger {identity!r} already: change it with PUT")
    return service.put_station(db, identity, changes, make_code=make_code, now_ms=now_ms)


def _dismiss(db: Connection, charger: str, make_code: Callable[[], str], now_ms: int) -> Station:
    known = service.station(db, charger)
    changes = {"dismissed": True}
    return service.put_station(db, known.identity, changes, make_code=make_code, now_ms=now_ms)


def _events(db: Connection, charger: str, count: int, states: bool) -> list[service.Event]:
    station_id = service.station(db, charger).station_id
    return service.notes_on_station(db, station_id, count, with_states=states)
