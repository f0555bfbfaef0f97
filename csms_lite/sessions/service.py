"""Verbs and queries on transactions: facts of the past are stored, never refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection

from csms_lite.errors import NotFound, Refused, Unacceptable
from csms_lite.people.rules import tag_key
from csms_lite.sessions import sql
from csms_lite.sessions.rules import (
    LONGEST_REASON,
    SHORTEST_REASON,
    Event,
    LastCharge,
    Session,
    Start,
    State,
    Stop,
    awaits_its_end,
    energy_wh,
    next_state,
    same_stop,
)
from csms_lite.sessions.rules import last_charge as public_charge
from csms_lite.sessions.sampling import Measured, keep_samples
from csms_lite.sessions.wishes import Cause, cause_of
from csms_lite.stations import service as stations
from csms_lite.tariffs.service import current_tariff

CABLE_OUT: Final = frozenset({"Available", "Preparing", "Reserved"})
STOP_DIFFERS: Final = "conflict_stop_differs"
LATE_STOP: Final = "stop_after_close"


def repeated_start(
    db: Connection, station_id: int, begun: Start, message_id: str
) -> tuple[int, str] | None:
    """Find the transaction that *begun* tells again, with the verdict given then.

    The same beginning told twice is one transaction (ruling 7 d): it counts as told again while
    the stored one is open, or when the message id is the same, or when no StopTransaction with
    another content followed it.
    """
    known = sql.same_start.one(db, **_content(station_id, begun))
    if known is None:
        return None
    transaction_id, state, first_message_id, verdict = known
    if (
        state == State.RUNNING
        or first_message_id == message_id
        or not _has_conflicting_stop(db, station_id, transaction_id)
    ):
        return transaction_id, verdict
    return None


def start(
    db: Connection,
    station_id: int,
    begun: Start,
    *,
    verdict: str,
    message_id: str,
    now_ms: int,
    owner_id: int | None = None,
) -> tuple[int, Cause | None]:
    """Store the beginning of a transaction and give its number, and what was asked to cause it.

    It is stored whatever the verdict, and is the card owner's if nobody asked for it. Ask
    `repeated_start` before.
    """
    cause = cause_of(db, station_id, begun)
    told = {
        "verdict": verdict,
        "message_id": message_id,
        "reservation_id": begun.reservation_id,
        "received_at_ms": now_ms,
        "owner_id": owner_id,
        "id_tag": begun.id_tag,
        "meter_start_wh": begun.meter_start_wh,
        "started_at_ms": begun.started_at_ms,
    }
    if cause is not None and cause.transaction_id is not None:
        sql.begin.run(db, of_transaction=cause.transaction_id, **told)
        return cause.transaction_id, cause
    tariff = current_tariff(db)
    row = sql.start.one(
        db,
        station_id=station_id,
        connector=begun.connector,
        currency=tariff.currency if tariff else None,
        per_kwh_minor=tariff.per_kwh_minor if tariff else None,
        start_command_id=cause.command_id if cause else None,
        **told,
    )
    assert row is not None  # RETURNING gives the row it inserted
    return int(row[0]), cause


def stop(
    db: Connection, station_id: int, ended: Stop, *, payload: Mapping[str, Any], now_ms: int
) -> None:
    """Store the end of a transaction.

    An end told again changes nothing. A different second end, or the end of a transaction that
    is not this station's, is kept whole as an event for the operator; the first end stands.
    What only an operator had closed is opened by the real end and closed with it.
    """
    known = _of_station(db, station_id, ended.transaction_id)

    def note(kind: str) -> None:
        stations.note(
            db,
            station_id,
            kind,
            payload,
            now_ms=now_ms,
            connector=known.connector if known else None,
            transaction_id=ended.transaction_id,
        )

    if known is None or known.meter_start_wh is None:
        note("conflict_stop_unknown")
        keep_samples(db, [Measured(station_id, 0, ended.transaction_id, ended.samples, now_ms)])
        return
    if not awaits_its_end(known):
        if not same_stop(known, ended):
            note(STOP_DIFFERS)
        return
    if known.closed_at_ms is not None:
        note(LATE_STOP)
    if ended.meter_stop_wh < known.meter_start_wh:
        note("conflict_register_backwards")
    sql.stop.run(
        db,
        of_transaction=ended.transaction_id,
        meter_stop_wh=ended.meter_stop_wh,
        stopped_at_ms=ended.stopped_at_ms,
        stop_reason=ended.reason,
        stop_tag=ended.id_tag,
        stop_received_at_ms=now_ms,
    )
    keep_samples(
        db,
        [Measured(station_id, known.connector, ended.transaction_id, ended.samples, now_ms)],
    )


def close(
    db: Connection, transaction_id: int, *, by: str, reason: str, is_confirmed: bool, now_ms: int
) -> Session:
    """Close a session without the charger's word; its energy stays what was measured.

    The first time it only warns. Raises `NotFound`, `Refused`, `Unacceptable`.
    """
    known = session(db, transaction_id)
    next_state(known.state, Event.CLOSED)
    reason = reason.strip()
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise Unacceptable(
            f"say why in {SHORTEST_REASON} to {LONGEST_REASON} letters: the driver will ask"
        )
    if not is_confirmed:
        raise Refused(
            f"session {transaction_id} runs at {known.charger} as far as is known. Closing it "
            f"here stops no energy, and it would count {energy_wh(known)} Wh, what was measured "
            "last. Try to stop it first; when that is of no use, send this again with "
            '"confirm": true. If the charger tells of the end later, that will count'
        )
    sql.close_by_hand.run(
        db, of_transaction=transaction_id, at_ms=now_ms, closed_by=by, close_reason=reason
    )
    stations.note(
        db,
        known.station_id,
        "closed_by_operator",
        {"by": by, "reason": reason, "energy_wh": energy_wh(known)},
        now_ms=now_ms,
        connector=known.connector,
        transaction_id=transaction_id,
    )
    return session(db, transaction_id)


def observed(db: Connection, station_id: int, connector: int, status: str, now_ms: int) -> None:
    """Note from a connector's status that the cable of the last session is out."""
    if status in CABLE_OUT:
        sql.cable_out.run(db, of_station=station_id, of_connector=connector, at_ms=now_ms)


