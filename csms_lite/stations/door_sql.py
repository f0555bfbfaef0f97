"""Every statement on keys, security profiles and the inbox."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from csms_lite.stations.inbox import Stranger
from csms_lite.stations.keys import Key
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import inbox, station_keys, stations

door: Final = Prepared(
    select(stations.c.station_id, stations.c.profile, stations.c.came_profile).where(
        stations.c.identity == bindparam("identity")
    )
)
keys_of: Final = Prepared(
    select(*(station_keys.c[name] for name in Key._fields))
    .where(station_keys.c.station_id == bindparam("station_id"))
    .order_by(station_keys.c.number)
)
add_key: Final = Prepared(
    insert(station_keys).values(
        station_id=bindparam("station_id"),
        number=bindparam("number"),
        salt=bindparam("salt"),
        digest=bindparam("digest"),
        made_at_ms=bindparam("now_ms"),
        message_id=bindparam("message_id"),
    )
)
drop_older_keys: Final = Prepared(
    delete(station_keys).where(
        station_keys.c.station_id == bindparam("of_station"),
        station_keys.c.number < bindparam("than_number"),
    )
)
drop_key_of_command: Final = Prepared(
    delete(station_keys).where(
        station_keys.c.station_id == bindparam("of_station"),
        station_keys.c.message_id == bindparam("of_message"),
    )
)
raise_profile: Final = Prepared(
    update(stations)
    .where(stations.c.station_id == bindparam("of_station"))
    .values(came_profile=func.max(stations.c.came_profile, bindparam("came")))
)
set_profile: Final = Prepared(
    update(stations)
    .where(stations.c.station_id == bindparam("of_station"))
    .values(profile=bindparam("profile"))
)

_STRANGER: Final = tuple(inbox.c[name] for name in Stranger._fields)
strangers: Final = Prepared(select(*_STRANGER).order_by(inbox.c.last_at_ms.desc()))
stranger: Final = Prepared(select(*_STRANGER).where(inbox.c.identity == bindparam("identity")))
count_strangers: Final = Prepared(select(func.count()).select_from(inbox))
_knock = insert(inbox).values(
    identity=bindparam("identity"),
    address=bindparam("address"),
    knocks=1,
    first_at_ms=bindparam("now_ms"),
    last_at_ms=bindparam("now_ms"),
)
knock: Final = Prepared(
    _knock.on_conflict_do_update(
        index_elements=[inbox.c.identity],
        set_={
            "address": _knock.excluded.address,
            "knocks": inbox.c.knocks + 1,
            "last_at_ms": _knock.excluded.last_at_ms,
        },
    )
)
introduce: Final = Prepared(
    update(inbox)
    .where(inbox.c.identity == bindparam("of_identity"))
    .values(
        vendor=bindparam("vendor"),
        model=bindparam("model"),
        serial=bindparam("serial"),
        firmware=bindparam("firmware"),
        last_at_ms=bindparam("now_ms"),
    )
)
forget: Final = Prepared(delete(inbox).where(inbox.c.identity == bindparam("of_identity")))
_longest_unseen = select(inbox.c.identity).order_by(inbox.c.last_at_ms).limit(1)
forget_longest_unseen: Final = Prepared(delete(inbox).where(inbox.c.identity.in_(_longest_unseen)))
