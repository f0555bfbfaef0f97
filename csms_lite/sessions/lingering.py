"""What stays too long is told of, and asked about; only the charger or an operator ends anything.

    runs, and its connector tells that nothing charges   alert not_charging; its status is asked for
    has ended, and its cable is still in                  alert overstay

Both close by themselves. Source: requirements 1.6 row 6, B29, B65.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

from sqlalchemy import Connection

from csms_lite.alerts import service as alerts
from csms_lite.clock import rfc3339
from csms_lite.commands import service as commands
from csms_lite.errors import Refused
from csms_lite.sessions import lingering_sql as sql
from csms_lite.stations.service import station_by_id

AT_ONCE: Final = 16  # alerts opened or closed in a verb, 0.1 ms each; the rest seconds later


class Grace(NamedTuple):
    """How long something may stay before it is told of; `None` is for ever."""

    status_ms: int | None = None
    """A session that runs while its connector tells that nothing charges."""
    overstay_ms: int | None = None
    """A cable after the end of its session."""


class Lingering(NamedTuple):
    """Something that has stayed too long."""

    station_id: int
    connector: int
    transaction_id: int
    since_ms: int
    status: str


class Asking(NamedTuple):
    """What is needed to ask a charger."""

    is_online: Callable[[int], bool]
    make_id: Callable[[], str]
    """Makes the id of a message."""


def look(db: Connection, grace: Grace, asking: Asking, now_ms: int) -> list[int]:
    """Open and close alerts of what stays too long; gives the stations that something is asked of.

    Looked for again and again, it is told of once, and until it is over.
    """
    found = {
        (one.station_id, one.connector, kind): (one, now_ms - one.since_ms >= grace_ms)
        for kind, statement, grace_ms in (
            (sql.NOT_CHARGING, sql.not_charging, grace.status_ms),
            (sql.OVERSTAY, sql.overstaying, grace.overstay_ms),
        )
        if grace_ms is not None
        for one in map(Lingering._make, statement.rows(db))
    }
    told = {(row[0], row[1], row[2]) for row in sql.told.rows(db)}
    rung = []
    late = [(place, one) for place, (one, is_late) in found.items() if is_late]
    for place, one in [each for each in late if each[0] not in told][:AT_ONCE]:
        station_id, connector, kind = place
        details = {
            "transaction_id": one.transaction_id,
            "since": rfc3339(one.since_ms),
            "status": one.status,
        }
        alerts.raise_alert(db, station_id, kind, details, connector=connector, now_ms=now_ms)
        if kind == sql.NOT_CHARGING and _ask(db, one, asking, now_ms):
            rung.append(station_id)
    for station_id, connector, kind in list(told - found.keys())[:AT_ONCE]:
        alerts.close(db, station_id, kind, connector=connector, now_ms=now_ms)
    return rung


def _ask(db: Connection, one: Lingering, asking: Asking, now_ms: int) -> bool:
    """Ask a charger how its connector stands; false when it cannot be asked now."""
    if not asking.is_online(one.station_id):
        return False
    with suppress(Refused):  # one that may be asked nothing any more
        commands.ask(
            db,
            station_by_id(db, one.station_id).identity,
            "TriggerMessage",
            {"requestedMessage": "StatusNotification", "connectorId": one.connector},
            message_id=asking.make_id(),
            now_ms=now_ms,
        )
        return True
    return False
