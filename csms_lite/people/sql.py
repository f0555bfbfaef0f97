"""Every statement on cards."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert

from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import cards

_COLUMNS: Final = (cards.c.tag, cards.c.status, cards.c.parent, cards.c.expires_at_ms)

find: Final = Prepared(select(*_COLUMNS).where(cards.c.tag_key == bindparam("tag_key")))
every: Final = Prepared(
    select(*_COLUMNS)
    .where(cards.c.tag_key > bindparam("after"))
    .order_by(cards.c.tag_key)
    .limit(bindparam("count"))
)
remove: Final = Prepared(delete(cards).where(cards.c.tag_key == bindparam("key")))

_insert = insert(cards).values(
    tag_key=bindparam("tag_key"),
    tag=bindparam("tag"),
    status=bindparam("status"),
    parent=bindparam("parent"),
    expires_at_ms=bindparam("expires_at_ms"),
    changed_at_ms=bindparam("changed_at_ms"),
)
put: Final = Prepared(
    _insert.on_conflict_do_update(
        index_elements=[cards.c.tag_key],
        set_={
            name: _insert.excluded[name]
            for name in ("tag", "status", "parent", "expires_at_ms", "changed_at_ms")
        },
    )
)
