"""Every statement on alerts."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.dialects.sqlite import insert

from csms_lite.alerts.rules import Alert
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import alerts, stations

_ALERT: Final = tuple(
    stations.c.identity if name == "charger" else alerts.c[name] for name in Alert._fields
)
_ALL = select(*_ALERT).join_from(alerts, stations, isouter=True)
_NEWEST = _ALL.order_by(alerts.c.alert_id.desc()).limit(bindparam("count"))

by_id: Final = Prepared(_ALL.where(alerts.c.alert_id == bindparam("alert_id")))
newest: Final = Prepared(_NEWEST)
newest_open: Final = Prepared(_NEWEST.where(alerts.c.closed_at_ms.is_(None)))
newest_of: Final = Prepared(_NEWEST.where(stations.c.identity == bindparam("identity")))
newest_open_of: Final = Prepared(
    _NEWEST.where(stations.c.identity == bindparam("identity"), alerts.c.closed_at_ms.is_(None))
)
places_open: Final = Prepared(
    select(alerts.c.station_id, alerts.c.connector).where(
        alerts.c.kind == bindparam("kind"),
        alerts.c.closed_at_ms.is_(None),
        alerts.c.station_id.is_not(None),
    )
)
_raise = insert(alerts).values(
    station_id=bindparam("station_id"),
    connector=bindparam("connector"),
    kind=bindparam("kind"),
    details_json=bindparam("details_json"),
    opened_at_ms=bindparam("at_ms"),
)
open_one: Final = Prepared(
    _raise.on_conflict_do_nothing(
        index_elements=[alerts.c.station_id, alerts.c.connector, alerts.c.kind],
        index_where=text("closed_at_ms IS NULL"),
    )
)
redescribe: Final = Prepared(
    update(alerts)
    .where(
        alerts.c.station_id == bindparam("of_station"),
        alerts.c.connector == bindparam("of_connector"),
        alerts.c.kind == bindparam("of_kind"),
        alerts.c.closed_at_ms.is_(None),
    )
    .values(details_json=bindparam("details_json"))
)
close_one: Final = Prepared(
    update(alerts)
    .where(
        alerts.c.station_id == bindparam("of_station"),
        alerts.c.connector == bindparam("of_connector"),
        alerts.c.kind == bindparam("of_kind"),
        alerts.c.closed_at_ms.is_(None),
    )
    .values(closed_at_ms=bindparam("at_ms"))
)
_OWN_OPEN = (
    alerts.c.kind == bindparam("of_kind"),
    alerts.c.closed_at_ms.is_(None),
    alerts.c.station_id.is_(None),
)
own_open: Final = Prepared(select(alerts.c.subject, alerts.c.details_json).where(*_OWN_OPEN))
open_own: Final = Prepared(
    insert(alerts).values(
        connector=bindparam("connector"),
        kind=bindparam("kind"),
        subject=bindparam("subject"),
        details_json=bindparam("details_json"),
        opened_at_ms=bindparam("at_ms"),
    )
)
close_own: Final = Prepared(
    update(alerts)
    .where(*_OWN_OPEN, alerts.c.subject == bindparam("of_subject"))
    .values(closed_at_ms=bindparam("at_ms"))
)
acknowledge: Final = Prepared(
    update(alerts)
    .where(alerts.c.alert_id == bindparam("of_alert"))
    .values(
        acknowledged_at_ms=func.coalesce(alerts.c.acknowledged_at_ms, bindparam("at_ms")),
        acknowledged_by=func.coalesce(alerts.c.acknowledged_by, bindparam("by")),
    )
)
