"""Verbs and queries on the names that others give to sessions."""

from __future__ import annotations

from sqlalchemy import Connection

from csms_lite.sessions import sql
from csms_lite.sessions.rules import State
from csms_lite.sessions.service import session


def refer(db: Connection, transaction_id: int, reference: str) -> None:
    """Let a session bear a charger's own name of it; one that bore it before loses it.

    Raises `NotFound`.
    """
    known = session(db, transaction_id)
    sql.forget_reference.run(
        db, of_station=known.station_id, reference=reference, of_transaction=transaction_id
    )
    sql.keep_reference.run(db, of_transaction=transaction_id, new_reference=reference)


def referred(db: Connection, charger: str, reference: str) -> int | None:
    """Find the session of a charger that bears a name."""
    row = sql.by_name.one(db, charger=charger, reference=reference)
    return None if row is None else int(row[0])


def begun(db: Connection, charger: str, reference: str) -> int | None:
    """Give when the session that bears a name began, while it runs."""
    number = referred(db, charger, reference)
    known = None if number is None else session(db, number)
    return known.started_at_ms if known is not None and known.state == State.RUNNING else None
