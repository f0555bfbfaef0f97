"""Verbs and queries on stations: in they come, boot, beat and show their connectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from csms_lite.errors import NotFound, Refused, Unacceptable
from csms_lite.jsontext import dumps, loads
from csms_lite.stations import sql
from csms_lite.stations.rules import (
    CODE,
    IDENTITY,
    REGISTRATIONS,
    Boot,
    Connector,
    Observation,
    Station,
)


class Event(NamedTuple):
    """Something worth keeping that has no table of its own."""

    at_ms: int
    kind: str
    connector: int | None
    transaction_id: int | None
    details: Mapping[str, object]


def station(db: Connection, identity: str) -> Station:
    """Give the station with this OCPP identity; raises `NotFound`."""
    row = sql.by_identity.one(db, identity=identity)
    if row is None:
        raise NotFound(f"there is no charger {identity!r}: see GET /api/chargers for those known")
    return Station._make(row)


def station_by_id(db: Connection, station_id: int) -> Station:
    """Give the station with this row id; raises `NotFound`."""
    row = sql.by_id.one(db, station_id=station_id)
    if row is None:
        raise NotFound(f"there is no station {station_id}")
    return Station._make(row)


def station_by_code(db: Connection, code: str) -> Station:
    """Give the station with this public code; raises `NotFound`."""
    row = sql.by_code.one(db, code=code)
    if row is None:
        raise NotFound("there is no station with this code: check the sticker on the charger")
    return Station._make(row)


def list_stations(db: Connection) -> list[Station]:
    """Give all stations by identity."""
    return [Station._make(row) for row in sql.every.rows(db)]


def list_connectors(db: Connection, station_id: int) -> list[Connector]:
    """Give the connectors that the station ever told of, 0 first."""
    return [Connector._make(row) for row in sql.connectors_of.rows(db, station_id=station_id)]


def put_station(
    db: Connection,
    identity: str,
    *,
    name: str | None,
    code: str | None,
    registration: str | None,
    make_code: Callable[[], str],
    now_ms: int,
) -> Station:
    """Add a station, or change what is given of it.

    Raises `Unacceptable` for words that cannot be used and `Refused` for a code already taken.
    """
    if not IDENTITY.fullmatch(identity):
        raise Unacceptable("a charger's id is 1 to 48 letters, digits, '-' and '_'")
    if code is not None and not CODE.fullmatch(code):
        raise Unacceptable("a station's code is 1 to 48 letters and digits")
    if registration is not None and registration not in REGISTRATIONS:
        raise Unacceptable(f"registration is one of {', '.join(REGISTRATIONS)}")
    _create_unless_known(db, identity, registration or "Accepted", make_code, now_ms)
    known = station(db, identity)
    if code is not None and code != known.code and sql.by_code.one(db, code=code) is not None:
        raise Refused(f"the code {code} belongs to another station: choose another")
    sql.describe.run(
        db, of_station=known.station_id, name=name, code=code, registration=registration
    )
    return station(db, identity)


def connected(
    db: Connection,
    identity: str,
    *,
    accept_unknown: bool,
    make_code: Callable[[], str],
    now_ms: int,
) -> Station:
    """Let a station's socket in and number it; an unknown one is added.

    The number rises with each socket of a station, so that the newest can always be told.
    """
    _create_unless_known(
        db, identity, "Accepted" if accept_unknown else "Pending", make_code, now_ms
    )
    sql.next_connection.run(db, of_identity=identity, heard_at_ms=now_ms)
    return station(db, identity)


def booted(db: Connection, station_id: int, boot: Boot, now_ms: int) -> str:
    """Keep what a station says of itself; answers with its registration status."""
    registration = station_by_id(db, station_id).registration
    sql.boot.run(
        db,
        of_station=station_id,
        booted_at_ms=now_ms if registration == "Accepted" else None,
        heard_at_ms=now_ms,
        **boot._asdict(),
    )
    return registration


def heard(db: Connection, station_id: int, now_ms: int) -> None:
    """Keep the last sign of life."""
    sql.heard.run(db, of_station=station_id, heard_at_ms=now_ms)


def observed(db: Connection, station_id: int, seen: Observation, now_ms: int) -> None:
    """Keep the status of a connector; the last one heard counts, whatever its time."""
    values = seen._asdict()
    if seen.since_ms is None:
        values["since_ms"] = now_ms
    sql.observe.run(db, station_id=station_id, received_at_ms=now_ms, **values)


def seen(db: Connection, station_id: int, connector: int, now_ms: int) -> None:
    """Keep that a connector is there, for stations that start before they tell its status."""
    sql.seen.run(db, station_id=station_id, connector=connector, at_ms=now_ms)


def note(
    db: Connection,
    station_id: int,
    kind: str,
    details: Mapping[str, object],
    *,
    now_ms: int,
    connector: int | None = None,
    transaction_id: int | None = None,
) -> None:
    """Keep a fact that fits nowhere else: a conflict, a firmware status, a payload whole."""
    sql.note.run(
        db,
        station_id=station_id,
        at_ms=now_ms,
        kind=kind,
        connector=connector,
        transaction_id=transaction_id,
        details_json=dumps(details),
    )


def notes_on_station(db: Connection, station_id: int, count: int) -> list[Event]:
    """Give the newest events of a station, newest first."""
    return [
        _event(row) for row in sql.notes_on_station.rows(db, station_id=station_id, count=count)
    ]


def notes_on_transaction(db: Connection, station_id: int, transaction_id: int) -> list[Event]:
    """Give what was noted on a transaction, in order."""
    rows = sql.notes_on_transaction.rows(db, station_id=station_id, transaction_id=transaction_id)
    return [_event(row) for row in rows]


def _event(row: tuple[object, ...]) -> Event:
    *head, details = row
    return Event._make((*head, loads(str(details))))


def _create_unless_known(
    db: Connection, identity: str, registration: str, make_code: Callable[[], str], now_ms: int
) -> None:
    if sql.by_identity.one(db, identity=identity) is not None:
        return
    code = make_code()
    while sql.by_code.one(db, code=code) is not None:
        code = make_code()
    sql.create.run(
        db,
        identity=identity,
        code=code,
        name=identity,
        registration=registration,
        created_at_ms=now_ms,
    )
