"""Verbs and queries on transactions: facts of the past are stored, never refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from csms_lite.alerts import service as alerts
from csms_lite.clock import rfc3339
from csms_lite.errors import NotFound, Refused, Unacceptable
from csms_lite.jsontext import dumps, loads
from csms_lite.people.rules import tag_key
from csms_lite.sessions import sql
from csms_lite.sessions.measures import read_sample
from csms_lite.sessions.progress import CHARGE_OVER_MS, Charge
from csms_lite.sessions.rules import (
    LONGEST_REASON,
    SHORTEST_REASON,
    Event,
    LastCharge,
    Sample,
    Session,
    Start,
    State,
    Stop,
    awaits_its_end,
    energy_wh,
    newest,
    next_state,
    same_stop,
)
from csms_lite.sessions.rules import last_charge as public_charge
from csms_lite.sessions.warnings import USUAL, Limits, changes, rated
from csms_lite.sessions.wishes import Cause, cause_of
from csms_lite.stations import service as stations
from csms_lite.stations.rules import MOST_CONNECTORS
from csms_lite.store.prepared import Row
from csms_lite.tariffs.service import current_tariff

MAX_SAMPLES: Final = 5000  # three and a half days of one sample a minute; files hold all
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
        _keep_samples(db, station_id, 0, ended.transaction_id, ended.samples)
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
    _keep_samples(db, station_id, known.connector, ended.transaction_id, ended.samples)


def sampled(
    db: Connection,
    station_id: int,
    connector: int,
    transaction_id: int | None,
    taken: Sequence[Sample],
    *,
    now_ms: int,
    limits: Limits = USUAL,
) -> None:
    """Store samples; the newest becomes what the session shows. Unknown sessions' too."""
    _keep_samples(db, station_id, connector, transaction_id, taken)
    last = newest(taken)
    if last is None:
        return
    _warn(db, station_id, connector, transaction_id, last, limits=limits, now_ms=now_ms)
    if transaction_id is None:
        return
    sql.measured.run(
        db,
        of_transaction=transaction_id,
        of_station=station_id,
        at_ms=last.at_ms,
        energy_wh=last.energy_wh,
        power_w=last.power_w,
        power_derived=int(last.power_derived) if last.power_w is not None else None,
        soc_percent=last.soc_percent,
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


def earlier_charge(db: Connection, known: Session) -> Charge | None:
    """Give the state of charge that a session had some minutes before its newest reading."""
    if known.soc_percent is None or known.measured_at_ms is None:
        return None
    row = sql.charge_since.one(
        db,
        transaction_id=known.transaction_id,
        station_id=known.station_id,
        since_ms=known.measured_at_ms - CHARGE_OVER_MS,
    )
    return None if row is None else Charge._make(row)


def list_stale(db: Connection, station_id: int, before_ms: int) -> list[Session]:
    """Give the sessions that run at a station with no reading since a moment."""
    rows = sql.stale.rows(db, of_station=station_id, before_ms=before_ms)
    return [Session._make(row) for row in rows]


def list_samples(
    db: Connection, known: Session, *, count: int = MAX_SAMPLES, skipped: int = 0
) -> list[Sample]:
    """Give the samples of a transaction in order of time."""
    rows = sql.samples_of.rows(
        db,
        transaction_id=known.transaction_id,
        station_id=known.station_id,
        count=count,
        skipped=skipped,
    )
    return [_sample(row) for row in rows]


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


def _sample(row: Row) -> Sample:
    at_ms, values_json = row
    return read_sample(at_ms, loads(values_json))


def _warn(
    db: Connection,
    station_id: int,
    connector: int,
    transaction_id: int | None,
    last: Sample,
    *,
    limits: Limits,
    now_ms: int,
) -> None:
    """Raise and end the alarms of a connector by its newest sample."""
    found = last.readings
    if connector > MOST_CONNECTORS or not (found.voltage or found.current or found.temperatures):
        return
    rating = sql.rating.one(db, of_station=station_id, of_connector=connector)
    known = limits if rating is None else rated(limits, *rating)
    raised = sql.alarms_at.rows(db, of_station=station_id, of_connector=connector)
    for change in changes(found, known, frozenset(row[0] for row in raised)):
        if change.is_raised:
            alerts.raise_alert(
                db,
                station_id,
                change.kind,
                {
                    "value": change.value,
                    "limit": change.limit,
                    "measured_at": rfc3339(last.at_ms),
                    "transaction_id": transaction_id,
                },
                connector=connector,
                now_ms=now_ms,
            )
        else:
            alerts.close(db, station_id, change.kind, connector=connector, now_ms=now_ms)


def _of_station(db: Connection, station_id: int, transaction_id: int) -> Session | None:
    row = sql.by_id.one(db, transaction_id=transaction_id)
    known = None if row is None else Session._make(row)
    return known if known is not None and known.station_id == station_id else None


def _has_conflicting_stop(db: Connection, station_id: int, transaction_id: int) -> bool:
    notes = stations.notes_on_transaction(db, station_id, transaction_id)
    return any(event.kind == STOP_DIFFERS for event in notes)


def _keep_samples(
    db: Connection,
    station_id: int,
    connector: int,
    transaction_id: int | None,
    taken: Sequence[Sample],
) -> None:
    for sample in taken:
        sql.keep_sample.run(
            db,
            station_id=station_id,
            connector=connector,
            transaction_id=transaction_id,
            at_ms=sample.at_ms,
            energy_wh=sample.energy_wh,
            power_w=sample.power_w,
            values_json=dumps(sample.values),
            soc_percent=sample.soc_percent,
        )
