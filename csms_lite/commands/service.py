"""Verbs and queries on commands; `csms_lite.ocpp.outgoing` puts them on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from csms_lite.commands import sql
from csms_lite.commands.following import LATER_MS, NAMELESS, awaited, shows
from csms_lite.commands.rules import SEND_WITHIN_MS, Command, consents, refuse_forbidden
from csms_lite.commands.secrets import carries_key, masked, masked_result
from csms_lite.errors import NotFound, Refused, Unacceptable
from csms_lite.jsontext import dumps, loads
from csms_lite.stations import door_service
from csms_lite.stations import service as stations
from csms_lite.stations.keys import as_bytes
from csms_lite.stations.service import station

AWAITING_MOST: Final = 16  # looked at per message; of more, the oldest are given up
AUTHORIZATION_KEY: Final = "AuthorizationKey"
TAKEN: Final = ("Accepted", "Scheduled")
REFUSED: Final = ("Rejected", "NotSupported")


def ask(
    db: Connection,
    charger: str,
    action: str,
    payload: Mapping[str, Any],
    *,
    message_id: str,
    now_ms: int,
    asked_by: str | None = None,
    batch: str | None = None,
    key: str | None = None,
    is_forced: bool = False,
) -> Command:
    """Write down what is asked of a charger; sent after the commit, within half a minute.

    Asked again under the same *key* it is the same row, whatever became of it. *is_forced* skips
    what the standard forbids a central system, for laboratories, and is noted.
    A secret is not written down: who asks hides it before (`csms_lite.commands.secrets`).
    Raises `NotFound`, `Unacceptable`, `Refused`.
    """
    known = station(db, charger)
    if key is not None:
        same = _asked_before(db, known.station_id, key, action, payload)
        if same is not None:
            return same
    if is_forced:
        told = {"action": action, "payload": masked(action, payload), "by": asked_by}
        stations.note(db, known.station_id, "command_forced", told, now_ms=now_ms)
    else:
        is_booted = known.booted_at_ms is not None
        refuse_forbidden(action, payload, is_booted=is_booted, registration=known.registration)
    if action in NAMELESS:
        sql.supersede.run(db, of_station=known.station_id, of_action=action)
    row = sql.ask.one(
        db,
        station_id=known.station_id,
        action=action,
        payload_json=dumps(masked(action, payload)),
        message_id=message_id,
        asked_at_ms=now_ms,
        deadline_ms=now_ms + SEND_WITHIN_MS,
        asked_by=asked_by,
        batch=batch,
        idempotency_key=key,
        awaits=awaited(action, payload),
    )
    assert row is not None  # RETURNING gives the row it inserted
    return command(db, int(row[0]))


def _asked_before(
    db: Connection, station_id: int, key: str, action: str, payload: Mapping[str, Any]
) -> Command | None:
    row = sql.by_key.one(db, of_station=station_id, key=key)
    if row is None:
        return None
    known = Command._make(row)
    if known.action != action or loads(known.payload_json) != masked(action, payload):
        raise Refused("this Idempotency-Key belongs to another command: send a new one")
    return known


class Taken(NamedTuple):
    """What was found when a station's next command was looked for."""

    command: Command | None
    """Marked as sent."""
    ended: list[int]
    """Numbers of those, of any station, for which it was too late: whoever waits is to be told."""


def take_next(db: Connection, station_id: int, now_ms: int) -> Taken:
    """Give the oldest command still to be sent to a station, marked as sent.

    Marked before the frame leaves: a crash in between loses the command, visibly, rather than
    sending it twice.
    """
    ended = expire(db, now_ms)
    row = sql.next_asked.one(db, of_station=station_id)
    if row is None:
        return Taken(None, ended)
    found = Command._make(row)
    sql.mark_sent.run(db, of_command=found.command_id, at_ms=now_ms)
    return Taken(found, ended)


def answered(db: Connection, command_id: int, result: Mapping[str, Any], now_ms: int) -> None:
    """Keep the station's answer, and what follows from it; after a refusal nothing is awaited."""
    asked = command(db, command_id)
    kept = masked_result(asked.action, result)
    _settle(db, command_id, "answered", now_ms, result=dumps(kept))
    if not consents(result):
        sql.await_nothing.run(db, of_command=command_id)
    status = result.get("status")
    if asked.action == "ChangeAvailability" and status in TAKEN:
        told = loads(asked.payload_json)
        connector, kind = told.get("connectorId"), told.get("type")
        if isinstance(connector, int) and isinstance(kind, str):  # a forced one may be any
            stations.commanded(db, asked.station_id, connector, kind, now_ms)
    elif status in REFUSED:
        _forget_its_key(db, asked)


def ask_by_operator(
    db: Connection,
    charger: str,
    action: str,
    payload: Mapping[str, Any],
    *,
    salt: str,
    message_id: str,
    now_ms: int,
    asked_by: str | None = None,
    batch: str | None = None,
    key: str | None = None,
    is_forced: bool = False,
) -> Command:
    """Ask by hand; a key that is sent so is one that the charger may come with (TC_073).

    One that cannot be a key is sent all the same: the station refuses it (ruling 21).
    Raises as `ask`.
    """
    command = ask(
        db,
        charger,
        action,
        payload,
        message_id=message_id,
        now_ms=now_ms,
        asked_by=asked_by,
        batch=batch,
        key=key,
        is_forced=is_forced,
    )
    if carries_key(action, payload) and command.message_id == message_id:
        value = str(payload.get("value", ""))
        with suppress(Unacceptable):
            as_bytes(value)
            door_service.add_key(
                db, charger, value, salt=salt, now_ms=now_ms, message_id=message_id
            )
    return command


