"""Verbs and queries on sessions that somebody asked for and that have not begun."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Connection

from csms_lite.commands.rules import ANSWERED
from csms_lite.jsontext import loads
from csms_lite.people.rules import is_same_tag
from csms_lite.sessions import sql
from csms_lite.sessions.rules import Event, Session, Start, Wish, next_state
from csms_lite.tariffs.service import current_tariff

CAUSED_WITHIN_MS: Final = 900_000  # beyond any ConnectionTimeOut in the field
CLOCKS_DIFFER_MS: Final = 600_000  # a station's clock may be behind ours by this much
MOST_ASKED: Final = 8  # at one station within that time; older ones caused nothing
SETTLED_AT_ONCE: Final = 100  # keeps the verb within its budget

CAME_TO_NOTHING: Final = (
    "the charger accepted, but nothing began within {} s: was the cable plugged in?"
)
SAID_NO: Final = "the charger refused to start"


class Cause(NamedTuple):
    """The RemoteStart that a transaction came of, and the session that waited for it, if any."""

    command_id: int
    transaction_id: int | None
    is_stop_wished: bool
    is_unsent: bool
    """The driver's card was quicker than our command."""


def wish(db: Connection, asked: Wish, *, verdict: str, command_id: int, now_ms: int) -> int:
    """Store that somebody wants to charge, at the price of now; gives the session's number."""
    tariff = current_tariff(db)
    row = sql.wish.one(
        db,
        station_id=asked.station_id,
        connector=asked.connector,
        id_tag=asked.id_tag,
        verdict=verdict,
        at_ms=now_ms,
        currency=tariff.currency if tariff else None,
        per_kwh_minor=tariff.per_kwh_minor if tariff else None,
        user_id=asked.user_id,
        reference=asked.reference,
        start_command_id=command_id,
        goal_wh=asked.goal_wh,
        goal_soc_percent=asked.goal_soc_percent,
    )
    assert row is not None  # RETURNING gives the row it inserted
    return int(row[0])


def cause_of(db: Connection, station_id: int, begun: Start) -> Cause | None:
    """Find the RemoteStart of which a transaction came: the newest that fits tag and connector.

    Judged by the time that the station tells, for it may tell hours later. What was not sent
    caused nothing, nor did what the charger refused.
    """
    rows = sql.starts_asked.rows(
        db,
        of_station=station_id,
        since_ms=begun.started_at_ms - CAUSED_WITHIN_MS,
        until_ms=begun.started_at_ms + CLOCKS_DIFFER_MS,
        count=MOST_ASKED,
    )
    for command_id, payload_json, state, result_json, transaction_id, stop_asked_at_ms in rows:
        is_awaited = transaction_id is not None
        if state == "expired" or (state == "asked" and not is_awaited):
            continue
        if state in ANSWERED and not _is_accepted(result_json):
            continue
        asked = loads(payload_json)
        if not is_same_tag(asked.get("idTag"), begun.id_tag):
            continue
        if asked.get("connectorId", begun.connector) == begun.connector:
            return Cause(command_id, transaction_id, stop_asked_at_ms is not None, state == "asked")
    return None


def settle(
    db: Connection, now_ms: int, *, start_within_ms: int, command_id: int | None = None
) -> list[Session]:
    """End pending sessions whose command came to nothing; gives those that changed.

    Of one command, or of all: what a restart interrupted is found again.
    """
    changed = []
    rows = sql.pending.rows(db, of_command=command_id, count=SETTLED_AT_ONCE)
    for transaction_id, asked_at_ms, state, result_json, problem in rows:
        event, why = Event.LOST, problem
        if state in ANSWERED:
            if not _is_accepted(result_json):
                event, why = Event.REFUSED, SAID_NO
            elif now_ms - asked_at_ms >= start_within_ms:
                why = CAME_TO_NOTHING.format(start_within_ms // 1000)
            else:
                continue
        elif state not in ("failed", "expired"):
            continue
        changed.append(not_begun(db, transaction_id, event, why))
    return changed


def not_begun(db: Connection, transaction_id: int, event: Event, problem: str | None) -> Session:
    """End a pending session, saying why."""
    sql.not_begun.run(
        db,
        of_transaction=transaction_id,
        new_state=next_state("pending", event).value,
        problem=problem,
    )
    row = sql.by_id.one(db, transaction_id=transaction_id)
    assert row is not None  # it was found a statement ago
    return Session._make(row)


def stop_wished(
    db: Connection, transaction_id: int, *, command_id: int | None, now_ms: int
) -> None:
    """Keep that a session shall end, and by which command."""
    sql.stop_asked.run(db, of_transaction=transaction_id, command_id=command_id, at_ms=now_ms)


def occupying(db: Connection, station_id: int) -> list[Session]:
    """Give the sessions of a station that run or are about to begin."""
    return [Session._make(row) for row in sql.occupying.rows(db, of_station=station_id)]


def by_reference(db: Connection, station_id: int, reference: str) -> Session | None:
    """Find the session that its caller named so."""
    row = sql.by_reference.one(db, of_station=station_id, reference=reference)
    return None if row is None else Session._make(row)


def own(db: Connection, transaction_id: int, user_id: int) -> Session | None:
    """Find a session if it is this person's."""
    row = sql.own.one(db, transaction_id=transaction_id, user_id=user_id)
    return None if row is None else Session._make(row)


def open_of_user(db: Connection, user_id: int, count: int) -> list[Session]:
    """Give a person's sessions that run or are about to begin, newest first."""
    rows = sql.open_of_user.rows(db, user_id=user_id, count=count)
    return [Session._make(row) for row in rows]


def _is_accepted(result_json: str | None) -> bool:
    return result_json is not None and loads(result_json).get("status") == "Accepted"
