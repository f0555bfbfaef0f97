"""Every statement on cards, groups, their rights, budgets and history."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Select, bindparam, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import budgets, card_changes, card_groups, cards, rights, stations

CARD: Final = (
    "tag",
    "status",
    "parent",
    "expires_at_ms",
    "kind",
    "label",
    "user_id",
    "reason",
    "valid_from_ms",
)
GROUP: Final = ("name", "status", "label", "reason")
_CARD: Final[Select[*tuple[object, ...]]] = select(
    *(cards.c[name] for name in CARD), cards.c.is_limited, cards.c.has_budget
)
_GROUP: Final[Select[*tuple[object, ...]]] = select(
    *(card_groups.c[name] for name in GROUP), card_groups.c.is_limited, card_groups.c.has_budget
)

find: Final = Prepared(_CARD.where(cards.c.tag_key == bindparam("tag_key")))
owner: Final = Prepared(select(cards.c.user_id).where(cards.c.tag_key == bindparam("tag_key")))
every: Final = Prepared(
    _CARD.where(cards.c.tag_key > bindparam("after"))
    .order_by(cards.c.tag_key)
    .limit(bindparam("count"))
)
every_touchable: Final = Prepared(
    _CARD.where(cards.c.tag_key > bindparam("after"), cards.c.kind != "virtual")
    .order_by(cards.c.tag_key)
    .limit(bindparam("count"))
)
of_user: Final = Prepared(
    _CARD.where(cards.c.user_id == bindparam("of_user"))
    .order_by(cards.c.tag_key)
    .limit(bindparam("count"))
)
virtual_of_user: Final = Prepared(
    _CARD.where(cards.c.user_id == bindparam("of_user"), cards.c.kind == "virtual").limit(1)
)
remove: Final = Prepared(delete(cards).where(cards.c.tag_key == bindparam("key")))

_CARD_VALUES: Final = (*CARD, "tag_key", "parent_key", "is_limited", "has_budget", "changed_at_ms")
_put = insert(cards).values({name: bindparam(name) for name in _CARD_VALUES})
put: Final = Prepared(
    _put.on_conflict_do_update(
        index_elements=[cards.c.tag_key],
        set_={name: _put.excluded[name] for name in _CARD_VALUES if name != "tag_key"},
    )
)

find_group: Final = Prepared(_GROUP.where(card_groups.c.group_key == bindparam("group_key")))
every_group: Final = Prepared(
    _GROUP.where(card_groups.c.group_key > bindparam("after"))
    .order_by(card_groups.c.group_key)
    .limit(bindparam("count"))
)
remove_group: Final = Prepared(
    delete(card_groups).where(card_groups.c.group_key == bindparam("key"))
)
card_in_group: Final = Prepared(
    select(cards.c.tag_key).where(cards.c.parent_key == bindparam("group_key")).limit(1)
)
_GROUP_VALUES: Final = (*GROUP, "group_key", "is_limited", "has_budget", "changed_at_ms")
_put_group = insert(card_groups).values({name: bindparam(name) for name in _GROUP_VALUES})
put_group: Final = Prepared(
    _put_group.on_conflict_do_update(
        index_elements=[card_groups.c.group_key],
        set_={name: _put_group.excluded[name] for name in _GROUP_VALUES if name != "group_key"},
    )
)

station_of: Final = Prepared(
    select(stations.c.station_id).where(stations.c.identity == bindparam("identity"))
)
chargers_of: Final = Prepared(
    select(stations.c.identity)
    .join_from(rights, stations)
    .where(rights.c.holder == bindparam("holder"), rights.c.holder_key == bindparam("holder_key"))
    .order_by(stations.c.identity)
)
allow: Final = Prepared(
    insert(rights).values(
        {name: bindparam(name) for name in ("holder", "holder_key", "station_id")}
    )
)
allow_nothing: Final = Prepared(
    delete(rights).where(
        rights.c.holder == bindparam("of_holder"), rights.c.holder_key == bindparam("of_key")
    )
)
budgets_of: Final = Prepared(
    select(budgets.c.period, budgets.c.energy_wh, budgets.c.sessions)
    .where(budgets.c.holder == bindparam("holder"), budgets.c.holder_key == bindparam("holder_key"))
    .order_by(budgets.c.period)
)
add_budget: Final = Prepared(
    insert(budgets).values(
        {
            name: bindparam(name)
            for name in ("holder", "holder_key", "period", "energy_wh", "sessions")
        }
    )
)
drop_budgets: Final = Prepared(
    delete(budgets).where(
        budgets.c.holder == bindparam("of_holder"), budgets.c.holder_key == bindparam("of_key")
    )
)

note_change: Final = Prepared(
    insert(card_changes).values(
        {name: bindparam(name) for name in ("holder", "holder_key", "at_ms", "who", "details_json")}
    )
)
changes_of: Final = Prepared(
    select(card_changes.c.at_ms, card_changes.c.who, card_changes.c.details_json)
    .where(
        card_changes.c.holder == bindparam("holder"),
        card_changes.c.holder_key == bindparam("holder_key"),
    )
    .order_by(card_changes.c.change_id.desc())
    .limit(bindparam("count"))
)
newest_change: Final = Prepared(select(func.coalesce(func.max(card_changes.c.change_id), 0)))
"""Rises with every change of a card or group, whoever made it."""
now_valid: Final = Prepared(
    select(cards.c.tag_key)
    .where(
        cards.c.valid_from_ms > bindparam("after_ms"), cards.c.valid_from_ms <= bindparam("now_ms")
    )
    .limit(1)
)
