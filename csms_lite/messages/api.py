"""HTTP routes on the log of frames."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from csms_lite.clock import read_time, rfc3339
from csms_lite.csvtext import Cell, csv_answer
from csms_lite.errors import Unacceptable
from csms_lite.gate import Viewer
from csms_lite.jsontext import loads
from csms_lite.messages import service
from csms_lite.messages.rules import Delay, Frame
from csms_lite.messages.service import NEWEST, Cursor, Wanted
from csms_lite.store.writer import Store

LOOKED_AT: Final = 20_000  # rows per request: some 50 ms of a reader, also when words are sought
CSV_ROWS: Final = 10_000  # per file; the header `x-next` says where the next one begins
CSV_LOOKS: Final = 50  # times `LOOKED_AT`
CSV_PAGE: Final = 200
COLUMNS: Final = (
    "frame_id", "at_utc", "charger", "direction", "type", "action", "message_id", "payload",
)  # fmt: skip


def _wanted(
    *,
    since: Annotated[str | None, Query(alias="from", max_length=40)] = None,
    to: Annotated[str | None, Query(max_length=40)] = None,
    charger: Annotated[str | None, Query(max_length=48)] = None,
    action: Annotated[str | None, Query(max_length=50)] = None,
    direction: Literal["SENT", "RECEIVED"] | None = None,
    type: Literal["CALL", "CALLRESULT", "CALLERROR", "UNREADABLE"] | None = None,  # noqa: A002  # the log's own word
    message_id: Annotated[str | None, Query(max_length=64)] = None,
    text: Annotated[str | None, Query(min_length=2, max_length=100)] = None,
) -> Wanted:
    """Read the filters: times as RFC 3339, *text* as it stands in the payload."""
    return Wanted(
        from_ms=_moment("from", since, 0),
        to_ms=_moment("to", to, NEWEST),
        charger=charger,
        action=action,
        direction=direction,
        type=type,
        message_id=message_id,
        words=text,
    )


Filters = Annotated[Wanted, Depends(_wanted)]
Before = Annotated[str | None, Query(max_length=40)]


def message_routes(store: Store) -> APIRouter:
    """Make the routes on the log, which *store* holds alone."""
    router = APIRouter(prefix="/api", tags=["messages"])

    @router.get("/messages")
    async def list_messages(
        wanted: Filters,
        _who: Viewer,
        before: Before = None,
        count: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        """List frames, newest first; go on with *before* set to the `next` given here.

        A page may hold fewer than *count*, even none: only `next` being null says that it is all.
        """
        found, rest = await store.read(
            service.page,
            wanted,
            service.read_cursor(before),
            count=count,
            looked_at=LOOKED_AT,
        )
        return {"messages": [_frame(one) for one in found], "next": _text(rest)}

    @router.get("/messages.csv")
    async def export_messages(
        wanted: Filters, _who: Viewer, before: Before = None
    ) -> StreamingResponse:
        """Give frames as CSV, newest first; the header `x-next` is there when it is not all."""
        ids, rest = await _find(store, wanted, service.read_cursor(before))
        answer = csv_answer("messages", COLUMNS, _pages(store, ids))
        if rest is not None:
            answer.headers["x-next"] = str(rest)
        return answer

    @router.get("/messages/delays")
    async def list_delays(
        _who: Viewer,
        charger: Annotated[str | None, Query(max_length=48)] = None,
        before: Annotated[int, Query(ge=1, le=NEWEST)] = NEWEST,
        count: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[dict[str, Any]]:
        """List calls that were answered slowly or never, or could not be sent, newest first."""
        found = await store.read(service.list_delays, charger, before, count)
        return [_delay(one) for one in found]

    return router


async def _find(
    store: Store, wanted: Wanted, before: Cursor | None
) -> tuple[list[int], Cursor | None]:
    """Find what goes into one file, in short looks: other readers come in between."""
    ids: list[int] = []
    for _ in range(CSV_LOOKS):
        count = CSV_ROWS - len(ids)
        found, before = await store.read(
            service.find, wanted, before, count=count, looked_at=LOOKED_AT
        )
        ids += found
        if before is None or len(ids) == CSV_ROWS:
            break
    return ids, before


async def _pages(store: Store, ids: Sequence[int]) -> AsyncIterator[Iterable[Sequence[Cell]]]:
    for some in _pieces(ids):
        yield [_row(one) for one in await store.read(service.frames, some)]


def _pieces(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + CSV_PAGE] for start in range(0, len(ids), CSV_PAGE))


def _row(frame: Frame) -> Sequence[Cell]:
    return (frame.frame_id, rfc3339(frame.at_ms), *frame[2:])


def _frame(frame: Frame) -> dict[str, Any]:
    payload: Any = frame.payload
    if payload is not None and frame.type != "UNREADABLE":
        try:
            payload = loads(payload)
        except (ValueError, RecursionError):  # lawful JSON that no JSON of ours can hold
            payload = frame.payload
    return {
        "id": frame.frame_id,
        "at": rfc3339(frame.at_ms),
        "charger": frame.charger,
        "direction": frame.direction,
        "type": frame.type,
        "action": frame.action,
        "message_id": frame.message_id,
        "payload": payload,
    }


def _delay(delay: Delay) -> dict[str, Any]:
    return {
        "id": delay.delay_id,
        "at": rfc3339(delay.at_ms),
        "charger": delay.charger,
        "direction": delay.direction,
        "action": delay.action,
        "message_id": delay.message_id,
        "outcome": delay.outcome,
        "took_ms": delay.took_ms,
    }


def _text(cursor: Cursor | None) -> str | None:
    return None if cursor is None else str(cursor)


def _moment(name: str, text: str | None, otherwise: int) -> int:
    if text is None:
        return otherwise
    at_ms = read_time(text)
    if at_ms is None:
        raise Unacceptable(f"{name!r} is a time such as 2024-05-01T10:00:00Z")
    return at_ms
