"""Every statement that finds what stays too long."""

from __future__ import annotations

from typing import Final

from sqlalchemy import and_, func, literal_column, or_, select

from csms_lite.sessions.rules import State
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import alerts, connectors, sessions

NOT_CHARGING: Final = "not_charging"
OVERSTAY: Final = "overstay"
WITHOUT_CURRENT: Final = ("Available", "Preparing", "Finishing", "Reserved", "Unavailable")
"""What tells that nothing charges; of a fault there is an alert already."""

_other = sessions.alias("other")
_LAST = (
    select(_other.c.transaction_id)
    .where(
        _other.c.station_id == connectors.c.station_id,
        _other.c.connector == connectors.c.connector,
        _other.c.meter_start_wh.is_not(None),
    )
    .order_by(_other.c.started_at_ms.desc(), _other.c.transaction_id.desc())
    .limit(1)
    .scalar_subquery()
)
not_charging: Final = Prepared(
    select(
        sessions.c.station_id,
        sessions.c.connector,
        sessions.c.transaction_id,
        func.max(connectors.c.since_ms, sessions.c.received_at_ms),
        connectors.c.status,
    )
    .join_from(
        sessions,
        connectors,
        and_(
            connectors.c.station_id == sessions.c.station_id,
            connectors.c.connector == sessions.c.connector,
        ),
    )
    .where(
        sessions.c.state == State.RUNNING.value,
        or_(*(connectors.c.status == status for status in WITHOUT_CURRENT)),
    )
    .order_by(sessions.c.transaction_id)
)
overstaying: Final = Prepared(
    select(
        sessions.c.station_id,
        sessions.c.connector,
        sessions.c.transaction_id,
        func.coalesce(sessions.c.stopped_at_ms, sessions.c.closed_at_ms),
        connectors.c.status,
    )
    .join_from(connectors, sessions, sessions.c.transaction_id == _LAST)
    .where(
        connectors.c.status == "Finishing",
        literal_column("+sessions.state") == State.CLOSED.value,  # by no index: most are closed
        sessions.c.cable_out_at_ms.is_(None),
    )
    .order_by(sessions.c.transaction_id)
)
told: Final = Prepared(
    select(alerts.c.station_id, alerts.c.connector, alerts.c.kind).where(
        alerts.c.closed_at_ms.is_(None),
        or_(alerts.c.kind == NOT_CHARGING, alerts.c.kind == OVERSTAY),
    )
)
