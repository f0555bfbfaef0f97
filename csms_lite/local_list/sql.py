"""Every statement on local lists: what is known of them, what should be on them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, func, or_, select
from sqlalchemy.dialects.sqlite import insert

from csms_lite.accounts.sql import IS_CLOSED
from csms_lite.local_list.rules import LocalList
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import (
    accounts,
    card_groups,
    cards,
    commands,
    local_list_entries,
    local_lists,
    rights,
)

find: Final = Prepared(
    select(*(local_lists.c[name] for name in LocalList._fields)).where(
        local_lists.c.station_id == bindparam("station_id")
    )
)
_keep = insert(local_lists).values(
    station_id=bindparam("station_id"), **{name: bindparam(name) for name in LocalList._fields}
)
keep: Final = Prepared(
    _keep.on_conflict_do_update(
        index_elements=[local_lists.c.station_id],
        set_={name: _keep.excluded[name] for name in LocalList._fields},
    )
)
due: Final = Prepared(
    select(local_lists.c.station_id).where(local_lists.c.retry_at_ms <= bindparam("now_ms"))
)

entries_of: Final = Prepared(
    select(local_list_entries.c.tag_key, local_list_entries.c.entry_json)
    .where(local_list_entries.c.station_id == bindparam("station_id"))
    .order_by(local_list_entries.c.tag_key)
)
_take = insert(local_list_entries).values(
    station_id=bindparam("station_id"),
    tag_key=bindparam("tag_key"),
    entry_json=bindparam("entry_json"),
)
take: Final = Prepared(
    _take.on_conflict_do_update(
        index_elements=[local_list_entries.c.station_id, local_list_entries.c.tag_key],
        set_={"entry_json": _take.excluded.entry_json},
    )
)
drop: Final = Prepared(
    delete(local_list_entries).where(
        local_list_entries.c.station_id == bindparam("of_station"),
        local_list_entries.c.tag_key == bindparam("of_tag"),
    )
)

_COMMAND: Final = (
    commands.c.command_id,
    commands.c.action,
    commands.c.payload_json,
    commands.c.state,
    commands.c.result_json,
    commands.c.problem,
)
command: Final = Prepared(select(*_COMMAND).where(commands.c.command_id == bindparam("command_id")))
of_others: Final = Prepared(
    select(*_COMMAND)
    .where(
        commands.c.station_id == bindparam("station_id"),
        commands.c.action == "SendLocalList",
        commands.c.command_id > bindparam("seen"),
    )
    .order_by(commands.c.command_id)
    .limit(1)
)
station_of: Final = Prepared(
    select(commands.c.station_id).where(
        commands.c.command_id == bindparam("command_id"),
        or_(
            *(
                commands.c.action == action
                for action in ("GetConfiguration", "GetLocalListVersion", "SendLocalList")
            )
        ),
    )
)


def _has_right(holder: str, key: ColumnElement[str]) -> ColumnElement[bool]:
    return (
        select(rights.c.station_id)
        .where(
            rights.c.holder == holder,
            rights.c.holder_key == key,
            rights.c.station_id == bindparam("station_id"),
        )
        .exists()
    )


_IN_GROUP = cards.c.parent_key == card_groups.c.group_key
_is_listed = and_(
    cards.c.kind != "virtual",
    cards.c.has_budget == 0,
    or_(card_groups.c.has_budget.is_(None), card_groups.c.has_budget == 0),
    or_(cards.c.valid_from_ms.is_(None), cards.c.valid_from_ms <= bindparam("now_ms")),
    or_(cards.c.is_limited == 0, _has_right("card", cards.c.tag_key)),
    or_(
        card_groups.c.is_limited.is_(None),
        card_groups.c.is_limited == 0,
        _has_right("group", card_groups.c.group_key),
    ),
)
_owner_is_out = (
    select(accounts.c.account_id)
    .where(accounts.c.account_id == cards.c.user_id, IS_CLOSED)
    .exists()
)
_status = case(
    (and_(card_groups.c.status.is_not(None), card_groups.c.status != "Accepted"), "Blocked"),
    (_owner_is_out, "Blocked"),
    else_=cards.c.status,
)
_is_bad = case(
    (_status != "Accepted", 1), (cards.c.expires_at_ms <= bindparam("now_ms"), 1), else_=0
)
wanted: Final = Prepared(
    select(cards.c.tag_key, cards.c.tag, _status, cards.c.parent, cards.c.expires_at_ms)
    .join_from(cards, card_groups, _IN_GROUP, isouter=True)
    .where(_is_listed)
    .order_by(_is_bad, cards.c.tag_key)
    .limit(bindparam("count"))
)
"""Good cards first: when a charger has too little room, blocked ones are left out."""
accounts_changed: Final = Prepared(select(func.coalesce(func.max(accounts.c.changed_at_ms), 0)))
count_wanted: Final = Prepared(
    select(func.count())
    .select_from(cards)
    .join(card_groups, _IN_GROUP, isouter=True)
    .where(_is_listed)
)
