"""Verbs and queries on cards and their groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Connection

from csms_lite.accounts.service import find_account
from csms_lite.errors import NotFound, Refused, Unacceptable
from csms_lite.jsontext import dumps, loads
from csms_lite.people import sql
from csms_lite.people.rules import (
    Budget,
    Card,
    Change,
    Group,
    check_card,
    check_group,
    check_text,
    differences,
    tag_key,
)
from csms_lite.people.sheets import Sheet, refuse_rows
from edge.hmi.tags import masked

NAME_LENGTH: Final = 200  # of who changed something
MOST_CARDS_OF_ONE: Final = 100  # shown of one account: nobody carries more


def find_card(db: Connection, tag: str) -> Card | None:
    """Find the card that *tag* means, whatever its case."""
    row = sql.find.one(db, tag_key=tag_key(tag))
    return None if row is None else _card(db, row)


def owner_of(db: Connection, tag: str) -> int | None:
    """Give the account that owns the card of a tag, if any does."""
    row = sql.owner.one(db, tag_key=tag_key(tag))
    return None if row is None else row[0]


def check_owner(db: Connection, user_id: int | None) -> None:
    """Refuse an owner that there is not; raises `Unacceptable`."""
    if user_id is not None and find_account(db, user_id) is None:
        raise Unacceptable(f"there is no account {user_id} to own a card: see GET /api/users")


def card(db: Connection, tag: str) -> Card:
    """Give a card; raises `NotFound`."""
    found = find_card(db, tag)
    if found is None:
        raise NotFound(f"there is no card {masked(tag)}: add it with PUT /api/cards/TAG")
    return found


def list_cards(db: Connection, after: str, count: int, *, with_virtual: bool) -> list[Card]:
    """Give up to *count* cards in order, those after the tag *after*."""
    query = sql.every if with_virtual else sql.every_touchable
    return [_card(db, row) for row in query.rows(db, after=tag_key(after), count=count)]


def put_card(db: Connection, card: Card, now_ms: int, *, who: str) -> Card:
    """Add a card, or change it whole; the last of two writers wins. The same again is nothing.

    Raises `Unacceptable`, and `Refused` for a virtual card made or unmade by hand.
    """
    check_card(card)
    known = find_card(db, card.tag)
    if "virtual" in {card.kind, known.kind if known else card.kind} and (
        known is None or (known.kind, known.user_id) != (card.kind, card.user_id)
    ):
        raise Refused("virtual cards are made with their accounts: block one, or remove it")
    if known is None or known.user_id != card.user_id:  # one that was deleted keeps its cards
        check_owner(db, card.user_id)
    return _keep_card(db, known, card, now_ms, who)


def put_cards(db: Connection, sheet: Sheet, now_ms: int, *, who: str) -> int:
    """Add or change the cards of a table, all or none, and give how many changed.

    Raises `Unacceptable` that names each bad row.
    """
    changed, wrong = 0, dict(sheet.wrong)
    for number, told in sheet.rows.items():
        try:
            before = find_card(db, told.tag)
            changed += put_card(db, sheet.of_row(number, before), now_ms, who=who) != before
        except (Refused, Unacceptable) as refusal:
            wrong[number] = str(refusal)
    refuse_rows(wrong)
    return changed


def block_card(db: Connection, tag: str, reason: str, now_ms: int, *, who: str) -> Card:
    """Let a card charge no more; raises `NotFound`, and `Unacceptable` for an odd reason."""
    check_text("reason", reason)
    known = card(db, tag)
    return _keep_card(db, known, known._replace(status="Blocked", reason=reason), now_ms, who)


def unblock_card(db: Connection, tag: str, now_ms: int, *, who: str) -> Card:
    """Let a blocked card charge again; raises `NotFound`."""
    known = card(db, tag)
    return _keep_card(db, known, known._replace(status="Accepted", reason=None), now_ms, who)


def remove_card(db: Connection, tag: str, now_ms: int, *, who: str) -> None:
    """Forget a card; its sessions and its history stay. Raises `NotFound`.

    A virtual card removed is made anew, with another tag, when it is needed again.
    """
    known, key = card(db, tag), tag_key(tag)
    sql.remove.run(db, key=key)
    _keep_limits(db, "card", key, None, ())
    _note(db, "card", key, known, None, now_ms=now_ms, who=who)


def card_history(db: Connection, tag: str, count: int) -> list[Change]:
    """Give what was changed of a card, newest first; removed cards have theirs, too."""
    return _history(db, "card", tag_key(tag), count)


def virtual_card(
    db: Connection, user_id: int, make_tag: Callable[[], str], now_ms: int, *, who: str
) -> Card:
    """Give an account's virtual card: made when it is first needed, the same ever after."""
    row = sql.virtual_of_user.one(db, of_user=user_id)
    if row is not None:
        return _card(db, row)
    tag = make_tag()
    while sql.find.one(db, tag_key=tag_key(tag)) is not None:
        tag = make_tag()
    made = Card(
        tag=tag,
        status="Accepted",
        parent=None,
        expires_at_ms=None,
        kind="virtual",
        user_id=user_id,
    )
    return _keep_card(db, None, made, now_ms, who)


