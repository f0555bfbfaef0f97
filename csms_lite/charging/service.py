"""Verbs of the drivers' door: a wish is checked, and becomes a session and a command at once."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from csms_lite.access.rules import AccessRules
from csms_lite.access.service import judge_wish
from csms_lite.charging import sql
from csms_lite.charging.rules import Place, choose_connector, refuse_verdict
from csms_lite.commands import service as commands
from csms_lite.commands.rules import Command
from csms_lite.errors import NotFound, Refused
from csms_lite.jsontext import digest, loads
from csms_lite.people.rules import tag_key
from csms_lite.people.service import owner_of
from csms_lite.sessions import service as sessions
from csms_lite.sessions import wishes
from csms_lite.sessions.rules import Event, Session, State, Wish
from csms_lite.sessions.wishes import Cause
from csms_lite.stations import service as stations

RESERVATIONS_READ: Final = 8  # newest first; the first that was accepted counts
MOST_OPEN: Final = 16  # cars that one person charges at once
UNDER_WAY: Final = ("asked", "sent")
TAKEN_BACK: Final = "taken back before it began"


class Done(NamedTuple):
    """What came of a wish: the session, and the command that waits to be sent, if any."""

    session: Session
    command: Command | None
    withdrawn: int | None = None
    """Number of a command that is not sent any more: whoever waits for it is to be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What a driver's wish is judged by besides the database."""

    is_online: bool
    access: AccessRules
    message_id: str
    now_ms: int


def start(db: Connection, asked: Wish, connector: int | None, door: Door) -> Done:
    """Check a driver's wish; if nothing is against it, store a pending session and its command.

    *connector* `None` takes the first free one. It is the card owner's, whoever asks. The same
    reference again gives the session that it named before, and starts nothing. Raises `NotFound`,
    `Refused` with the reason.
    """
    asked = replace(asked, user_id=owner_of(db, asked.id_tag) or asked.user_id)
    if asked.reference is not None:
        known = wishes.by_reference(db, asked.station_id, asked.reference)
        if known is not None:
            _refuse_another(known, asked, connector)
            return Done(known, None)
    station = stations.station_by_id(db, asked.station_id)
    place = Place(
        station=station,
        is_online=door.is_online,
        connectors=stations.list_connectors(db, asked.station_id),
        occupying=wishes.occupying(db, asked.station_id),
        commanded=stations.commanded_of(db, asked.station_id),
        reservation=_reservation(db, asked.station_id),
    )
    chosen = choose_connector(place, connector, asked.id_tag, door.now_ms)
    verdict = judge_wish(db, asked.id_tag, asked.station_id, door.now_ms, door.access)
    refuse_verdict(verdict.status, verdict.why)
    command = commands.ask(
        db,
        station.identity,
        "RemoteStartTransaction",
        {"connectorId": chosen, "idTag": asked.id_tag},
        message_id=door.message_id,
        now_ms=door.now_ms,
    )
    transaction_id = wishes.wish(
        db,
        replace(asked, connector=chosen),
        verdict=verdict.status,
        command_id=command.command_id,
        now_ms=door.now_ms,
    )
    return Done(sessions.session(db, transaction_id), command)


def stop(
    db: Connection, transaction_id: int, door: Door, *, user_id: int | None, is_anybodys: bool
) -> Done:
    """End a session: a person's own, or for operators anybody's.

    One that has not begun is taken back, or ends as soon as it begins. Asked twice it is one
    command; one that has ended stays as it is. Raises `NotFound`, `Refused`.
    """
    if is_anybodys:
        known = sessions.session(db, transaction_id)
    else:
        known = own_session(db, transaction_id, user_id)
    if known.state == State.PENDING:
        return _take_back(db, known, door.now_ms)
    if known.state != State.RUNNING:
        return Done(known, None)
    if known.stop_command_id is not None:
        before = commands.command(db, known.stop_command_id)
        if before.state in UNDER_WAY:
            return Done(known, before)
    if not door.is_online:
        raise Refused("this charger has no connection now: end it at the charger or in the car")
    command = _ask_to_stop(db, known, message_id=door.message_id, now_ms=door.now_ms)
    return Done(sessions.session(db, transaction_id), command)


def own_session(db: Connection, transaction_id: int, user_id: int | None) -> Session:
    """Give a person's own session; raises `NotFound` for anybody else's, and for nobody's."""
    row = None if user_id is None else wishes.own(db, transaction_id, user_id)
    if row is None:
        raise NotFound(f"there is no session {transaction_id} of yours")
    return row


