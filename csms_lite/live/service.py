"""Verb and query behind the live view."""

from __future__ import annotations

from sqlalchemy import Connection

from csms_lite.live import sql
from csms_lite.live.rules import Snapshot
from csms_lite.sessions.service import last_session
from csms_lite.stations.service import list_connectors, station_by_id
from csms_lite.tariffs.service import current_tariff


def begin_epoch(db: Connection, now_ms: int) -> int:
    """Count this start of the process; later starts get higher numbers."""
    row = sql.begin_epoch.one(db, started_at_ms=now_ms)
    assert row is not None  # RETURNING gives the row it inserted
    return int(row[0])


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
