"""Which rows tell of a change when they are written: SQLite's triggers number it in `changes`.

A trigger runs in the transaction of its verb: what is told is committed, what is committed is
told, whoever wrote it and whatever verbs come later. They are made anew at each start, after the
migrations, which could not rebuild tables under them (`store.migrate` drops them before).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, String, Table

from csms_lite.store.tables import alerts, commands, connectors, derivations, sessions, stations
from csms_lite.store.thread import raw_of

OWNER: Final = "user_id"
"""Column of a table that says whose own its rows are."""
SAMPLE_EVERY_MS: Final = 10_000
"""Of a session one sample in so much time tells a change: an old backlog is not news."""
SEPARATOR: Final = 31  # ASCII's own, between the columns of `details`
NOW_MS: Final = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A table whose new rows and changed columns are told of as *kind*."""

    table: Table
    kind: str
    changed: tuple[str, ...]
    """A row is told of when one of these differs."""
    told: tuple[str, ...]
    """What is told of it, besides whose and where it is."""
    or_when: str = "0"
    places: tuple[str, ...] = field(default=("station_id", "connector", "transaction_id", OWNER))

    def statements(self) -> tuple[str, str]:
        """Write its two triggers."""
        name, there = self.table.name, [one for one in self.places if one in self.table.c]
        details = f" || char({SEPARATOR}) || ".join(self._told(column) for column in self.told)
        columns = "".join(f", {column}" for column in there)
        values = "".join(f", NEW.{column}" for column in there)
        tell = (
            f"BEGIN INSERT INTO changes (at_ms, kind{columns}, details) VALUES "  # noqa: S608  # names of ours
            f"({NOW_MS}, '{self.kind}'{values}, {details}); END"
        )
        differs = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in self.changed)
        when = f"WHEN {differs} OR {self.or_when}"
        return (
            f"CREATE TRIGGER changes_new_{name} AFTER INSERT ON {name} {tell}",
            f"CREATE TRIGGER changes_of_{name} AFTER UPDATE ON {name} {when} {tell}",
        )

    def _told(self, column: str) -> str:
        """Write a column as `name=literal`; JSON's functions are closed to triggers.

        SQLite counts them unsafe in a schema that is not trusted, and ours is not.
        """
        value = f"NEW.{column}"
        if isinstance(self.table.c[column].type, String):
            value = f"replace({value}, char({SEPARATOR}), '')"
        return f"'{column}=' || quote({value})"


WATCHED: Final = (
    Watched(
        table=stations,
        kind="station",
        changed=("name", "registration", "vendor", "model", "firmware"),
        told=("name", "registration", "vendor", "model", "firmware"),
    ),
    Watched(
        table=derivations,
        kind="station",
        changed=("line", "state"),
        told=("line", "state"),
    ),
    Watched(
        table=connectors,
        kind="connector",
        changed=("status", "error_code", "info", "vendor_error_code"),
        told=("status", "error_code", "info", "vendor_error_code", "since_ms"),
    ),
    Watched(
        table=sessions,
        kind="session",
        changed=("state", "meter_stop_wh", "stop_reason", "cable_out_at_ms"),
        told=(
            "state", "verdict", "meter_start_wh", "meter_stop_wh", "register_wh", "power_w",
            "started_at_ms", "stopped_at_ms", "stop_reason",
        ),
        or_when=(
            f"OLD.measured_at_ms / {SAMPLE_EVERY_MS} IS NOT NEW.measured_at_ms / {SAMPLE_EVERY_MS}"
        ),
    ),
    Watched(
        table=commands,
        kind="command",
        changed=("state",),
        told=("command_id", "action", "state", "problem"),
    ),
    Watched(
        table=alerts,
        kind="alert",
        changed=("closed_at_ms", "acknowledged_at_ms"),
        told=("alert_id", "kind", "subject", "opened_at_ms", "closed_at_ms", "acknowledged_at_ms"),
    ),
)  # fmt: skip


def set_triggers(db: Connection) -> None:
    """Make the triggers, in place of those there are."""
    raw = raw_of(db)
    for watched in WATCHED:
        for statement in watched.statements():
            raw.execute(f"DROP TRIGGER IF EXISTS {statement.split()[2]}")
            raw.execute(statement)
