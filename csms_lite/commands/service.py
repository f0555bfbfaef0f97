"""Verbs and queries on commands; `csms_lite.ocpp.outgoing` puts them on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Connection

from csms_lite.commands import sql
from csms_lite.commands.rules import SEND_WITHIN_MS, Command, refuse_forbidden
from csms_lite.commands.secrets import is_secret, masked, masked_result
from csms_lite.errors import NotFound, Unacceptable
from csms_lite.jsontext import dumps, loads
from csms_lite.stations import door_service
from csms_lite.stations import service as stations
from csms_lite.stations.keys import as_bytes
from csms_lite.stations.service import station

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
) -> Command:
    """Write down what is asked of a charger; sent after the commit, within half a minute.

    A secret is not: who asks hides it for the sender before (`csms_lite.commands.secrets`).
    Raises `NotFound`, `Unacceptable`, `Refused`.
    """
    known = station(db, charger)
    refuse_forbidden(action, payload, is_booted=known.booted_at_ms is not None)
    row = sql.ask.one(
        db,
        station_id=known.station_id,
        action=action,
        payload_json=dumps(masked(action, payload)),
        message_id=message_id,
        asked_at_ms=now_ms,
        deadline_ms=now_ms + SEND_WITHIN_MS,
    )
    assert row is not None  # RETURNING gives the row it inserted
    return command(db, int(row[0]))


def take_next(db: Connection, station_id: int, now_ms: int) -> Command | None:
    """Give the oldest command still to be sent to a station, marked as sent.

    Marked before the frame leaves: a crash in between loses the command, visibly, rather than
    sending it twice.
    """
    expire(db, now_ms)
    row = sql.next_asked.one(db, of_station=station_id)
    if row is None:
        return None
    found = Command._make(row)
    sql.mark_sent.run(db, of_command=found.command_id, at_ms=now_ms)
    return found


def answered(db: Connection, command_id: int, result: Mapping[str, Any], now_ms: int) -> None:
    """Keep the station's answer, and what follows from it for the station."""
    asked = command(db, command_id)
    kept = masked_result(asked.action, result)
    _settle(db, command_id, "answered", now_ms, result=dumps(kept))
    payload, status = loads(asked.payload_json), result.get("status")
    if asked.action == "ChangeAvailability" and status in TAKEN:
        connector, kind = payload["connectorId"], payload["type"]
        stations.commanded(db, asked.station_id, connector, kind, now_ms)
    elif is_secret(asked.action, payload) and status in REFUSED:
        door_service.drop_key_of(db, asked.station_id, asked.message_id)


def ask_by_operator(
    db: Connection,
    charger: str,
    action: str,
    payload: Mapping[str, Any],
    *,
    salt: str,
    message_id: str,
    now_ms: int,
) -> Command:
    """Ask by hand; a key that is sent so is one that the charger may come with (TC_073).

    One that cannot be a key is sent all the same: the station refuses it (ruling 21).
    Raises as `ask`.
    """
    if is_secret(action, payload):
        key = str(payload.get("value", ""))
        with suppress(Unacceptable):
            as_bytes(key)
            door_service.add_key(db, charger, key, salt=salt, now_ms=now_ms, message_id=message_id)
    return ask(db, charger, action, payload, message_id=message_id, now_ms=now_ms)


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
    """Keep why there is no answer."""
    _settle(db, command_id, "failed", now_ms, problem=problem)


def withdraw(db: Connection, command_id: int, problem: str) -> bool:
    """Take a command back; false when it was sent already, or has ended."""
    return sql.withdraw.run(db, of_command=command_id, problem=problem) > 0


def expire(db: Connection, now_ms: int) -> list[int]:
    """End what was not sent in time; gives the numbers of those commands."""
    problem = f"the charger was not connected within {SEND_WITHIN_MS // 1000} s: ask again"
    return [int(row[0]) for row in sql.expire.rows(db, now_ms=now_ms, problem=problem)]


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
