"""HTTP routes on those who knocked without being known."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from csms_lite.chance import Chance
from csms_lite.clock import Clock, rfc3339
from csms_lite.errors import Refused
from csms_lite.gate import Operator, Viewer
from csms_lite.stations import door_service, service
from csms_lite.stations.door import CERTIFICATE, NOTHING
from csms_lite.stations.inbox import Stranger
from csms_lite.store.writer import Store

MAX_ID = 2**53  # what JSON numbers carry exactly everywhere


class AcceptBody(BaseModel):
    """How a stranger is taken in."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    site_id: Annotated[int, Field(ge=1, le=MAX_ID)] | None = None
    profile: Annotated[int, Field(ge=0, le=3)] = 1


def inbox_routes(store: Store, clock: Clock, chance: Chance) -> APIRouter:
    """Make the routes under /api/inbox."""
    router = APIRouter(prefix="/api/inbox", tags=["chargers"])

    @router.get("")
    async def list_strangers(_who: Viewer) -> list[dict[str, Any]]:
        """List who knocked, the newest first; none of them is in service."""
        return [_stranger(one) for one in await store.read(door_service.list_strangers)]

    @router.post("/{identity}/accept", status_code=201)
    async def accept(
        identity: str, _who: Operator, body: AcceptBody | None = None
    ) -> dict[str, Any]:
        """Take a stranger in; its key is shown here, once, unless its profile needs none."""
        told = body or AcceptBody()
        key = None if told.profile in KEYLESS else chance.key()
        changes = told.model_dump(exclude_none=True)
        await store.do(_accept, identity, changes, key, chance=chance, now_ms=clock.now_ms())
        return {"id": identity, "security_profile": told.profile, "key": key}

    @router.delete("/{identity}", status_code=204)
    async def forget(identity: str, _who: Operator) -> Response:
        """Take one out of the inbox; it comes back when it knocks again."""
        await store.do(door_service.forget_stranger, identity)
        return Response(status_code=204)

    return router


KEYLESS = (NOTHING, CERTIFICATE)  # nothing is shown, or a certificate is


def _accept(
    db: Connection,
    identity: str,
    changes: dict[str, Any],
    key: str | None,
    *,
    chance: Chance,
    now_ms: int,
) -> None:
    if service.is_known(db, identity):
        raise Refused(f"there is a charger {identity!r} already: change it with PUT")
    door_service.forget_stranger(db, identity)
    service.put_station(db, identity, changes, make_code=chance.code, now_ms=now_ms)
    if key is not None:
        door_service.add_key(db, identity, key, salt=chance.salt(), now_ms=now_ms)


def _stranger(one: Stranger) -> dict[str, Any]:
    return {
        "id": one.identity,
        "address": one.address,
        "knocks": one.knocks,
        "first_at": rfc3339(one.first_at_ms),
        "last_at": rfc3339(one.last_at_ms),
        "vendor": one.vendor,
        "model": one.model,
        "serial": one.serial,
        "firmware": one.firmware,
    }
