"""Every statement on stations, their connectors and the events told of them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.sqlite import insert

from csms_lite.stations.rules import Connector, Station
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import connectors, events, stations

_STATION: Final = tuple(stations.c[name] for name in Station._fields)

by_identity: Final = Prepared(select(*_STATION).where(stations.c.identity == bindparam("identity")))
by_code: Final = Prepared(select(*_STATION).where(stations.c.code == bindparam("code")))
by_id: Final = Prepared(select(*_STATION).where(stations.c.station_id == bindparam("station_id")))
every: Final = Prepared(select(*_STATION).order_by(stations.c.identity))

create: Final = Prepared(
    insert(stations).values(
        identity=bindparam("identity"),
        code=bindparam("code"),
        name=bindparam("name"),
        registration=bindparam("registration"),
        connection=0,
        created_at_ms=bindparam("created_at_ms"),
    )
)
describe: Final = Prepared(
    update(stations)
    .where(stations.c.station_id == bindparam("of_station"))
    .values(
        name=func.coalesce(bindparam("name"), stations.c.name),
        code=func.coalesce(bindparam("code"), stations.c.code),
        registration=func.coalesce(bindparam("registration"), stations.c.registration),
    )
)
next_connection: Final = Prepared(
    update(stations)
    .where(stations.c.identity == bindparam("of_identity"))
    .values(connection=stations.c.connection + 1, heard_at_ms=bindparam("heard_at_ms"))
)
boot: Final = Prepared(
    update(stations)
    .where(stations.c.station_id == bindparam("of_station"))
    .values(
        vendor=bindparam("vendor"),
        model=bindparam("model"),
        serial=bindparam("serial"),
        firmware=bindparam("firmware"),
        boot_json=bindparam("boot_json"),
        booted_at_ms=func.coalesce(bindparam("booted_at_ms"), stations.c.booted_at_ms),
        heard_at_ms=bindparam("heard_at_ms"),
    )
)
heard: Final = Prepared(
    update(stations)
    .where(stations.c.station_id == bindparam("of_station"))
    .values(heard_at_ms=bindparam("heard_at_ms"))
)

connectors_of: Final = Prepared(
    select(*(connectors.c[name] for name in Connector._fields))
    .where(connectors.c.station_id == bindparam("station_id"))
    .order_by(connectors.c.connector)
)
_observe = insert(connectors).values(
    station_id=bindparam("station_id"),
    connector=bindparam("connector"),
    status=bindparam("status"),
    error_code=bindparam("error_code"),
    info=bindparam("info"),
    vendor_id=bindparam("vendor_id"),
    vendor_error_code=bindparam("vendor_error_code"),
    since_ms=bindparam("since_ms"),
    received_at_ms=bindparam("received_at_ms"),
)
observe: Final = Prepared(
    _observe.on_conflict_do_update(
        index_elements=[connectors.c.station_id, connectors.c.connector],
        set_={
            name: _observe.excluded[name]
            for name in (
                "status",
                "error_code",
                "info",
                "vendor_id",
                "vendor_error_code",
                "since_ms",
                "received_at_ms",
            )
        },
    )
)
seen: Final = Prepared(
    insert(connectors)
    .values(
        station_id=bindparam("station_id"),
        connector=bindparam("connector"),
        status="Unknown",
        error_code="NoError",
        since_ms=bindparam("at_ms"),
        received_at_ms=bindparam("at_ms"),
    )
    .on_conflict_do_nothing()
)

note: Final = Prepared(
    insert(events).values(
        station_id=bindparam("station_id"),
        at_ms=bindparam("at_ms"),
        kind=bindparam("kind"),
        connector=bindparam("connector"),
        transaction_id=bindparam("transaction_id"),
        details_json=bindparam("details_json"),
    )
)
_EVENT: Final = (
    events.c.at_ms,
    events.c.kind,
    events.c.connector,
    events.c.transaction_id,
    events.c.details_json,
)
notes_on_station: Final = Prepared(
    select(*_EVENT)
    .where(events.c.station_id == bindparam("station_id"))
    .order_by(events.c.event_id.desc())
    .limit(bindparam("count"))
)
notes_on_transaction: Final = Prepared(
    select(*_EVENT)
    .where(
        events.c.transaction_id == bindparam("transaction_id"),
        events.c.station_id == bindparam("station_id"),
    )
    .order_by(events.c.event_id)
)
