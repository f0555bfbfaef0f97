"""HTTP routes on what stations told over time: pages for programs, files for people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime

from csms_lite.clock import maybe_rfc3339, to_ms
from csms_lite.csvtext import Cell, csv_answer
from csms_lite.errors import Unacceptable
from csms_lite.gate import Viewer
from csms_lite.history import service, sql
from csms_lite.history.sql import Told
from csms_lite.store.writer import Store

NO_LIMIT: Final = 2**62  # above every row's number
PAGE_OF_FILE: Final = 500  # rows read at once: keeps a reader free for others

Kind = Literal["statuses", "boots", "heartbeats"]
Text = Annotated[str | None, Query(max_length=50)]


def wanted_rows(
    *,
    kind: Kind,
    charger: Text = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    connector: Annotated[int | None, Query(ge=0, le=NO_LIMIT)] = None,
    status: Text = None,
    error: Text = None,
) -> dict[str, object]:
    """Read what is looked for; times are those of arrival, the end excluded."""
    of_status = {"connector": connector, "status": status, "error_code": error}
    if kind != "statuses" and any(value is not None for value in of_status.values()):
        raise Unacceptable(f"connector, status and error are of statuses: {kind} have none")
    try:
        times = {
            "since_ms": None if since is None else to_ms(since),
            "until_ms": None if until is None else to_ms(until),
        }
    except OverflowError as failure:
        raise Unacceptable("since and until are dates of the years 1 to 9999 in UTC") from failure
    asked: dict[str, object | None] = {"charger": charger, **of_status, **times}
    return {name: value for name, value in asked.items() if value is not None}


Wanted = Annotated[dict[str, object], Depends(wanted_rows)]


def history_routes(store: Store) -> APIRouter:
    """Make the routes under /api/history."""
    router = APIRouter(prefix="/api/history", tags=["history"])

    @router.get("/{kind}")
    async def list_rows(
        kind: Kind,
        _who: Viewer,
        wanted: Wanted,
        before: Annotated[int, Query(ge=1, le=NO_LIMIT)] = NO_LIMIT,
        count: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[dict[str, Any]]:
        """List what was told, newest first; the next page is *before* the last one's number."""
        return [_form(one) for one in await store.read(service.page, kind, wanted, before, count)]

    @router.get("/{kind}/export.csv")
    async def export_rows(kind: Kind, _who: Viewer, wanted: Wanted) -> Response:
        """Give the same rows as a file, all of them."""
        columns = [name.replace("_at_ms", "_at_utc") for name in sql.TABLES[kind][2]._fields]
        columns = ["at_utc" if name == "at_ms" else name for name in columns]
        return csv_answer(kind, columns, _pages(store, kind, wanted))

    return router


async def _pages(
    store: Store, kind: Kind, wanted: dict[str, object]
) -> AsyncIterator[list[tuple[Cell, ...]]]:
    before = NO_LIMIT
    while True:
        page = await store.read(service.page, kind, wanted, before, PAGE_OF_FILE)
        yield [tuple(_form(one).values()) for one in page]
        if len(page) < PAGE_OF_FILE:
            return
        before = page[-1].row


def _form(told: Told) -> dict[str, Any]:
    """Write a row with its moments as text."""
    return {
        name.removesuffix("_ms"): maybe_rfc3339(value) if name.endswith("at_ms") else value
        for name, value in told._asdict().items()
    }
