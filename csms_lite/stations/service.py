"""Verbs and queries on stations: in they come, boot, beat and show their connectors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from csms_lite.errors import NotFound, Refused, Unacceptable
from csms_lite.jsontext import dumps, loads
from csms_lite.stations import sql
from csms_lite.stations.rules import (
    IDENTITY,
    MOST_CONNECTORS,
    STATE_KINDS,
    WORDS,
    Boot,
    Connector,
    Observation,
    Station,
    check_words,
)

NOTED_ONCE_IN_MS: Final = 3_600_000  # a station that repeats itself must not fill the disk


NUMBER: Final = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)


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


def is_known(db: Connection, identity: str) -> bool:
    """Say whether there is a station with this OCPP identity."""
    return sql.by_identity.one(db, identity=identity) is not None


def station_by_id(db: Connection, station_id: int) -> Station:
    """Give the station with this row id; raises `NotFound`."""
    row = sql.by_id.one(db, station_id=station_id)
    if row is None:
        raise NotFound(f"there is no station {station_id}")
    return Station._make(row)


def station_named(db: Connection, name: str) -> Station:
    """Give the station with this identity or, where none has it, number; raises `NotFound`.

    Numbers are what programs know that were written for seed C.
    """
    if sql.by_identity.one(db, identity=name) is None and NUMBER.fullmatch(name):
        return station_by_id(db, int(name))
    return station(db, name)


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
    changes: Mapping[str, Any],
    *,
    make_code: Callable[[], str],
    now_ms: int,
) -> Station:
    """Add a station, or change what is given of it; `None` takes something back.

    Raises `Unacceptable` for words that cannot be used, `NotFound` for an unknown site, and
    `Refused` for a code already taken or a profile lower than the station came on.
    """
    if not IDENTITY.fullmatch(identity):
        raise Unacceptable("a charger's id is 1 to 48 letters, digits, '-' and '_'")
    check_words(changes)
    registration = changes.get("registration", "Accepted")
    _create_unless_known(db, identity, registration, make_code, now_ms)
    known = station(db, identity)
    changed = known._replace(**{name: changes[name] for name in WORDS if name in changes})
    if "dismissed" in changes:
        since_ms = known.dismissed_at_ms or now_ms
        changed = changed._replace(dismissed_at_ms=since_ms if changes["dismissed"] else None)
    _refuse_impossible(db, known, changed)
    sql.describe.run(
        db,
        of_station=known.station_id,
        **{name: getattr(changed, name) for name in (*WORDS, "dismissed_at_ms")},
    )
    return changed


def _refuse_impossible(db: Connection, known: Station, changed: Station) -> None:
    if changed.code != known.code and sql.by_code.one(db, code=changed.code) is not None:
        raise Refused(f"the code {changed.code} belongs to another station: choose another")
    if changed.site_id is not None and sql.site_exists.one(db, site_id=changed.site_id) is None:
        raise NotFound(f"there is no site {changed.site_id}: see GET /api/sites for those known")
    if changed.profile is not None and changed.profile < known.came_profile:
        raise Refused(
            f"{known.identity} has come on security profile {known.came_profile}, and a profile "
            "is never lowered again (OCPP security whitepaper, A05)"
        )


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
    """Keep the status of a connector; the last one heard counts, whatever its time.

    A number that no connector has is noted, once an hour, and nothing is made of it.
    """
    if _is_beyond(db, station_id, seen.connector, now_ms):
        return
    values = seen._asdict()
    if seen.since_ms is None:
        values["since_ms"] = now_ms
    sql.observe.run(db, station_id=station_id, received_at_ms=now_ms, **values)


def seen(db: Connection, station_id: int, connector: int, now_ms: int) -> None:
    """Keep that a connector is there, for stations that start before they tell its status."""
    if _is_beyond(db, station_id, connector, now_ms):
        return
    sql.seen.run(db, station_id=station_id, connector=connector, at_ms=now_ms)


def commanded(db: Connection, station_id: int, connector: int, kind: str, now_ms: int) -> None:
    """Keep the availability that a station was commanded and took; 0 is all its connectors."""
    if not 0 <= connector <= MOST_CONNECTORS:
        return
    if connector == 0:
        sql.forget_commanded.run(db, of_station=station_id)
    sql.command.run(db, station_id=station_id, connector=connector, type=kind, at_ms=now_ms)


def commanded_of(db: Connection, station_id: int) -> dict[int, str]:
    """Give the availability last commanded of each connector; 0 stands for those not named."""
    return dict(sql.commanded_of.rows(db, station_id=station_id))


def derivations(db: Connection) -> dict[int, tuple[str, str]]:
    """Give line and state of each station as they were last told."""
    return {station_id: (line, state) for station_id, line, state in sql.every_derivation.rows(db)}


def derived(
    db: Connection,
    station_id: int,
    now: tuple[str, str],
    before: tuple[str, str] | None,
    now_ms: int,
) -> None:
    """Keep line and state of a station as they are now, and note what has changed."""
    line, state = now
    sql.derive.run(db, station_id=station_id, line=line, state=state, now_ms=now_ms)
    if before is None:
        return
    for kind, old, new in zip(STATE_KINDS, before, now, strict=True):
        if old != new:
            note(db, station_id, kind, {"from": old, "to": new}, now_ms=now_ms)


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


def note_once_a_minute(
    db: Connection, station_id: int, kind: str, details: Mapping[str, object], *, now_ms: int
) -> None:
    """Keep a fact that may come in bursts, at most once a minute."""
    since_ms = now_ms - 60_000
    if sql.noted_since.one(db, station_id=station_id, kind=kind, since_ms=since_ms) is None:
        note(db, station_id, kind, details, now_ms=now_ms)


def notes_on_station(
    db: Connection, station_id: int, count: int, *, with_states: bool = False
) -> list[Event]:
    """Give the newest events of a station, newest first; its changes of state only if asked."""
    statement = sql.all_on_station if with_states else sql.notes_on_station
    return [_event(row) for row in statement.rows(db, station_id=station_id, count=count)]


def notes_on_transaction(db: Connection, station_id: int, transaction_id: int) -> list[Event]:
    """Give what was noted on a transaction, in order."""
    rows = sql.notes_on_transaction.rows(db, station_id=station_id, transaction_id=transaction_id)
    return [_event(row) for row in rows]


def _event(row: tuple[object, ...]) -> Event:
    *head, details = row
    return Event._make((*head, loads(str(details))))


def _is_beyond(db: Connection, station_id: int, connector: int, now_ms: int) -> bool:
    if 0 <= connector <= MOST_CONNECTORS:
        return False
    kind = "connector_beyond_bounds"
    since_ms = now_ms - NOTED_ONCE_IN_MS
    if sql.noted_since.one(db, station_id=station_id, kind=kind, since_ms=since_ms) is None:
        details = {"connector": connector, "bound": MOST_CONNECTORS}
        note(db, station_id, kind, details, now_ms=now_ms)
    return True


def _create_unless_known(
    db: Connection, identity: str, registration: str, make_code: Callable[[], str], now_ms: int
) -> None:
    if is_known(db, identity):
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
    sql.no_stranger.run(db, of_identity=identity)
