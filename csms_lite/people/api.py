"""HTTP routes on cards and groups."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from csms_lite.clock import Clock
from csms_lite.csvtext import Cell, csv_answer
from csms_lite.errors import NotFound, Unacceptable
from csms_lite.gate import Account, Operator, Role, Viewer
from csms_lite.people import service, sheets
from csms_lite.people.bodies import (
    BlockBody,
    CardBody,
    GroupBody,
    card_json,
    change_json,
    group_json,
    own_card_json,
)
from csms_lite.people.rules import TAG_LENGTH, Group
from csms_lite.store.writer import Store

PAGE: Final = 500  # cards read at a time for a table: a page of others must not wait longer
SHEET: Final = {
    "requestBody": {"content": {"text/csv": {"schema": {"type": "string"}}}, "required": True}
}

Tag = Annotated[str, Path(min_length=1, max_length=TAG_LENGTH)]
Count = Annotated[int, Query(ge=1, le=1000)]


def card_routes(store: Store, clock: Clock, changed: Callable[[], None]) -> APIRouter:
    """Make the routes under /api/cards; *changed* is told once a change is stored."""
    router = APIRouter(prefix="/api", tags=["cards"])

    @router.get("/cards")
    async def list_cards(who: Viewer, after: str = "", count: Count = 100) -> list[dict[str, Any]]:
        """List cards in order; the next page comes *after* the last one's tag.

        Virtual cards are listed for operators alone: who knows the tag can charge with it.
        """
        known = await store.read(
            service.list_cards, after, count, with_virtual=who.may(Role.OPERATOR)
        )
        return [card_json(card) for card in known]

    @router.get("/cards/{tag}")
    async def get_card(tag: Tag, _who: Viewer) -> dict[str, Any]:
        """Give one card."""
        return card_json(await store.read(service.card, tag))

    @router.put("/cards/{tag}")
    async def put_card(tag: Tag, who: Operator, body: CardBody | None = None) -> dict[str, Any]:
        """Add a card, or change it whole; without a body it is a good card."""
        card = (body or CardBody()).card(tag)
        kept = await store.do(service.put_card, card, clock.now_ms(), who=who.name)
        changed()
        return card_json(kept)

    @router.post("/cards/{tag}/block")
    async def block_card(tag: Tag, body: BlockBody, who: Operator) -> dict[str, Any]:
        """Let a card charge no more, and keep why."""
        kept = await store.do(service.block_card, tag, body.reason, clock.now_ms(), who=who.name)
        changed()
        return card_json(kept)

    @router.post("/cards/{tag}/unblock")
    async def unblock_card(tag: Tag, who: Operator) -> dict[str, Any]:
        """Let a blocked card charge again."""
        kept = await store.do(service.unblock_card, tag, clock.now_ms(), who=who.name)
        changed()
        return card_json(kept)

    @router.get("/cards/{tag}/history")
    async def card_history(tag: Tag, _who: Viewer, count: Count = 100) -> list[dict[str, Any]]:
        """List what was changed of a card and by whom, newest first."""
        return [change_json(one) for one in await store.read(service.card_history, tag, count)]

    @router.delete("/cards/{tag}", status_code=204)
    async def remove_card(tag: Tag, who: Operator) -> Response:
        """Forget a card; its sessions and history stay."""
        await store.do(service.remove_card, tag, clock.now_ms(), who=who.name)
        changed()
        return Response(status_code=204)

    return router


def own_card_routes(store: Store, clock: Clock, make_tag: Callable[[], str]) -> APIRouter:
    """Make the routes on a driver's own cards; *make_tag* makes a virtual one's."""
    router = APIRouter(prefix="/api", tags=["cards"])

    @router.get("/users/me/cards")
    async def my_cards(who: Account) -> list[dict[str, Any]]:
        """List the caller's own cards; the virtual one is made when it is first asked for."""
        if who.user_id is None:
            raise NotFound("this token belongs to no account: sign in to have cards")
        await store.do(service.virtual_card, who.user_id, make_tag, clock.now_ms(), who=who.name)
        cards = await store.read(service.cards_of_user, who.user_id)
        return [own_card_json(card) for card in cards]

    return router


def sheet_routes(store: Store, clock: Clock, changed: Callable[[], None]) -> APIRouter:
    """Make the routes of the table of all cards."""
    router = APIRouter(prefix="/api", tags=["cards"])

    @router.get("/cards.csv")
    async def export_cards(_who: Viewer) -> StreamingResponse:
        """Give all cards but virtual ones as CSV, safe to open in a spreadsheet."""
        return csv_answer("cards", sheets.COLUMNS, _pages(store))

    @router.post("/cards.csv", openapi_extra=SHEET)
    async def import_cards(request: Request, who: Operator) -> dict[str, int]:
        """Add or change the cards of a CSV with these columns or some of them: all or none.

        Columns that are missing leave known cards as they are; sent again it changes nothing.
        A refusal names every bad row.
        """
        try:
            text = (await request.body()).decode()
        except UnicodeDecodeError as failure:
            raise Unacceptable("this is no UTF-8: save it as 'CSV UTF-8'") from failure
        sheet = sheets.read_sheet(text)
        count = await store.do(service.put_cards, sheet, clock.now_ms(), who=who.name)
        changed()
        return {"rows": len(sheet.rows), "changed": count}

    return router


def group_routes(store: Store, clock: Clock, changed: Callable[[], None]) -> APIRouter:
    """Make the routes under /api/card-groups."""
    router = APIRouter(prefix="/api/card-groups", tags=["cards"])

    @router.get("")
    async def list_groups(
        _who: Viewer, after: str = "", count: Count = 100
    ) -> list[dict[str, Any]]:
        """List groups in order; the next page comes *after* the last one's name."""
        return [group_json(one) for one in await store.read(service.list_groups, after, count)]

    @router.get("/{name}")
    async def get_group(name: Tag, _who: Viewer) -> dict[str, Any]:
        """Give one group."""
        return group_json(await store.read(service.group, name))

    @router.put("/{name}")
    async def put_group(name: Tag, who: Operator, body: GroupBody | None = None) -> dict[str, Any]:
        """Lay down, or change whole, what holds for all cards with this parent."""
        group = Group(name=name, **(body or GroupBody()).limits())
        kept = await store.do(service.put_group, group, clock.now_ms(), who=who.name)
        changed()
        return group_json(kept)

    @router.get("/{name}/history")
    async def group_history(name: Tag, _who: Viewer, count: Count = 100) -> list[dict[str, Any]]:
        """List what was changed of a group and by whom, newest first."""
        return [change_json(one) for one in await store.read(service.group_history, name, count)]

    @router.delete("/{name}", status_code=204)
    async def remove_group(name: Tag, who: Operator) -> Response:
        """Forget a group that no card names."""
        await store.do(service.remove_group, name, clock.now_ms(), who=who.name)
        changed()
        return Response(status_code=204)

    return router


async def _pages(store: Store) -> AsyncIterator[list[tuple[Cell, ...]]]:
    after = ""
    while page := await store.read(service.list_cards, after, PAGE, with_virtual=False):
        yield [sheets.sheet_row(card) for card in page]
        after = page[-1].tag
