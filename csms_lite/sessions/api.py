"""HTTP routes on sessions, for staff; a driver's own are in `csms_lite.charging`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from csms_lite.clock import Clock, rfc3339, to_ms
from csms_lite.csvtext import Cell, csv_answer
from csms_lite.errors import Unacceptable
from csms_lite.gate import Operator, Viewer
from csms_lite.people.rules import TAG_LENGTH, tag_key
from csms_lite.sessions import sampling, service
from csms_lite.sessions.forms import (
    SAMPLE_COLUMNS,
    SESSION_COLUMNS,
    closed_form,
    progress_form,
    sample_form,
    sample_rows,
    session_form,
    session_row,
)
from csms_lite.sessions.progress import Charge, progress
from csms_lite.sessions.rules import LONGEST_REASON, Sample, Session, State, energy_wh
from csms_lite.stations.presence import Presence
from csms_lite.stations.service import Event, notes_on_transaction
from csms_lite.store.writer import Store

NO_LIMIT: Final = 2**62  # above every transaction number
PAGE_OF_FILE: Final = 500  # rows read at once: keeps a reader free for others
MOST_PAGES: Final = 20  # that a search for unreachable sessions reads

Number = Annotated[int, Path(ge=1, le=NO_LIMIT)]
UNREACHABLE: Final = "unreachable"


class CloseBody(BaseModel):
    """Why a session is closed without the charger's word."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=LONGEST_REASON)]
    confirm: bool = False


def wanted_sessions(
    *,
    charger: Annotated[str | None, Query(max_length=48)] = None,
    connector: Annotated[int | None, Query(ge=0, le=NO_LIMIT)] = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    state: State | Literal["unreachable"] | None = None,
    tag: Annotated[str | None, Query(max_length=TAG_LENGTH)] = None,
    user: Annotated[int | None, Query(ge=1, le=NO_LIMIT)] = None,
    command: Annotated[int | None, Query(ge=1, le=NO_LIMIT)] = None,
) -> dict[str, object]:
    """Read what is looked for; *since* and *until* are about the beginning, the end excluded."""
    try:
        times = {
            "since_ms": None if since is None else to_ms(since),
            "until_ms": None if until is None else to_ms(until),
        }
    except OverflowError as failure:
        raise Unacceptable("since and until are dates of the years 1 to 9999 in UTC") from failure
    asked: dict[str, object | None] = {
        "charger": charger,
        "connector": connector,
        "state": None if state is None else str(state),
        "tag_key": None if tag is None else tag_key(tag),
        "user_id": user,
        "command_id": command,
        **times,
    }
    return {name: value for name, value in asked.items() if value is not None}


Wanted = Annotated[dict[str, object], Depends(wanted_sessions)]


