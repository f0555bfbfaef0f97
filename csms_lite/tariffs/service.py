"""Verbs and queries on the price."""

from __future__ import annotations

from sqlalchemy import Connection

from csms_lite.tariffs import sql
from csms_lite.tariffs.rules import Tariff


def current_tariff(db: Connection) -> Tariff | None:
    """Give the price now, `None` when nothing was ever set."""
    row = sql.current.one(db)
    return None if row is None else Tariff._make(row)


def set_tariff(db: Connection, tariff: Tariff, now_ms: int) -> Tariff:
    """Set the price from now on; sessions keep the one they began with."""
    if current_tariff(db) != tariff:
        sql.add.run(db, from_ms=now_ms, **tariff._asdict())
    return tariff
