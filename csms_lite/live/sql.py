"""Every statement of the live view: its starts, and what changed; the rest it asks of others."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, delete, func, insert, select

from csms_lite.live.rules import Change
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import changes, epochs, stations

begin_epoch: Final = Prepared(
    insert(epochs).values(started_at_ms=bindparam("started_at_ms")).returning(epochs.c.epoch)
)
note_change: Final = Prepared(
    insert(changes).values(
        at_ms=bindparam("at_ms"),
        kind=bindparam("kind"),
        station_id=bindparam("station_id"),
        details=bindparam("details"),
    )
)
_ALL = (
    select(
        *(stations.c.identity if name == "charger" else changes.c[name] for name in Change._fields)
    )
    .join_from(changes, stations, changes.c.station_id == stations.c.station_id, isouter=True)
    .where(changes.c.number > bindparam("after"))
    .order_by(changes.c.number)
    .limit(bindparam("count"))
)
changes_after: Final = Prepared(_ALL)
own_changes_after: Final = Prepared(_ALL.where(changes.c.user_id == bindparam("of_user")))
ends: Final = Prepared(select(func.min(changes.c.number), func.max(changes.c.number)))
forget_changes: Final = Prepared(
    delete(changes).where(
        changes.c.number.in_(
            select(changes.c.number)
            .where(changes.c.number <= bindparam("until"))
            .order_by(changes.c.number)
            .limit(bindparam("count"))
        )
    )
)
