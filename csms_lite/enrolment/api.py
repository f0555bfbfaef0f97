"""HTTP routes on unknown tags and on enrolment by a tap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from csms_lite.clock import Clock, maybe_rfc3339, rfc3339
from csms_lite.enrolment import service
from csms_lite.enrolment.rules import (
    LONGEST_S,
    MOST_UNKNOWN,
    SHORTEST_S,
    USUAL_S,
    Enrolment,
    UnknownTag,
    state_of,
)
from csms_lite.gate import Operator, Viewer
from csms_lite.people.api import Tag
from csms_lite.people.bodies import CardBody, LabelText, TagText, UserId, card_json, moment
from csms_lite.people.rules import Card
from csms_lite.store.writer import Store


class EnrolBody(BaseModel):
    """How long to wait for a tap, and what the card will be."""

    model_config = ConfigDict(extra="forbid")

    seconds: Annotated[int, Field(ge=SHORTEST_S, le=LONGEST_S)] = USUAL_S
    kind: Literal["rfid", "guest"] = "rfid"
    label: LabelText | None = None
    user_id: UserId | None = None
    parent: TagText | None = None
    expiry: AwareDatetime | None = None


def unknown_routes(store: Store, clock: Clock, changed: Callable[[], None]) -> APIRouter:
    """Make the routes under /api/unknown-cards; *changed* is told of a new card."""
    router = APIRouter(prefix="/api/unknown-cards", tags=["cards"])

    @router.get("")
    async def list_unknown(
        _who: Viewer, count: Annotated[int, Query(ge=1, le=MOST_UNKNOWN)] = 100
    ) -> list[dict[str, Any]]:
        """List tags that were presented and that nobody knows, newest first."""
        return [_unknown(one) for one in await store.read(service.list_unknown, count)]

    @router.post("/{tag}/accept", status_code=201)
    async def accept(tag: Tag, who: Operator, body: CardBody | None = None) -> dict[str, Any]:
        """Make an unknown tag a card; without a body it is a good card."""
        card = (body or CardBody()).card(tag)
        kept = await store.do(service.accept, card, clock.now_ms(), who=who.name)
        changed()
        return card_json(kept)

    @router.delete("/{tag}", status_code=204)
    async def dismiss(tag: Tag, _who: Operator) -> Response:
        """Take an unknown tag off the list until it is presented again."""
        await store.do(service.dismiss, tag)
        return Response(status_code=204)

    return router


def enrol_routes(store: Store, clock: Clock) -> APIRouter:
    """Make the routes under /api/chargers/ID/enrol."""
    router = APIRouter(prefix="/api/chargers", tags=["cards"])

    @router.post("/{charger}/enrol", status_code=201)
    async def enrol(charger: str, who: Operator, body: EnrolBody | None = None) -> dict[str, Any]:
        """Wait some seconds for a tap at a charger: the next unknown tag becomes a card."""
        told, now_ms = body or EnrolBody(), clock.now_ms()
        card = Card(
            tag="",
            status="Accepted",
            parent=told.parent,
            expires_at_ms=moment("expiry", told.expiry),
            kind=told.kind,
            label=told.label,
            user_id=told.user_id,
        )
        until_ms = now_ms + told.seconds * 1000
        opened = await store.do(
            service.open_window, charger, card, until_ms=until_ms, now_ms=now_ms, who=who.name
        )
        return _enrolment(opened, now_ms)

    @router.get("/{charger}/enrol")
    async def get_enrolment(charger: str, _who: Viewer) -> dict[str, Any]:
        """Give the last enrolment at a charger: open, done, cancelled or lapsed."""
        return _enrolment(await store.read(service.window, charger), clock.now_ms())

    @router.delete("/{charger}/enrol", status_code=204)
    async def cancel(charger: str, _who: Operator) -> Response:
        """Wait for a tap no longer."""
        await store.do(service.cancel, charger, clock.now_ms())
        return Response(status_code=204)

    return router


def _unknown(one: UnknownTag) -> dict[str, Any]:
    return {
        "tag": one.tag,
        "charger": one.charger,
        "connector": one.connector,
        "count": one.presented,
        "first_at": rfc3339(one.first_at_ms),
        "last_at": rfc3339(one.last_at_ms),
    }


def _enrolment(window: Enrolment, now_ms: int) -> dict[str, Any]:
    return {
        "state": state_of(window, now_ms),
        "opened_at": rfc3339(window.opened_at_ms),
        "until": rfc3339(window.until_ms),
        "kind": window.kind,
        "label": window.label,
        "user_id": window.user_id,
        "parent": window.parent,
        "expiry": maybe_rfc3339(window.expires_at_ms),
        "tag": window.tag,
    }