def session(db: Connection, transaction_id: int) -> Session:
    """Give one transaction; raises `NotFound`."""
    row = sql.by_id.one(db, transaction_id=transaction_id)
    if row is None:
        raise NotFound(f"there is no session {transaction_id}: see GET /api/sessions")
    return Session._make(row)


def list_sessions(
    db: Connection, wanted: Mapping[str, object], before: int, count: int
) -> list[Session]:
    """Give up to *count* sessions, newest number first; *wanted* holds some of `sql.FILTERS`."""
    page = sql.page_by(frozenset(wanted))
    return [Session._make(row) for row in page.rows(db, before=before, count=count, **wanted)]


def last_session(db: Connection, station_id: int, connector: int) -> Session | None:
    """Give the transaction that began last at a connector."""
    row = sql.last_of_connector.one(db, of_station=station_id, connector=connector)
    return None if row is None else Session._make(row)


def last_charge(db: Connection, station_id: int) -> LastCharge | None:
    """Give the last charge of a station as anybody may see it; `None` when there was none."""
    row = sql.last_ended.one(db, of_station=station_id)
    return None if row is None else public_charge(Session._make(row))


def list_stale(db: Connection, station_id: int, before_ms: int) -> list[Session]:
    """Give the sessions that run at a station with no reading since a moment."""
    rows = sql.stale.rows(db, of_station=station_id, before_ms=before_ms)
    return [Session._make(row) for row in rows]


def is_running_with(db: Connection, tag: str) -> bool:
    """Say whether a transaction with this tag is open anywhere."""
    return sql.running_with_tag.one(db, tag_key=tag_key(tag)) is not None


def _content(station_id: int, begun: Start) -> dict[str, object]:
    return {
        "station_id": station_id,
        "connector": begun.connector,
        "started_at_ms": begun.started_at_ms,
        "meter_start_wh": begun.meter_start_wh,
        "id_tag": begun.id_tag,
    }


def _of_station(db: Connection, station_id: int, transaction_id: int) -> Session | None:
    row = sql.by_id.one(db, transaction_id=transaction_id)
    known = None if row is None else Session._make(row)
    return known if known is not None and known.station_id == station_id else None


def _has_conflicting_stop(db: Connection, station_id: int, transaction_id: int) -> bool:
    notes = stations.notes_on_transaction(db, station_id, transaction_id)
    return any(event.kind == STOP_DIFFERS for event in notes)
