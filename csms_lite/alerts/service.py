"""Verbs and queries on alerts; whoever sees that something is wrong raises one."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection

from csms_lite.alerts import sql
from csms_lite.alerts.rules import STATION, Alert
from csms_lite.errors import NotFound
from csms_lite.jsontext import dumps


def raise_alert(
    db: Connection,
    station_id: int,
    kind: str,
    details: Mapping[str, object],
    *,
    now_ms: int,
    connector: int = STATION,
) -> bool:
    """Open an alert, or bring the details of the one that is open up to date.

    Says whether it is new. Raise it as often as it is seen: while it is open there is only one.
    """
    text = dumps(details)
    opened = sql.open_one.run(
        db,
        station_id=station_id,
        connector=connector,
        kind=kind,
        details_json=text,
        at_ms=now_ms,
    )
    if opened:
        return True
    sql.redescribe.run(
        db, of_station=station_id, of_connector=connector, of_kind=kind, details_json=text
    )
    return False


def close(
    db: Connection, station_id: int, kind: str, *, now_ms: int, connector: int = STATION
) -> bool:
    """Close what is open because it is gone; says whether anything was."""
    closed = sql.close_one.run(
        db, of_station=station_id, of_connector=connector, of_kind=kind, at_ms=now_ms
    )
    return closed > 0


def keep_own(
    db: Connection,
    kind: str,
    wrong: Mapping[str, Mapping[str, object]],
    unknown: Collection[str],
    now_ms: int,
) -> None:
    """Have open of our own alerts of *kind* what is *wrong* now: details by what it is about.

    What stands with the same details stays as it is, with who has seen it, and so does what is
    *unknown*; with others it is raised anew, so that it is told again; all else is gone, and
    closed.
    """
    wanted = {subject: dumps(details) for subject, details in wrong.items()}
    open_now = {str(subject): str(text) for subject, text in sql.own_open.rows(db, of_kind=kind)}
    for subject, text in open_now.items():
        if wanted.get(subject) != text and subject not in unknown:
            sql.close_own.run(db, of_kind=kind, of_subject=subject, at_ms=now_ms)
    for subject, text in wanted.items():
        if open_now.get(subject) != text:
            sql.open_own.run(
                db,
                connector=STATION,
                kind=kind,
                subject=subject,
                details_json=text,
                at_ms=now_ms,
            )


def acknowledge(db: Connection, alert_id: int, by: str, now_ms: int) -> Alert:
    """Note who has seen it; the first one stays. Raises `NotFound`."""
    sql.acknowledge.run(db, of_alert=alert_id, by=by[:100], at_ms=now_ms)
    return alert(db, alert_id)


def alert(db: Connection, alert_id: int) -> Alert:
    """Give one alert; raises `NotFound`."""
    row = sql.by_id.one(db, alert_id=alert_id)
    if row is None:
        raise NotFound(f"there is no alert {alert_id}")
    return Alert._make(row)


def list_alerts(
    db: Connection, count: int, *, charger: str | None = None, only_open: bool = False
) -> list[Alert]:
    """Give the newest alerts, newest first."""
    if charger is None:
        statement = sql.newest_open if only_open else sql.newest
        return [Alert._make(row) for row in statement.rows(db, count=count)]
    statement = sql.newest_open_of if only_open else sql.newest_of
    return [Alert._make(row) for row in statement.rows(db, count=count, identity=charger)]


def stations_with(db: Connection, kind: str) -> set[int]:
    """Give the stations that have an open alert of this kind."""
    return {int(row[0]) for row in sql.places_open.rows(db, kind=kind)}
