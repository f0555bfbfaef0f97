"""What the journal holds of a card, and its erasure: out of the rows, then out of the file.

A session is billed by its idTag: until it is settled its names stay, and go at the next `purge`.
SQLite leaves what was deleted in the pages it frees and in its log; only a file that is written
anew and a log that is cut hold none of it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from edge.core.tags import masked

SESSIONS_SHOWN: Final = 200  # per answer, which has to fit one line of the control socket

NAMED: Final = "IN (SELECT value FROM json_each(:names))"
OF_CARD: Final = f"(lower(id_tag) {NAMED} OR lower(stopping_id_tag) {NAMED})"
UNSENT: Final = (
    "SELECT ref FROM outbox WHERE ref IS NOT NULL"
    " UNION SELECT ref FROM dead_letters WHERE ref IS NOT NULL"
)
SETTLED: Final = (
    "SELECT ref FROM erasures WHERE ref IN (SELECT ref FROM transactions"  # noqa: S608  our own words
    f" WHERE stopped_at IS NOT NULL) AND ref NOT IN ({UNSENT})"
)

_SESSION: Final = (
    "SELECT ref, connector, id_tag, parent_id_tag, reservation_id, transaction_id, begin_wh,"  # noqa: S608  our own words
    " opened_at, last_wh, stopping_reason, stopping_id_tag, end_wh, stopped_at"
    f" FROM transactions WHERE ref > :after AND {OF_CARD} ORDER BY ref LIMIT {SESSIONS_SHOWN}"
)
_MESSAGES: Final = "SELECT kind, count(*) FROM {} WHERE ref = :ref GROUP BY kind"
_ONCE: Final = {
    "cache": f"SELECT id_tag, info, at FROM cache WHERE lower(id_tag) {NAMED}",  # noqa: S608  our own words
    "local_list": f"SELECT id_tag, info FROM local_list WHERE lower(id_tag) {NAMED}",  # noqa: S608  our own words
    "reservations": f"SELECT * FROM reservations WHERE lower(id_tag) {NAMED}",  # noqa: S608  our own words
    "roles": f"SELECT id_tag, role FROM cards WHERE lower(id_tag) {NAMED}",  # noqa: S608  our own words
}
_JSON: Final = ("opened_at", "stopped_at", "info", "at")


def held(connection: sqlite3.Connection, names: Sequence[str], after: int = 0) -> dict[str, Any]:
    """All that is known of the card *names*; of its sessions those after ref *after*, a page.

    `next` is where to go on, `None` at the end. Lines of the security log name a card by its last
    letters, which others may share.
    """
    values: dict[str, Any] = {"names": _folded(names), "after": after}
    sessions = _rows(connection, _SESSION, values)
    for session in sessions:
        for table in ("outbox", "dead_letters"):
            counts = connection.execute(_MESSAGES.format(table), {"ref": session["ref"]})
            session[table] = dict(counts.fetchall())
    once = {name: _rows(connection, sql, values) for name, sql in _ONCE.items()}
    shown = {masked(name).lower() for name in names} | {name.lower() for name in names}
    lines = _rows(connection, "SELECT seq, type, at, info AS said FROM security_events", {})
    return {
        "sessions": sessions,
        "next": sessions[-1]["ref"] if len(sessions) == SESSIONS_SHOWN else None,
        **once,
        "security_log": [
            line for line in lines if any(name in (line["said"] or "").lower() for name in shown)
        ],
    }


def unsettled(connection: sqlite3.Connection, names: Sequence[str]) -> dict[str, int]:
    """How many sessions of the card run, wait to be told, or were refused for good."""
    values = {"names": _folded(names)}
    which = {
        "open": "stopped_at IS NULL",
        "waiting": "ref IN (SELECT ref FROM outbox)",
        "refused": "ref IN (SELECT ref FROM dead_letters)",
    }
    return {
        name: connection.execute(
            f"SELECT count(*) FROM transactions WHERE {OF_CARD} AND {condition}",  # noqa: S608  our own words
            values,
        ).fetchone()[0]
        for name, condition in which.items()
    }


def mark(connection: sqlite3.Connection, names: Sequence[str]) -> int:
    """Have the names of all sessions of this card go once they are settled; how many there are."""
    sql = (
        f"INSERT INTO erasures (ref, whole) SELECT ref, lower(id_tag) {NAMED} FROM transactions"  # noqa: S608  our own words
        f" WHERE {OF_CARD} ON CONFLICT (ref) DO UPDATE SET whole = max(whole, excluded.whole)"
    )
    with _one_commit(connection):
        count = connection.execute(sql, {"names": _folded(names)}).rowcount
        connection.execute("UPDATE counters SET value = 1 WHERE name = 'unpurged'")
    return count


def purge(connection: sqlite3.Connection) -> bool:
    """Take the names out of what is settled, and out of the file; whether there was any to take.

    A power cut on the way leaves it to be done again.
    """
    settled = json.dumps([ref for (ref,) in connection.execute(SETTLED)])
    (unpurged,) = connection.execute(
        "SELECT value FROM counters WHERE name = 'unpurged'"
    ).fetchone()
    if settled == "[]" and not unpurged:
        return False
    with _one_commit(connection):
        connection.execute(
            "UPDATE transactions SET id_tag = '', parent_id_tag = NULL, id_tag_info = NULL"
            " WHERE ref IN (SELECT ref FROM erasures WHERE whole"
            " AND ref IN (SELECT value FROM json_each(?)))",
            (settled,),
        )
        for sql in (
            "UPDATE transactions SET stopping_id_tag = NULL WHERE ref",
            "DELETE FROM erasures WHERE ref",
        ):
            connection.execute(f"{sql} IN (SELECT value FROM json_each(?))", (settled,))  # noqa: S608  our own words
        connection.execute("UPDATE counters SET value = 1 WHERE name = 'unpurged'")
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute("UPDATE counters SET value = 0 WHERE name = 'unpurged'")
    return True


class _one_commit:  # noqa: N801  a block, used like a function
    """BEGIN, and COMMIT or ROLLBACK: the connection does neither by itself."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if failure is None:
            self._connection.execute("COMMIT")
        elif self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def _folded(names: Sequence[str]) -> str:
    return json.dumps([name.lower() for name in names])


def _rows(connection: sqlite3.Connection, sql: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, values)
    columns = [column[0] for column in cursor.description]
    found = [dict(zip(columns, row, strict=True)) for row in cursor]
    for row in found:
        for name in _JSON:
            if row.get(name) is not None:
                row[name] = json.loads(row[name])
    return found
