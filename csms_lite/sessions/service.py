"""Verbs and queries on transactions: facts of the past are stored, never refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from csms_lite.errors import NotFound
from csms_lite.jsontext import dumps, loads
from csms_lite.people.rules import tag_key
from csms_lite.sessions import sql
from csms_lite.sessions.rules import Sample, Session, Start, Stop, newest, same_stop
from csms_lite.stations import service as stations
from csms_lite.tariffs.service import current_tariff

MAX_SAMPLES: Final = 5000  # three and a half days of one sample a minute
CABLE_OUT: Final = frozenset({"Available", "Preparing", "Reserved"})
STOP_DIFFERS: Final = "conflict_stop_differs"


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
        state == "running"
        or first_message_id == message_id
        or not _has_conflicting_stop(db, station_id, transaction_id)
    ):
        return transaction_id, verdict
    return None


def start(
    db: Connection, station_id: int, begun: Start, *, verdict: str, message_id: str, now_ms: int
) -> int:
    """Store the beginning of a transaction and give its number, whatever the verdict.

    Ask `repeated_start` before.
    """
    tariff = current_tariff(db)
    row = sql.start.one(
        db,
        verdict=verdict,
        message_id=message_id,
        reservation_id=begun.reservation_id,
        received_at_ms=now_ms,
        currency=tariff.currency if tariff else None,
        per_kwh_minor=tariff.per_kwh_minor if tariff else None,
        **_content(station_id, begun),
    )
    assert row is not None  # RETURNING gives the row it inserted
    return int(row[0])


def stop(
    db: Connection, station_id: int, ended: Stop, *, payload: Mapping[str, Any], now_ms: int
) -> None:
    """Store the end of a transaction.

    An end told again changes nothing. A different second end, or the end of a transaction that
    is not this station's, is kept whole as an event for the operator; the first end stands.
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

    if known is None:
        note("conflict_stop_unknown")
        _keep_samples(db, station_id, 0, ended.transaction_id, ended.samples)
        return
    if known.state == "closed":
        if not same_stop(known, ended):
            note(STOP_DIFFERS)
        return
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
) -> None:
    """Store samples; the newest becomes what the session shows. Unknown sessions' too."""
    _keep_samples(db, station_id, connector, transaction_id, taken)
    last = newest(taken)
    if transaction_id is None or last is None:
        return
    sql.measured.run(
        db,
        of_transaction=transaction_id,
        of_station=station_id,
        at_ms=last.at_ms,
        energy_wh=last.energy_wh,
        power_w=last.power_w,
    )


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


def list_sessions(db: Connection, charger: str | None, before: int, count: int) -> list[Session]:
    """Give up to *count* transactions, newest number first, of one charger or of all."""
    if charger is None:
        rows = sql.page.rows(db, before=before, count=count)
    else:
        rows = sql.page_of_charger.rows(db, charger=charger, before=before, count=count)
    return [Session._make(row) for row in rows]


def last_session(db: Connection, station_id: int, connector: int) -> Session | None:
    """Give the transaction that began last at a connector."""
    row = sql.last_of_connector.one(db, of_station=station_id, connector=connector)
    return None if row is None else Session._make(row)


def list_samples(db: Connection, known: Session) -> list[Sample]:
    """Give the samples of a transaction in order of time."""
    rows = sql.samples_of.rows(
        db,
        transaction_id=known.transaction_id,
        station_id=known.station_id,
        count=MAX_SAMPLES,
    )
    return [
        Sample(at_ms=at_ms, energy_wh=energy, power_w=power, values=loads(values))
        for at_ms, energy, power, values in rows
    ]


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
        )