def only_open(db: Connection, user_id: int | None, station_id: int | None) -> Session:
    """Give the one session of a person that is under way, at a station or anywhere.

    Raises `NotFound` when there is none, `Refused` when it is not clear which is meant.
    """
    found = [
        one
        for one in (() if user_id is None else wishes.open_of_user(db, user_id, MOST_OPEN))
        if station_id is None or one.station_id == station_id
    ]
    if not found:
        raise NotFound("you have no session under way here")
    if len(found) > 1:
        numbers = ", ".join(str(one.transaction_id) for one in found)
        raise Refused(f"you have several sessions under way: say which of {numbers}")
    return found[0]


def began(
    db: Connection, transaction_id: int, cause: Cause, *, message_id: str, now_ms: int
) -> int | None:
    """Follow a beginning that was asked for: what nobody wants any more is ended at once.

    Gives the number of a command that is not sent any more: whoever waits for it is to be told.
    The command's id is made of the message that told of the beginning: a verb has no chance.
    """
    is_withdrawn = cause.is_unsent and commands.withdraw(
        db, cause.command_id, "it began with a card before this was sent"
    )
    if cause.is_stop_wished:
        known = sessions.session(db, transaction_id)
        made = digest(("stop", known.station_id, transaction_id, message_id, now_ms))
        with suppress(Refused):  # one that may be asked nothing any more still tells facts
            _ask_to_stop(db, known, message_id=made, now_ms=now_ms)
    return cause.command_id if is_withdrawn else None


def answered(db: Connection, command_id: int, result: Mapping[str, Any], now_ms: int) -> None:
    """Keep a charger's answer, and what it means for a session that waits for it."""
    commands.answered(db, command_id, result, now_ms)
    _settle_one(db, command_id, now_ms)


def failed(
    db: Connection, command_id: int, problem: str, now_ms: int, *, is_refusal: bool = False
) -> None:
    """Keep why there is no answer, and what it means for a session that waits for it."""
    (commands.declined if is_refusal else commands.failed)(db, command_id, problem, now_ms)
    _settle_one(db, command_id, now_ms)


def settle(db: Connection, now_ms: int, start_within_ms: int) -> list[Session]:
    """End what came to nothing; run now and then, and at the start of the process."""
    return wishes.settle(db, now_ms, start_within_ms=start_within_ms)


def _settle_one(db: Connection, command_id: int, now_ms: int) -> None:
    never = 2**62  # whether nothing came of it, only time tells
    wishes.settle(db, now_ms, start_within_ms=never, command_id=command_id)


def _ask_to_stop(db: Connection, known: Session, *, message_id: str, now_ms: int) -> Command:
    command = commands.ask(
        db,
        known.charger,
        "RemoteStopTransaction",
        {"transactionId": known.transaction_id},
        message_id=message_id,
        now_ms=now_ms,
    )
    wishes.stop_wished(db, known.transaction_id, command_id=command.command_id, now_ms=now_ms)
    return command


def _take_back(db: Connection, known: Session, now_ms: int) -> Done:
    assert known.start_command_id is not None  # nothing is pending without its command
    if commands.withdraw(db, known.start_command_id, TAKEN_BACK):
        ended = wishes.not_begun(db, known.transaction_id, Event.LOST, TAKEN_BACK)
        return Done(ended, None, known.start_command_id)
    wishes.stop_wished(db, known.transaction_id, command_id=None, now_ms=now_ms)
    return Done(sessions.session(db, known.transaction_id), None)


def _refuse_another(known: Session, asked: Wish, connector: int | None) -> None:
    """Refuse a reference that names something else; says nothing of what it names."""
    is_same = (
        known.user_id == asked.user_id
        and tag_key(known.id_tag) == tag_key(asked.id_tag)
        and connector in (None, known.connector)
    )
    if not is_same:
        raise Refused("this reference belongs to another start at this charger: choose another")


def _reservation(db: Connection, station_id: int) -> Mapping[str, Any] | None:
    rows = sql.reservations_asked.rows(db, of_station=station_id, count=RESERVATIONS_READ)
    for payload_json, result_json in rows:
        if loads(result_json).get("status") == "Accepted":
            payload: Mapping[str, Any] = loads(payload_json)
            return payload
    return None
