"""Verbs and queries on samples: what many chargers tell is stored together, each of it once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from csms_lite.alerts import service as alerts
from csms_lite.clock import rfc3339
from csms_lite.jsontext import canonical, dumps, fingerprint, loads
from csms_lite.sessions import sampling_sql as sql
from csms_lite.sessions.measures import read_sample
from csms_lite.sessions.progress import CHARGE_OVER_MS, Charge
from csms_lite.sessions.rules import Sample, Session, newest
from csms_lite.sessions.warnings import USUAL, Change, Limits, changes, rated
from csms_lite.stations.rules import MOST_CONNECTORS

MAX_SAMPLES: Final = 5000  # three and a half days of one sample a minute; files hold all


class Measured(NamedTuple):
    """The samples that one message tells of a connector; 0 is the whole station."""

    station_id: int
    connector: int
    transaction_id: int | None
    taken: Sequence[Sample]
    now_ms: int


class Name(NamedTuple):
    """What makes a sample that sample, however often it is told."""

    station_id: int
    connector: int
    transaction_id: int | None
    at_ms: int
    fingerprint: int
    """Of its values, whatever the order of their keys."""


def sampled(db: Connection, told: Sequence[Measured], *, limits: Limits = USUAL) -> list[int]:
    """Store what messages tell; of each the newest becomes what the session shows.

    Samples of unknown sessions are stored too. What was told before changes nothing again: gives
    the places of the messages that told something new.
    """
    new = keep_samples(db, told)
    last = [(told[place], newest(samples)) for place, samples in new.items()]
    _warn(db, last, limits)
    sql.measured.run_many(
        db,
        [
            {
                "of_transaction": one.transaction_id,
                "of_station": one.station_id,
                "at_ms": sample.at_ms,
                "energy_wh": sample.energy_wh,
                "power_w": sample.power_w,
                "power_derived": None if sample.power_w is None else int(sample.power_derived),
                "soc_percent": sample.soc_percent,
            }
            for one, sample in last
            if one.transaction_id is not None
        ],
    )
    return list(new)


def keep_samples(db: Connection, told: Sequence[Measured]) -> dict[int, list[Sample]]:
    """Store samples, each once; gives those that are new, by the place of their message.

    The same values of the same connector, session and moment are the same sample: a repeat after a
    lost answer, under whatever message id, or what StopTransaction sums up.
    """
    new: dict[Name, tuple[int, Sample, str]] = {}
    for place, (station_id, connector, transaction_id, taken, _) in enumerate(told):
        for sample in taken:
            text = canonical(sample.values)
            name = Name(station_id, connector, transaction_id, sample.at_ms, fingerprint(text))
            new.setdefault(name, (place, sample, text))
    for row in sql.known.rows(db, rows=dumps(list(new))):
        new.pop(Name._make(row), None)
    sql.keep.run_many(
        db,
        [
            {
                "station_id": name.station_id,
                "connector": name.connector,
                "transaction_id": name.transaction_id,
                "at_ms": name.at_ms,
                "fingerprint": name.fingerprint,
                "energy_wh": sample.energy_wh,
                "power_w": sample.power_w,
                "values_json": text,
                "soc_percent": sample.soc_percent,
            }
            for name, (_, sample, text) in new.items()
        ],
    )
    by_message: dict[int, list[Sample]] = {}
    for place, sample, _ in new.values():
        by_message.setdefault(place, []).append(sample)
    return by_message


def list_samples(
    db: Connection, known: Session, *, count: int = MAX_SAMPLES, skipped: int = 0
) -> list[Sample]:
    """Give the samples of a transaction in order of time."""
    rows = sql.of_session.rows(
        db,
        transaction_id=known.transaction_id,
        station_id=known.station_id,
        count=count,
        skipped=skipped,
    )
    return [read_sample(at_ms, loads(values_json)) for at_ms, values_json in rows]


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


def _warn(db: Connection, last: Sequence[tuple[Measured, Sample]], limits: Limits) -> None:
    """Raise and end the alarms of connectors by their newest samples."""
    judged = [(one, sample) for one, sample in last if _is_judged(one, sample)]
    if not judged:
        return
    places = dumps(list({(one.station_id, one.connector) for one, _ in judged}))
    of_place = {
        (station_id, connector): rated(limits, *plate)
        for station_id, connector, *plate in sql.plates_at.rows(db, rows=places)
    }
    raised: dict[tuple[int, int], set[str]] = defaultdict(set)
    for station_id, connector, kind in sql.alarms_at.rows(db, rows=places):
        raised[station_id, connector].add(kind)
    for one, sample in judged:
        place = one.station_id, one.connector
        for change in changes(sample.readings, of_place.get(place, limits), raised[place]):
            _follow(db, one, sample, change)
            (raised[place].add if change.is_raised else raised[place].discard)(change.kind)


def _is_judged(one: Measured, sample: Sample) -> bool:
    found = sample.readings
    return one.connector <= MOST_CONNECTORS and bool(
        found.voltage or found.current or found.temperatures
    )


def _follow(db: Connection, one: Measured, sample: Sample, change: Change) -> None:
    """Raise or end one alarm."""
    if not change.is_raised:
        alerts.close(db, one.station_id, change.kind, connector=one.connector, now_ms=one.now_ms)
        return
    details = {
        "value": change.value,
        "limit": change.limit,
        "measured_at": rfc3339(sample.at_ms),
        "transaction_id": one.transaction_id,
    }
    alerts.raise_alert(
        db, one.station_id, change.kind, details, connector=one.connector, now_ms=one.now_ms
    )
