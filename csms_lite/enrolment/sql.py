"""Every statement on unknown tags and enrolment windows."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from csms_lite.enrolment.rules import Enrolment, UnknownTag
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import cards, enrolments, stations, unknown_tags

_UNKNOWN: Final = tuple(
    stations.c.identity if name == "charger" else unknown_tags.c[name]
    for name in UnknownTag._fields
)
_ALL = (
    select(*_UNKNOWN)
    .join_from(unknown_tags, stations)
    .join(cards, cards.c.tag_key == unknown_tags.c.tag_key, isouter=True)
    .where(cards.c.tag_key.is_(None))
)
newest: Final = Prepared(
    _ALL.order_by(unknown_tags.c.last_at_ms.desc(), unknown_tags.c.tag_key).limit(
        bindparam("count")
    )
)
find: Final = Prepared(_ALL.where(unknown_tags.c.tag_key == bindparam("key")))
again: Final = Prepared(
    update(unknown_tags)
    .where(unknown_tags.c.tag_key == bindparam("key"))
    .values(
        tag=bindparam("tag"),
        station_id=bindparam("station_id"),
        connector=bindparam("connector"),
        presented=unknown_tags.c.presented + 1,
        last_at_ms=bindparam("at_ms"),
    )
)
add: Final = Prepared(
    insert(unknown_tags).values(
        tag_key=bindparam("key"),
        tag=bindparam("tag"),
        station_id=bindparam("station_id"),
        connector=bindparam("connector"),
        presented=1,
        first_at_ms=bindparam("at_ms"),
        last_at_ms=bindparam("at_ms"),
    )
)
forget: Final = Prepared(delete(unknown_tags).where(unknown_tags.c.tag_key == bindparam("key")))
_old = (
    select(unknown_tags.c.tag_key)
    .order_by(unknown_tags.c.last_at_ms.desc(), unknown_tags.c.tag_key)
    .limit(-1)
    .offset(bindparam("kept"))
)
forget_old: Final = Prepared(delete(unknown_tags).where(unknown_tags.c.tag_key.in_(_old)))

_ENROLMENT: Final = tuple(enrolments.c[name] for name in Enrolment._fields)
last: Final = Prepared(
    select(*_ENROLMENT)
    .where(enrolments.c.station_id == bindparam("of_station"))
    .order_by(enrolments.c.enrolment_id.desc())
    .limit(1)
)
open_window: Final = Prepared(
    insert(enrolments).values(
        station_id=bindparam("station_id"),
        state="open",
        opened_at_ms=bindparam("opened_at_ms"),
        until_ms=bindparam("until_ms"),
        who=bindparam("who"),
        kind=bindparam("kind"),
        label=bindparam("label"),
        user_id=bindparam("user_id"),
        parent=bindparam("parent"),
        expires_at_ms=bindparam("expires_at_ms"),
    )
)
end: Final = Prepared(
    update(enrolments)
    .where(enrolments.c.enrolment_id == bindparam("of_enrolment"))
    .values(state=bindparam("new_state"), tag=bindparam("new_tag"))
)