def rotate_key(
    db: Connection,
    charger: str,
    key: str,
    *,
    salt: str,
    message_id: str,
    now_ms: int,
    is_told: bool,
    only: bool,
) -> Command | None:
    """Keep a new key of a charger, and tell it if it *is_told*; gives the command that does.

    The keys before stay valid until it has come with the new one, unless the new is the *only*.
    Raises `NotFound`, `Unacceptable`, `Refused`.
    """
    carrier = message_id if is_told else None
    door_service.add_key(db, charger, key, salt=salt, now_ms=now_ms, message_id=carrier, only=only)
    if not is_told:
        return None
    payload = {"key": AUTHORIZATION_KEY, "value": key}
    return ask(db, charger, "ChangeConfiguration", payload, message_id=message_id, now_ms=now_ms)


def failed(db: Connection, command_id: int, problem: str, now_ms: int) -> None:
    """Keep why there is no answer; what was asked may still be seen to happen."""
    _settle(db, command_id, "failed", now_ms, problem=problem)


def awaiting(db: Connection, station_ids: Iterable[int], message: str) -> set[int]:
    """Give those of some stations of which a command waits for a *message*."""
    rows = sql.stations_awaiting.rows(
        db, rows=dumps([[one] for one in station_ids]), message=message
    )
    return {station_id for (station_id,) in rows}


def observed(
    db: Connection, station_id: int, message: str, told: Mapping[str, Any], now_ms: int
) -> Command | None:
    """See in what a station tells what came of a command; gives that command.

    One message tells of one command, the oldest that waits for it: stations work in order.
    """
    if sql.is_awaited.one(db, of_station=station_id, message=message) is None:
        return None
    rows = sql.awaiting.rows(
        db,
        of_station=station_id,
        message=message,
        since_ms=now_ms - LATER_MS,
        count=AWAITING_MOST,
    )
    for found in map(Command._make, reversed(rows)):
        is_it, is_last = shows(found, told, now_ms)
        if is_it:
            sql.observe.run(
                db,
                of_command=found.command_id,
                at_ms=now_ms,
                told_json=dumps(told),
                still_awaits=None if is_last else message,
            )
            return found
    return None


def fulfilled(db: Connection, command_id: int, told: Mapping[str, Any], now_ms: int) -> None:
    """Keep what came of a command, known by its number."""
    sql.observe.run(
        db, of_command=command_id, at_ms=now_ms, told_json=dumps(told), still_awaits=None
    )


def withdraw(db: Connection, command_id: int, problem: str) -> bool:
    """Take a command back; false when it was sent already, or has ended."""
    return sql.withdraw.run(db, of_command=command_id, problem=problem) > 0


def declined(db: Connection, command_id: int, problem: str, now_ms: int) -> None:
    """Keep that the station answered CALLERROR, or that nothing was sent: it has not taken it."""
    failed(db, command_id, problem, now_ms)
    sql.await_nothing.run(db, of_command=command_id)
    _forget_its_key(db, command(db, command_id))


def expire(db: Connection, now_ms: int) -> list[int]:
    """End what was not sent in time; gives the numbers of those commands."""
    problem = f"the charger was not connected within {SEND_WITHIN_MS // 1000} s: ask again"
    ended = [int(row[0]) for row in sql.expire.rows(db, now_ms=now_ms, problem=problem)]
    for command_id in ended:
        _forget_its_key(db, command(db, command_id))
    return ended


def abandon(db: Connection, before_ms: int) -> list[int]:
    """End what was sent until *before_ms* and never got an end; gives those commands' numbers.

    Either the process ended before the answer came, or the answer could not be stored.
    """
    problem = "the answer did not come or could not be kept: the outcome is unknown"
    return [int(row[0]) for row in sql.abandon.rows(db, before_ms=before_ms, problem=problem)]


def command(db: Connection, command_id: int) -> Command:
    """Give one command; raises `NotFound`."""
    row = sql.by_id.one(db, command_id=command_id)
    if row is None:
        raise NotFound(f"there is no command {command_id}")
    return Command._make(row)


def list_commands(db: Connection, charger: str, count: int) -> list[Command]:
    """Give the newest commands of a charger, newest first; raises `NotFound`."""
    known = station(db, charger)
    rows = sql.page_of_station.rows(db, of_station=known.station_id, count=count)
    return [Command._make(row) for row in rows]


def _forget_its_key(db: Connection, asked: Command) -> None:
    """Forget the key that a command should have taken to a station that does not have it."""
    if carries_key(asked.action, loads(asked.payload_json)):
        door_service.drop_key_of(db, asked.station_id, asked.message_id)


def page_commands(
    db: Connection,
    *,
    batch: str | None,
    state: str | None,
    action: str | None,
    before: int,
    count: int,
) -> list[Command]:
    """Give up to *count* commands of all chargers, newest first, of those that are asked for."""
    rows = sql.page.rows(db, batch=batch, state=state, action=action, before=before, count=count)
    return [Command._make(row) for row in rows]


def _settle(
    db: Connection,
    command_id: int,
    state: str,
    now_ms: int,
    *,
    result: str | None = None,
    problem: str | None = None,
) -> None:
    sql.settle.run(
        db,
        of_command=command_id,
        new_state=state,
        at_ms=now_ms,
        result_json=result,
        problem=problem,
    )