def cards_of_user(db: Connection, user_id: int) -> list[Card]:
    """Give the cards of one account, at most `MOST_CARDS_OF_ONE`."""
    rows = sql.of_user.rows(db, of_user=user_id, count=MOST_CARDS_OF_ONE)
    return [_card(db, row) for row in rows]


def find_group(db: Connection, name: str) -> Group | None:
    """Find what is laid down for a parent idTag; most groups are a name on cards only."""
    row = sql.find_group.one(db, group_key=tag_key(name))
    return None if row is None else _group(db, row)


def group(db: Connection, name: str) -> Group:
    """Give a group; raises `NotFound`."""
    found = find_group(db, name)
    if found is None:
        raise NotFound(f"there is no group {name!r}: add it with PUT /api/card-groups/NAME")
    return found


def list_groups(db: Connection, after: str, count: int) -> list[Group]:
    """Give up to *count* groups in order, those after the name *after*."""
    return [_group(db, row) for row in sql.every_group.rows(db, after=tag_key(after), count=count)]


def put_group(db: Connection, group: Group, now_ms: int, *, who: str) -> Group:
    """Add a group, or change it whole; raises `Unacceptable`."""
    check_group(group)
    group = group._replace(**_in_order(group))
    known, key = find_group(db, group.name), tag_key(group.name)
    if group == known:
        return group
    values = group._asdict()
    chargers, kept = values.pop("chargers"), values.pop("budgets")
    sql.put_group.run(
        db,
        group_key=key,
        is_limited=int(chargers is not None),
        has_budget=int(bool(kept)),
        changed_at_ms=now_ms,
        **values,
    )
    _keep_limits(db, "group", key, chargers, kept)
    _note(db, "group", key, known, group, now_ms=now_ms, who=who)
    return group


def remove_group(db: Connection, name: str, now_ms: int, *, who: str) -> None:
    """Forget a group without cards; raises `NotFound`, and `Refused` while cards name it.

    Removed under its cards, its limits would be gone without anybody having lifted them.
    """
    known, key = group(db, name), tag_key(name)
    if sql.card_in_group.one(db, group_key=key) is not None:
        raise Refused(f"cards belong to the group {known.name}: give them another parent first")
    sql.remove_group.run(db, key=key)
    _keep_limits(db, "group", key, None, ())
    _note(db, "group", key, known, None, now_ms=now_ms, who=who)


def group_history(db: Connection, name: str, count: int) -> list[Change]:
    """Give what was changed of a group, newest first."""
    return _history(db, "group", tag_key(name), count)


def newest_change(db: Connection) -> int:
    """Give a number that rises with every change of a card or group."""
    row = sql.newest_change.one(db)
    return 0 if row is None else int(row[0])