def session_routes(
    store: Store,
    clock: Clock,
    presence: Presence,
    *,
    look: Callable[[Session], None],
    expiry_ms: int,
) -> APIRouter:
    """Make the routes under /api/sessions; *look* is told which session somebody watches."""
    router = APIRouter(prefix="/api/sessions", tags=["sessions"])

    def form(session: Session) -> dict[str, Any]:
        return session_form(
            session,
            now_ms=clock.now_ms(),
            is_online=presence.is_online(session.station_id),
            expiry_ms=expiry_ms,
        )

    @router.get("")
    async def list_sessions(
        _who: Viewer,
        wanted: Wanted,
        before: Annotated[int, Query(ge=1, le=NO_LIMIT)] = NO_LIMIT,
        count: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[dict[str, Any]]:
        """List sessions, newest number first; the next page is *before* the last one's number."""
        return [form(one) for one in await find_sessions(store, presence, wanted, before, count)]

    @router.get("/{transaction_id}")
    async def get_session(transaction_id: Number, _who: Viewer) -> dict[str, Any]:
        """Give one session with its samples and what was noted on it."""
        session, samples, events = await store.read(_whole, transaction_id)
        return {
            **form(session),
            "samples": [sample_form(one) for one in samples],
            "events": [
                {"at": rfc3339(one.at_ms), "kind": one.kind, "details": one.details}
                for one in events
            ],
        }

    @router.get("/{transaction_id}/live")
    async def get_live(transaction_id: Number, _who: Viewer) -> dict[str, Any]:
        """Give how a session stands; asked for again and again, it is kept fresh."""
        session, charge = await store.read(session_and_charge, transaction_id)
        look(session)
        is_online = presence.is_online(session.station_id)
        return progress_form(
            session, progress(session, charge, clock.now_ms()), is_online=is_online
        )

    return router


def close_routes(store: Store, clock: Clock, touched: Callable[[int], None]) -> APIRouter:
    """Make the route that closes a session; *touched* is told whose public status changed."""
    router = APIRouter(prefix="/api/sessions", tags=["sessions"])

    @router.post("/{transaction_id}/close")
    async def close_session(
        transaction_id: Number, body: CloseBody, who: Operator
    ) -> dict[str, Any]:
        """Close a session whose end never came; the first time it warns with 409."""
        session = await store.do(
            service.close,
            transaction_id,
            by=who.name,
            reason=body.reason,
            is_confirmed=body.confirm,
            now_ms=clock.now_ms(),
        )
        touched(session.station_id)
        return {
            "transaction_id": session.transaction_id,
            "state": session.state,
            "energy_wh": energy_wh(session),
            "closed": closed_form(session),
        }

    return router


def session_files(store: Store, clock: Clock, presence: Presence) -> APIRouter:
    """Make the routes that give sessions and samples as files."""
    router = APIRouter(prefix="/api/sessions", tags=["sessions"])

    @router.get("/export.csv")
    async def export_sessions(_who: Viewer, wanted: Wanted) -> Response:
        """Give the same sessions as a file, all of them."""
        return csv_answer(
            "sessions", SESSION_COLUMNS, _session_pages(store, presence, clock, wanted)
        )

    @router.get("/{transaction_id}/samples.csv")
    async def export_samples(transaction_id: Number, _who: Viewer) -> Response:
        """Give all samples of a session as a file, a row per value."""
        session = await store.read(service.session, transaction_id)
        name = f"session-{transaction_id}-samples"
        return csv_answer(name, SAMPLE_COLUMNS, _sample_pages(store, session))

    return router


async def find_sessions(
    store: Store, presence: Presence, wanted: dict[str, object], before: int, count: int
) -> list[Session]:
    """Give up to *count* sessions; `unreachable` are those that run where the charger is away."""
    if wanted.get("state") != UNREACHABLE:
        return await store.read(service.list_sessions, wanted, before, count)
    running = {**wanted, "state": State.RUNNING.value}
    found: list[Session] = []
    for _ in range(MOST_PAGES):
        page = await store.read(service.list_sessions, running, before, PAGE_OF_FILE)
        found += [one for one in page if not presence.is_online(one.station_id)]
        if len(page) < PAGE_OF_FILE or len(found) >= count:
            break
        before = page[-1].transaction_id
    return found[:count]


def session_and_charge(db: Connection, transaction_id: int) -> tuple[Session, Charge | None]:
    """Read what the progress of a session is made of; raises `NotFound`."""
    session = service.session(db, transaction_id)
    return session, sampling.earlier_charge(db, session)


async def _session_pages(
    store: Store, presence: Presence, clock: Clock, wanted: dict[str, object]
) -> AsyncIterator[list[tuple[Cell, ...]]]:
    before = NO_LIMIT
    while True:
        page = await find_sessions(store, presence, wanted, before, PAGE_OF_FILE)
        now_ms = clock.now_ms()
        yield [session_row(one, now_ms) for one in page]
        if len(page) < PAGE_OF_FILE:
            return
        before = page[-1].transaction_id


async def _sample_pages(store: Store, session: Session) -> AsyncIterator[list[tuple[Cell, ...]]]:
    skipped = 0
    while True:
        page: list[Sample] = await store.read(
            sampling.list_samples, session, count=PAGE_OF_FILE, skipped=skipped
        )
        yield [row for sample in page for row in sample_rows(sample)]
        if len(page) < PAGE_OF_FILE:
            return
        skipped += len(page)


def _whole(db: Connection, transaction_id: int) -> tuple[Session, list[Sample], list[Event]]:
    session = service.session(db, transaction_id)
    return (
        session,
        sampling.list_samples(db, session),
        notes_on_transaction(db, session.station_id, transaction_id),
    )
