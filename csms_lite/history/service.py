"""Verbs that keep what a station tells, and the query that finds it again."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from csms_lite.history import sql
from csms_lite.history.rules import BEATS_PER_ROW_MS
from csms_lite.history.sql import Told
from csms_lite.jsontext import loads
from csms_lite.stations.rules import Boot, Observation


def observed(db: Connection, station_id: int, seen: Observation, now_ms: int) -> None:
    """Keep a status and its error as they came, repeats and all."""
    values = seen._asdict()
    values["told_at_ms"] = values.pop("since_ms")
    sql.keep_status.run(db, station_id=station_id, at_ms=now_ms, **values)


def booted(db: Connection, station_id: int, boot: Boot, answer: str, now_ms: int) -> None:
    """Keep a boot and what it was answered."""
    whole = loads(boot.boot_json)
    sql.keep_boot.run(
        db,
        station_id=station_id,
        at_ms=now_ms,
        answer=answer,
        iccid=whole.get("iccid"),
        imsi=whole.get("imsi"),
        **boot._asdict(),
    )


def is_new(db: Connection, station_id: int, firmware: str) -> bool:
    """Say whether the boot that was kept last is a station's first with *firmware*, after others.

    Of a station that told of no other before nothing is known, so nothing is new.
    """
    known = {"station_id": station_id, "firmware": firmware}
    is_first = len(sql.boots_with.rows(db, **known)) == 1
    return is_first and sql.boot_with_another.one(db, **known) is not None


def beat(db: Connection, station_id: int, now_ms: int) -> None:
    """Keep a heartbeat: one row counts those of ten minutes."""
    after_ms = now_ms - BEATS_PER_ROW_MS
    if not sql.beat_again.run(db, of_station=station_id, after_ms=after_ms, now_ms=now_ms):
        sql.beat.run(db, station_id=station_id, now_ms=now_ms)


def page(
    db: Connection, kind: str, wanted: Mapping[str, object], before: int, count: int
) -> list[Told]:
    """Give up to *count* rows of a *kind* of `sql.TABLES`, newest first, below number *before*."""
    form = sql.TABLES[kind][2]
    rows = sql.page_by(kind, frozenset(wanted)).rows(db, before=before, count=count, **wanted)
    return [form._make(row) for row in rows]
