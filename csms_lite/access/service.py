"""Queries that judge a tag for Authorize, StartTransaction and StopTransaction; policies."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from csms_lite.access import sql
from csms_lite.access.rules import (
    NOTHING_SPENT,
    AccessRules,
    Count,
    Place,
    Spent,
    Verdict,
    began_ms,
    judge,
)
from csms_lite.people.rules import Budget, Card, tag_key
from csms_lite.people.service import find_card, find_group
from csms_lite.sessions.service import is_running_with
from csms_lite.stations.service import station


def judge_tag(
    db: Connection, tag: str, station_id: int, now_ms: int, rules: AccessRules
) -> Verdict:
    """Judge a tag that is presented; ConcurrentTx concerns only starts (7.2).

    One that charges at this station, or whose group does, may be presented to stop: a budget
    that is used up by that very session does not make its owner a stranger.
    """
    card = find_card(db, tag)
    group_key = None if card is None or card.parent is None else tag_key(card.parent)
    here = sql.runs_here.one(db, station_id=station_id, key=tag_key(tag), group_key=group_key)
    spent = _counting(db, card, now_ms, rules) if here is None else _no_count
    return _judge(db, card, _place(db, station_id, rules, spent=spent), now_ms)


def judge_start(
    db: Connection, tag: str, station_id: int, now_ms: int, rules: AccessRules
) -> Verdict:
    """Judge a tag with which a transaction begins; it may be what was wished for."""
    return _judge_beginning(db, tag, station_id, now_ms, rules, per_wish=0)


def judge_wish(
    db: Connection, tag: str, station_id: int, now_ms: int, rules: AccessRules
) -> Verdict:
    """Judge a tag with which somebody wants to begin: his other wishes count as sessions."""
    return _judge_beginning(db, tag, station_id, now_ms, rules, per_wish=1)


def judge_stop(
    db: Connection, tag: str, station_id: int, now_ms: int, rules: AccessRules
) -> Verdict:
    """Judge a tag with which a transaction ended; what that took is no fault of the card."""
    place = _place(db, station_id, rules, spent=_no_count)
    return _judge(db, find_card(db, tag), place, now_ms)


def policy(db: Connection, charger: str) -> str | None:
    """Give a station's own policy; `None` is as the setting says. Raises `NotFound`."""
    row = sql.policy_of.one(db, station_id=station(db, charger).station_id)
    return None if row is None else row[1]


def put_policy(db: Connection, charger: str, policy: str | None) -> None:
    """Give a station a policy of its own, or take it away; raises `NotFound`."""
    known = station(db, charger)
    if policy is None:
        sql.drop_policy.run(db, of_station=known.station_id)
    else:
        sql.put_policy.run(db, station_id=known.station_id, policy=policy)


def _judge_beginning(
    db: Connection, tag: str, station_id: int, now_ms: int, rules: AccessRules, *, per_wish: int
) -> Verdict:
    card = find_card(db, tag)
    elsewhere = rules.refuse_concurrent and is_running_with(db, tag)
    spent = _counting(db, card, now_ms, rules, per_wish=per_wish)
    place = _place(db, station_id, rules, spent=spent, runs_elsewhere=elsewhere)
    return _judge(db, card, place, now_ms)


def _judge(db: Connection, card: Card | None, place: Place, now_ms: int) -> Verdict:
    group = None if card is None or card.parent is None else find_group(db, card.parent)
    owner = None if card is None else card.user_id
    is_out = owner is not None and sql.account_is_out.one(db, account_id=owner) is not None
    return judge(card, group, now_ms, replace(place, owner_is_out=is_out))


def _place(
    db: Connection,
    station_id: int,
    rules: AccessRules,
    *,
    spent: Count,
    runs_elsewhere: bool = False,
) -> Place:
    row = sql.policy_of.one(db, station_id=station_id)
    assert row is not None  # a station that talks has a row
    return Place(
        charger=row[0], policy=row[1] or rules.policy, spent=spent, runs_elsewhere=runs_elsewhere
    )


def _no_count(_holder: str, _budget: Budget) -> Spent:
    return NOTHING_SPENT


def _counting(
    db: Connection, card: Card | None, now_ms: int, rules: AccessRules, *, per_wish: int = 0
) -> Count:
    """Make what counts a card's and its group's use; *per_wish* sessions for one not yet begun."""
    if card is None:
        return _no_count

    def count(holder: str, budget: Budget) -> Spent:
        since_ms = began_ms(budget.period, now_ms, rules.zone)
        counted = {"since_ms": since_ms, "per_wish": per_wish}
        if holder == "card":
            row = sql.spent_by_card.one(db, key=tag_key(card.tag), **counted)
        else:
            assert card.parent is not None  # only a card of a group is judged by its budget
            row = sql.spent_by_group.one(db, key=tag_key(card.parent), **counted)
        assert row is not None  # a sum is one row
        energy_wh, sessions = row
        return Spent(round(energy_wh), sessions)

    return count