def became_valid(db: Connection, after_ms: int, now_ms: int) -> bool:
    """Say whether some card's window opened after *after_ms*, up to now."""
    return sql.now_valid.one(db, after_ms=after_ms, now_ms=now_ms) is not None


def _keep_card(db: Connection, known: Card | None, new: Card, now_ms: int, who: str) -> Card:
    new = new._replace(**_in_order(new))
    if new == known:
        return new
    key, chargers, budgets = tag_key(new.tag), new.chargers, new.budgets
    sql.put.run(
        db,
        tag_key=key,
        parent_key=None if new.parent is None else tag_key(new.parent),
        is_limited=int(chargers is not None),
        has_budget=int(bool(budgets)),
        changed_at_ms=now_ms,
        **{name: getattr(new, name) for name in sql.CARD},
    )
    if known is None or (known.chargers, known.budgets) != (chargers, budgets):
        _keep_limits(db, "card", key, chargers, budgets)
    _note(db, "card", key, known, new, now_ms=now_ms, who=who)
    return new


def _in_order(holder: Card | Group) -> dict[str, Any]:
    chargers = holder.chargers
    return {
        "chargers": None if chargers is None else tuple(sorted(set(chargers))),
        "budgets": tuple(sorted(holder.budgets, key=lambda budget: budget.period)),
    }


def _keep_limits(
    db: Connection,
    holder: str,
    key: str,
    chargers: tuple[str, ...] | None,
    budgets: tuple[Budget, ...],
) -> None:
    sql.allow_nothing.run(db, of_holder=holder, of_key=key)
    sql.drop_budgets.run(db, of_holder=holder, of_key=key)
    for identity in chargers or ():
        station = sql.station_of.one(db, identity=identity)
        if station is None:
            raise Unacceptable(f"there is no charger {identity!r}: see GET /api/chargers")
        sql.allow.run(db, holder=holder, holder_key=key, station_id=station[0])
    for budget in budgets:
        sql.add_budget.run(db, holder=holder, holder_key=key, **budget._asdict())


def _note(
    db: Connection,
    holder: str,
    key: str,
    before: Card | Group | None,
    after: Card | Group | None,
    *,
    now_ms: int,
    who: str,
) -> None:
    sql.note_change.run(
        db,
        holder=holder,
        holder_key=key,
        at_ms=now_ms,
        who=who[:NAME_LENGTH],
        details_json=dumps(differences(before, after)),
    )


def _history(db: Connection, holder: str, key: str, count: int) -> list[Change]:
    rows = sql.changes_of.rows(db, holder=holder, holder_key=key, count=count)
    return [Change(at_ms, who, loads(details)) for at_ms, who, details in rows]


def _card(db: Connection, row: tuple[Any, ...]) -> Card:
    *plain, is_limited, has_budget = row
    chargers, budgets = _limits(db, "card", tag_key(plain[0]), is_limited, has_budget)
    return Card._make((*plain, chargers, budgets))


def _group(db: Connection, row: tuple[Any, ...]) -> Group:
    *plain, is_limited, has_budget = row
    chargers, budgets = _limits(db, "group", tag_key(plain[0]), is_limited, has_budget)
    return Group._make((*plain, chargers, budgets))


def _limits(
    db: Connection, holder: str, key: str, is_limited: int, has_budget: int
) -> tuple[tuple[str, ...] | None, tuple[Budget, ...]]:
    chargers: tuple[str, ...] | None = None
    if is_limited:
        rows = sql.chargers_of.rows(db, holder=holder, holder_key=key)
        chargers = tuple(str(row[0]) for row in rows)
    budgets: tuple[Budget, ...] = ()
    if has_budget:
        rows = sql.budgets_of.rows(db, holder=holder, holder_key=key)
        budgets = tuple(Budget._make(row) for row in rows)
    return chargers, budgets
