"""Verbs and queries behind the live view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection

from csms_lite.jsontext import dumps
from csms_lite.live import sql
from csms_lite.live.rules import Change, Snapshot
from csms_lite.live.triggers import set_triggers
from csms_lite.sessions.service import last_session
from csms_lite.stations.service import list_connectors, station_by_id
from csms_lite.tariffs.service import current_tariff

CHANGES_KEPT: Final = 50_000  # some days of a hundred chargers; a client away longer starts anew
FORGET_AT_ONCE: Final = 500


def begin_epoch(db: Connection, now_ms: int) -> int:
    """Count this start of the process, from which on what changes is numbered.

    Later starts get higher numbers. Whoever follows learns that no station is online now.
    """
    set_triggers(db)
    row = sql.begin_epoch.one(db, started_at_ms=now_ms)
    assert row is not None  # RETURNING gives the row it inserted
    epoch = int(row[0])
    note_change(db, "system", None, {"started": epoch}, now_ms)
    return epoch


def snapshot(db: Connection, station_id: int) -> Snapshot:
    """Read all that the document of a station needs; raises `NotFound`."""
    connectors = tuple(list_connectors(db, station_id))
    last = {one.connector: last_session(db, station_id, one.connector) for one in connectors}
    return Snapshot(
        station=station_by_id(db, station_id),
        connectors=connectors,
        sessions={connector: session for connector, session in last.items() if session},
        tariff=current_tariff(db),
    )


def note_change(
    db: Connection, kind: str, station_id: int | None, details: Mapping[str, Any], now_ms: int
) -> None:
    """Number a change that no row tells of, such as a socket that came or went."""
    sql.note_change.run(db, at_ms=now_ms, kind=kind, station_id=station_id, details=dumps(details))


def changes_after(db: Connection, number: int, user_id: int | None, count: int) -> list[Change]:
    """Give the next changes after a number, in order; those of one account, or all for `None`."""
    if user_id is None:
        rows = sql.changes_after.rows(db, after=number, count=count)
    else:
        rows = sql.own_changes_after.rows(db, after=number, of_user=user_id, count=count)
    return [Change._make(row) for row in rows]


def ends(db: Connection) -> tuple[int, int]:
    """Give the numbers of the oldest and newest change; (1, 0) when there are none."""
    row = sql.ends.one(db)
    assert row is not None  # an aggregate has a row
    return (1, 0) if row[0] is None else (int(row[0]), int(row[1]))


def forget_changes(db: Connection) -> int:
    """Forget some of the changes beyond those kept; gives how many."""
    return sql.forget_changes.run(db, until=ends(db)[1] - CHANGES_KEPT, count=FORGET_AT_ONCE)
