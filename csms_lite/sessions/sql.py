"""Every statement on transactions and samples."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, func, insert, or_, select, update

from csms_lite.sessions.rules import Session
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import samples, sessions, stations

_SESSION: Final = tuple(
    stations.c.identity if name == "charger" else sessions.c[name] for name in Session._fields
)
_ALL = select(*_SESSION).join_from(sessions, stations)

by_id: Final = Prepared(_ALL.where(sessions.c.transaction_id == bindparam("transaction_id")))
page: Final = Prepared(
    _ALL.where(sessions.c.transaction_id < bindparam("before"))
    .order_by(sessions.c.transaction_id.desc())
    .limit(bindparam("count"))
)
page_of_charger: Final = Prepared(
    _ALL.where(
        sessions.c.transaction_id < bindparam("before"),
        stations.c.identity == bindparam("charger"),
    )
    .order_by(sessions.c.transaction_id.desc())
    .limit(bindparam("count"))
)
last_of_connector: Final = Prepared(
    _ALL.where(
        sessions.c.station_id == bindparam("of_station"),
        sessions.c.connector == bindparam("connector"),
    )
    .order_by(sessions.c.started_at_ms.desc(), sessions.c.transaction_id.desc())
    .limit(1)
)
same_start: Final = Prepared(
    select(sessions.c.transaction_id, sessions.c.state, sessions.c.message_id, sessions.c.verdict)
    .where(
        sessions.c.station_id == bindparam("station_id"),
        sessions.c.connector == bindparam("connector"),
        sessions.c.started_at_ms == bindparam("started_at_ms"),
        sessions.c.meter_start_wh == bindparam("meter_start_wh"),
        sessions.c.id_tag == bindparam("id_tag"),
    )
    .order_by(sessions.c.transaction_id.desc())
    .limit(1)
)
running_with_tag: Final = Prepared(
    select(sessions.c.transaction_id)
    .where(sessions.c.state == "running", func.upper(sessions.c.id_tag) == bindparam("tag_key"))
    .limit(1)
)

start: Final = Prepared(
    insert(sessions)
    .values(
        station_id=bindparam("station_id"),
        connector=bindparam("connector"),
        id_tag=bindparam("id_tag"),
        verdict=bindparam("verdict"),
        state="running",
        message_id=bindparam("message_id"),
        reservation_id=bindparam("reservation_id"),
        meter_start_wh=bindparam("meter_start_wh"),
        started_at_ms=bindparam("started_at_ms"),
        received_at_ms=bindparam("received_at_ms"),
        currency=bindparam("currency"),
        per_kwh_minor=bindparam("per_kwh_minor"),
    )
    .returning(sessions.c.transaction_id)
)
stop: Final = Prepared(
    update(sessions)
    .where(sessions.c.transaction_id == bindparam("of_transaction"))
    .values(
        state="closed",
        meter_stop_wh=bindparam("meter_stop_wh"),
        stopped_at_ms=bindparam("stopped_at_ms"),
        stop_reason=bindparam("stop_reason"),
        stop_tag=bindparam("stop_tag"),
        stop_received_at_ms=bindparam("stop_received_at_ms"),
        power_w=0,
        register_wh=bindparam("meter_stop_wh"),
        measured_at_ms=bindparam("stopped_at_ms"),
    )
)
measured: Final = Prepared(
    update(sessions)
    .where(
        sessions.c.transaction_id == bindparam("of_transaction"),
        sessions.c.station_id == bindparam("of_station"),
        sessions.c.state == "running",
        or_(
            sessions.c.measured_at_ms.is_(None),
            sessions.c.measured_at_ms <= bindparam("at_ms"),
        ),
    )
    .values(
        register_wh=func.coalesce(bindparam("energy_wh"), sessions.c.register_wh),
        power_w=func.coalesce(bindparam("power_w"), sessions.c.power_w),
        measured_at_ms=bindparam("at_ms"),
    )
)
cable_out: Final = Prepared(
    update(sessions)
    .where(
        sessions.c.station_id == bindparam("of_station"),
        sessions.c.connector == bindparam("of_connector"),
        sessions.c.state == "closed",
        sessions.c.cable_out_at_ms.is_(None),
    )
    .values(cable_out_at_ms=bindparam("at_ms"))
)

keep_sample: Final = Prepared(
    insert(samples).values(
        station_id=bindparam("station_id"),
        connector=bindparam("connector"),
        transaction_id=bindparam("transaction_id"),
        at_ms=bindparam("at_ms"),
        energy_wh=bindparam("energy_wh"),
        power_w=bindparam("power_w"),
        values_json=bindparam("values_json"),
    )
)
samples_of: Final = Prepared(
    select(samples.c.at_ms, samples.c.energy_wh, samples.c.power_w, samples.c.values_json)
    .where(
        samples.c.transaction_id == bindparam("transaction_id"),
        samples.c.station_id == bindparam("station_id"),
    )
    .order_by(samples.c.at_ms, samples.c.sample_id)
    .limit(bindparam("count"))
)
