"""Every statement on samples, most of them for many at a time."""

from __future__ import annotations

from typing import Final

from sqlalchemy import and_, bindparam, func, insert, or_, select, update

from csms_lite.store.prepared import Prepared, given
from csms_lite.store.tables import alerts, plates, samples, sessions

_name = ("station_id", "connector", "transaction_id", "at_ms", "fingerprint")
_named = given(*_name)
known: Final = Prepared(
    select(*(samples.c[column] for column in _name)).join_from(
        _named,
        samples,
        and_(
            samples.c.station_id == _named.c.station_id,
            samples.c.transaction_id.is_not_distinct_from(_named.c.transaction_id),
            samples.c.at_ms == _named.c.at_ms,
            samples.c.fingerprint == _named.c.fingerprint,
            samples.c.connector == _named.c.connector,
        ),
    )
)
keep: Final = Prepared(
    insert(samples).values(
        station_id=bindparam("station_id"),
        connector=bindparam("connector"),
        transaction_id=bindparam("transaction_id"),
        at_ms=bindparam("at_ms"),
        fingerprint=bindparam("fingerprint"),
        energy_wh=bindparam("energy_wh"),
        power_w=bindparam("power_w"),
        values_json=bindparam("values_json"),
        soc_percent=bindparam("soc_percent"),
    )
)
measured: Final = Prepared(
    update(sessions)
    .where(
        sessions.c.transaction_id == bindparam("of_transaction"),
        sessions.c.station_id == bindparam("of_station"),
        sessions.c.meter_start_wh.is_not(None),
        sessions.c.meter_stop_wh.is_(None),
        or_(
            sessions.c.measured_at_ms.is_(None),
            sessions.c.measured_at_ms <= bindparam("at_ms"),
        ),
    )
    .values(
        register_wh=func.coalesce(bindparam("energy_wh"), sessions.c.register_wh),
        power_w=func.coalesce(bindparam("power_w"), sessions.c.power_w),
        power_derived=func.coalesce(bindparam("power_derived"), sessions.c.power_derived),
        soc_percent=func.coalesce(bindparam("soc_percent"), sessions.c.soc_percent),
        measured_at_ms=bindparam("at_ms"),
    )
)

_of_session = (
    samples.c.station_id == bindparam("station_id"),
    samples.c.transaction_id == bindparam("transaction_id"),
)
of_session: Final = Prepared(
    select(samples.c.at_ms, samples.c.values_json)
    .where(*_of_session)
    .order_by(samples.c.at_ms, samples.c.sample_id)
    .limit(bindparam("count"))
    .offset(bindparam("skipped"))
)
charge_since: Final = Prepared(
    select(samples.c.at_ms, samples.c.soc_percent)
    .where(
        *_of_session,
        samples.c.soc_percent.is_not(None),
        samples.c.at_ms >= bindparam("since_ms"),
    )
    .order_by(samples.c.at_ms)
    .limit(1)
)

_places = given("station_id", "connector")
alarms_at: Final = Prepared(
    select(alerts.c.station_id, alerts.c.connector, alerts.c.kind).join_from(
        _places,
        alerts,
        and_(
            alerts.c.station_id == _places.c.station_id,
            alerts.c.connector == _places.c.connector,
            alerts.c.closed_at_ms.is_(None),
        ),
    )
)
plates_at: Final = Prepared(
    select(
        plates.c.station_id,
        plates.c.connector,
        plates.c.type,
        plates.c.voltage_v,
        plates.c.current_a,
        plates.c.phases,
    ).join_from(
        _places,
        plates,
        and_(
            plates.c.station_id == _places.c.station_id, plates.c.connector == _places.c.connector
        ),
    )
)
