"""HTTP routes on cards."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from csms_lite.clock import Clock, maybe_rfc3339, to_ms
from csms_lite.errors import Unacceptable
from csms_lite.gate import Operator, Viewer
from csms_lite.people import service
from csms_lite.people.rules import TAG_LENGTH, Card
from csms_lite.store.writer import Store

Tag = Annotated[str, Path(min_length=1, max_length=TAG_LENGTH)]


class CardBody(BaseModel):
    """What may be said of a card."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["Accepted", "Blocked"] = "Accepted"
    parent: Annotated[str, Field(min_length=1, max_length=TAG_LENGTH)] | None = None
    expiry: AwareDatetime | None = None


def card_routes(store: Store, clock: Clock) -> APIRouter:
    """Make the routes under /api/cards."""
    router = APIRouter(prefix="/api/cards", tags=["cards"])

    @router.get("")
    async def list_cards(
        _who: Viewer, after: str = "", count: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> list[dict[str, Any]]:
        """List cards in order; the next page comes *after* the last one's tag."""
        return [_card(card) for card in await store.read(service.list_cards, after, count)]

    @router.get("/{tag}")
    async def get_card(tag: Tag, _who: Viewer) -> dict[str, Any]:
        """Give one card."""
        return _card(await store.read(service.card, tag))

    @router.put("/{tag}")
    async def put_card(tag: Tag, _who: Operator, body: CardBody | None = None) -> dict[str, Any]:
        """Add a card, or change it whole; without a body it is a good card."""
        told = body or CardBody()
        card = Card(
            tag=tag, status=told.status, parent=told.parent, expires_at_ms=_to_ms(told.expiry)
        )
        return _card(await store.do(service.put_card, card, clock.now_ms()))

    @router.delete("/{tag}", status_code=204)
    async def remove_card(tag: Tag, _who: Operator) -> Response:
        """Forget a card; its sessions stay."""
        await store.do(service.remove_card, tag)
        return Response(status_code=204)

    return router


def _card(card: Card) -> dict[str, Any]:
    return {
        "tag": card.tag,
        "status": card.status,
        "parent": card.parent,
        "expiry": maybe_rfc3339(card.expires_at_ms),
    }


def _to_ms(at: datetime | None) -> int | None:
    try:
        return None if at is None else to_ms(at)
    except OverflowError as failure:
        raise Unacceptable("expiry is a date of the years 1 to 9999 in UTC") from failure
