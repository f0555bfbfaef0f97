"""Every statement on stations, their connectors and the events told of them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, case, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from csms_lite.stations.rules import STATE_KINDS, WORDS, Connector, Station
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import (
    availabilities,
    connectors,
    derivations,
    events,
    inbox,
    sessions,
    sites,
    stations,
)

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
    .values(**{name: bindparam(name) for name in (*WORDS, "dismissed_at_ms")})
)
site_exists: Final = Prepared(
    select(sites.c.site_id).where(sites.c.site_id == bindparam("site_id"))
)
no_stranger: Final = Prepared(delete(inbox).where(inbox.c.identity == bindparam("of_identity")))
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
            "since_ms": case(  # some tell the same every minute: it began when they first did
                (connectors.c.status == _observe.excluded.status, connectors.c.since_ms),
                else_=_observe.excluded.since_ms,
            )
        }
        | {
            name: _observe.excluded[name]
            for name in (
                "status",
                "error_code",
                "info",
                "vendor_id",
                "vendor_error_code",
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

every_connector: Final = Prepared(
    select(connectors.c.station_id, *(connectors.c[name] for name in Connector._fields)).order_by(
        connectors.c.station_id, connectors.c.connector
    )
)
# The newest session of each connector, by index: the table is long, and this is asked often.
_newest_state = (
    select(sessions.c.state)
    .where(
        sessions.c.station_id == connectors.c.station_id,
        sessions.c.connector == connectors.c.connector,
    )
    .order_by(sessions.c.started_at_ms.desc())
    .limit(1)
    .scalar_subquery()
)
_running = select(connectors.c.station_id, connectors.c.connector).where(_newest_state == "running")
running: Final = Prepared(_running)
running_at: Final = Prepared(_running.where(connectors.c.station_id == bindparam("station_id")))

_command = insert(availabilities).values(
    station_id=bindparam("station_id"),
    connector=bindparam("connector"),
    type=bindparam("type"),
    at_ms=bindparam("at_ms"),
)
command: Final = Prepared(
    _command.on_conflict_do_update(
        index_elements=[availabilities.c.station_id, availabilities.c.connector],
        set_={name: _command.excluded[name] for name in ("type", "at_ms")},
    )
)
forget_commanded: Final = Prepared(
    delete(availabilities).where(availabilities.c.station_id == bindparam("of_station"))
)
commanded_of: Final = Prepared(
    select(availabilities.c.connector, availabilities.c.type).where(
        availabilities.c.station_id == bindparam("station_id")
    )
)
every_commanded: Final = Prepared(
    select(availabilities.c.station_id, availabilities.c.connector, availabilities.c.type)
)

every_derivation: Final = Prepared(
    select(derivations.c.station_id, derivations.c.line, derivations.c.state)
)
_derive = insert(derivations).values(
    station_id=bindparam("station_id"),
    line=bindparam("line"),
    state=bindparam("state"),
    since_ms=bindparam("now_ms"),
)
derive: Final = Prepared(
    _derive.on_conflict_do_update(
        index_elements=[derivations.c.station_id],
        set_={name: _derive.excluded[name] for name in ("line", "state", "since_ms")},
    )
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
noted_since: Final = Prepared(
    select(events.c.event_id)
    .where(
        events.c.station_id == bindparam("station_id"),
        events.c.at_ms >= bindparam("since_ms"),
        events.c.kind == bindparam("kind"),
    )
    .limit(1)
)
_newest_notes = (
    select(*_EVENT)
    .where(events.c.station_id == bindparam("station_id"))
    .order_by(events.c.event_id.desc())
    .limit(bindparam("count"))
)
all_on_station: Final = Prepared(_newest_notes)
notes_on_station: Final = Prepared(
    _newest_notes.where(events.c.kind != STATE_KINDS[0], events.c.kind != STATE_KINDS[1])
)
notes_on_transaction: Final = Prepared(
    select(*_EVENT)
    .where(
        events.c.transaction_id == bindparam("transaction_id"),
        events.c.station_id == bindparam("station_id"),
    )
    .order_by(events.c.event_id)
)
