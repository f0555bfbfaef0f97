"""Verbs and queries on the log of frames; all on the log's own store, never on the money's."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from csms_lite.errors import Unacceptable
from csms_lite.messages import sql
from csms_lite.messages.rules import BEAT, PLAIN, TRANSACTION, Delay, Frame
from csms_lite.store.thread import raw_of

DAY_MS: Final = 86_400_000
AT_ONCE: Final = 200  # rows that a verb forgets: within its 5 ms also where payloads are long
STEP: Final = 1000  # rows looked at between two looks at the clock
NEWEST: Final = sys.maxsize
BEATS_WHOLE_MS: Final = DAY_MS  # an empty payload, or the time that stands beside it anyway


class Wanted(NamedTuple):
    """Which frames are asked for; `None` is any."""

    from_ms: int = 0
    to_ms: int = NEWEST
    charger: str | None = None
    action: str | None = None
    direction: str | None = None
    type: str | None = None
    message_id: str | None = None
    words: str | None = None


class Cursor(NamedTuple):
    """Where a page ended: its last row. Time alone is not enough, and ids go back with clocks."""

    at_ms: int
    frame_id: int

    def __str__(self) -> str:
        return f"{self.at_ms}.{self.frame_id}"


def read_cursor(text: str | None) -> Cursor | None:
    """Read a cursor as we wrote it; raises `Unacceptable`."""
    if text is None:
        return None
    at_ms, _, frame_id = text.partition(".")
    if not (at_ms.isdecimal() and frame_id.isdecimal() and len(text) <= 36):  # noqa: PLR2004  # two of 64 bits hold 39
        raise Unacceptable("'before' is the 'next' of the page before, as it was given")
    return Cursor(min(int(at_ms), NEWEST), min(int(frame_id), NEWEST))


def keep(db: Connection, rows: Sequence[dict[str, Any]], delays: Sequence[dict[str, Any]]) -> None:
    """Keep frames, and the delays that showed with them."""
    if rows:
        sql.keep.run_many(db, rows)
    if delays:
        sql.keep_delay.run_many(db, delays)


def find(
    db: Connection, wanted: Wanted, before: Cursor | None, *, count: int, looked_at: int
) -> tuple[list[int], Cursor | None]:
    """Find up to *count* frames, newest first, among the next *looked_at* that may be meant.

    Gives their ids, and where to go on; `None` when nothing is left. Fewer than *count*, even
    none, with somewhere to go on means that they are rare.
    """
    statement = sql.scan
    if wanted.message_id is not None:
        statement = sql.scan_message
    elif wanted.charger is not None:
        statement = sql.scan_charger
    values = {f"of_{name}": getattr(wanted, name) for name in FILTERS}
    values["words"] = None if wanted.words is None else wanted.words.lower()
    found: list[int] = []
    while looked_at > 0:
        to_ms, before_id = wanted.to_ms, NEWEST
        if before is not None and before.at_ms <= to_ms:
            to_ms, before_id = before
        step = min(STEP, looked_at)
        limits = {"from_ms": wanted.from_ms, "to_ms": to_ms, "before_id": before_id, "count": step}
        rows = statement.rows(db, **values, **limits)
        for at_ms, frame_id, is_meant in rows:
            before = Cursor(at_ms, frame_id)
            if is_meant:
                found.append(frame_id)
                if len(found) == count:
                    return found, before
        if len(rows) < step:
            return found, None
        looked_at -= step
    return found, before


FILTERS: Final = ("charger", "action", "direction", "type", "message_id")


def frames(db: Connection, ids: Sequence[int]) -> list[Frame]:
    """Give the frames with these ids, but for those forgotten meanwhile."""
    rows = (sql.by_id.one(db, frame_id=one) for one in ids)
    return [Frame._make(row) for row in rows if row is not None]


def page(
    db: Connection, wanted: Wanted, before: Cursor | None, *, count: int, looked_at: int
) -> tuple[list[Frame], Cursor | None]:
    """Give a page of frames; see `find`."""
    ids, rest = find(db, wanted, before, count=count, looked_at=looked_at)
    return frames(db, ids), rest


def list_delays(db: Connection, charger: str | None, before: int, count: int) -> list[Delay]:
    """Give slow and missing answers, newest first."""
    rows = sql.page_of_delays.rows(db, charger=charger, before=before, count=count)
    return [Delay._make(row) for row in rows]


def thin_beats(db: Connection, now_ms: int) -> int:
    """Forget what some old heartbeats said, not that they came; gives how many."""
    return sql.thin.run(db, of_class=BEAT, before_ms=now_ms - BEATS_WHOLE_MS, count=AT_ONCE)


def forget(db: Connection, now_ms: int, *, days: int, transaction_days: int) -> int:
    """Forget some frames that are old enough for their class; gives how many.

    Those of transactions are kept for ever when *transaction_days* is 0.
    """
    before_ms = now_ms - days * DAY_MS
    done = sql.forget.run(db, of_class=PLAIN, before_ms=before_ms, count=AT_ONCE)
    done += sql.forget_delays.run(db, before_ms=before_ms, count=AT_ONCE)
    if transaction_days:
        before_ms = now_ms - transaction_days * DAY_MS
        done += sql.forget.run(db, of_class=TRANSACTION, before_ms=before_ms, count=AT_ONCE)
    return done


def forget_beyond(db: Connection, most_bytes: int) -> int:
    """Forget the oldest frames of any class while the log is too large; gives how many.

    The file does not shrink: what is freed is used again.
    """
    if size(db) <= most_bytes:
        return 0
    return sql.forget_oldest.run(db, count=AT_ONCE)


def size(db: Connection) -> int:
    """Give the bytes in use."""
    raw = raw_of(db)
    pages, free, each = (
        int(raw.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * each
