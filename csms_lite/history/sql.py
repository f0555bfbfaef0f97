"""Every statement on what stations told over time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Table, bindparam, insert, select, update

from csms_lite.history.rules import Beats, BootRow, Status
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import beats, boots, stations, statuses

keep_status: Final = Prepared(
    insert(statuses).values(
        station_id=bindparam("station_id"),
        connector=bindparam("connector"),
        status=bindparam("status"),
        error_code=bindparam("error_code"),
        info=bindparam("info"),
        vendor_id=bindparam("vendor_id"),
        vendor_error_code=bindparam("vendor_error_code"),
        told_at_ms=bindparam("told_at_ms"),
        at_ms=bindparam("at_ms"),
    )
)
keep_boot: Final = Prepared(
    insert(boots).values(
        station_id=bindparam("station_id"),
        at_ms=bindparam("at_ms"),
        answer=bindparam("answer"),
        vendor=bindparam("vendor"),
        model=bindparam("model"),
        serial=bindparam("serial"),
        firmware=bindparam("firmware"),
        iccid=bindparam("iccid"),
        imsi=bindparam("imsi"),
        boot_json=bindparam("boot_json"),
    )
)
_OF_STATION = boots.c.station_id == bindparam("station_id")
boots_with: Final = Prepared(
    select(boots.c.boot_id)
    .where(_OF_STATION, boots.c.firmware == bindparam("firmware"))
    .order_by(boots.c.boot_id.desc())
    .limit(2)
)
boot_with_another: Final = Prepared(
    select(boots.c.boot_id).where(_OF_STATION, boots.c.firmware != bindparam("firmware")).limit(1)
)
_newest_row = (
    select(beats.c.beat_id)
    .where(beats.c.station_id == bindparam("of_station"), beats.c.at_ms > bindparam("after_ms"))
    .order_by(beats.c.at_ms.desc())
    .limit(1)
    .scalar_subquery()
)
beat_again: Final = Prepared(
    update(beats)
    .where(beats.c.beat_id == _newest_row)
    .values(beats=beats.c.beats + 1, last_at_ms=bindparam("now_ms"))
)
beat: Final = Prepared(
    insert(beats).values(
        station_id=bindparam("station_id"),
        at_ms=bindparam("now_ms"),
        last_at_ms=bindparam("now_ms"),
        beats=1,
    )
)

Told = Status | BootRow | Beats
TABLES: Final[Mapping[str, tuple[Table, Column[Any], type[Told]]]] = {
    "statuses": (statuses, statuses.c.status_id, Status),
    "boots": (boots, boots.c.boot_id, BootRow),
    "heartbeats": (beats, beats.c.beat_id, Beats),
}
"""Kind of row: its table, its number, and the form in which it is given."""


@cache
def page_by(kind: str, names: frozenset[str]) -> Prepared:
    """Make the statement that looks for rows of a *kind*, newest first."""
    table, number, form = TABLES[kind]
    named: Mapping[str, ColumnElement[Any]] = {"row": number, "charger": stations.c.identity}
    filters: Mapping[str, ColumnElement[bool]] = {
        "charger": stations.c.identity == bindparam("charger"),
        "since_ms": table.c.at_ms >= bindparam("since_ms"),
        "until_ms": table.c.at_ms < bindparam("until_ms"),
        "connector": table.c.get("connector", number) == bindparam("connector"),
        "status": table.c.get("status", number) == bindparam("status"),
        "error_code": table.c.get("error_code", number) == bindparam("error_code"),
    }
    return Prepared(
        select(*(named[name] if name in named else table.c[name] for name in form._fields))
        .join_from(table, stations)
        .where(number < bindparam("before"), *(filters[name] for name in sorted(names)))
        .order_by(number.desc())
        .limit(bindparam("count"))
    )
