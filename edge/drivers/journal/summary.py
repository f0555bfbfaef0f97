"""The journal in short, for diagnostics: how much waits, and the latest of what happened."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

LATEST: Final = 50
COUNTED: Final = (
    "boots",
    "transactions",
    "outbox",
    "dead_letters",
    "cache",
    "faults",
    "jobs",
    "security_events",
)
SHOWN: Final = {
    "boots": "SELECT id, kernel_boot, at FROM boots ORDER BY id DESC LIMIT ?",
    "resets": "SELECT type, at FROM resets ORDER BY id DESC LIMIT ?",
    "faults": "SELECT connector, latch, code, info FROM faults LIMIT ?",
    "transactions": (
        "SELECT ref, connector, id_tag, begin_wh, opened_at, transaction_id, last_wh, last_at,"
        " stopping_reason, stopping_at, end_wh, stopped_at, estimated"
        " FROM transactions ORDER BY ref DESC LIMIT ?"
    ),
    "security_events": (
        "SELECT seq, type, at, info, untold FROM security_events ORDER BY seq DESC LIMIT ?"
    ),
    "outbox": "SELECT seq, ref, kind, at, attempts FROM outbox ORDER BY seq LIMIT ?",
    "dead_letters": (
        "SELECT seq, ref, kind, at, attempts, parked_at, code, description"
        " FROM dead_letters ORDER BY seq DESC LIMIT ?"
    ),
}
"""Newest first; tags are masked by whoever shows this."""


def summary(connection: sqlite3.Connection) -> dict[str, Any]:
    """Counts of all tables, and the latest rows of those that tell a story."""
    counts = {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  our own names
        for table in COUNTED
    }
    return {"counts": counts, **{name: _rows(connection, sql) for name, sql in SHOWN.items()}}


def _rows(connection: sqlite3.Connection, sql: str) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, (LATEST,))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
