"""Every statement that judges a tag: the policies of stations, and what was taken with cards."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    ColumnElement,
    Float,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.sqlite import insert

from csms_lite.accounts.sql import IS_CLOSED
from csms_lite.sessions.rules import State
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import access_policies, accounts, cards, sessions, stations

policy_of: Final = Prepared(
    select(stations.c.identity, access_policies.c.policy)
    .join_from(stations, access_policies, isouter=True)
    .where(stations.c.station_id == bindparam("station_id"))
)
account_is_out: Final = Prepared(
    select(accounts.c.account_id).where(accounts.c.account_id == bindparam("account_id"), IS_CLOSED)
)
_put = insert(access_policies).values(
    station_id=bindparam("station_id"), policy=bindparam("policy")
)
put_policy: Final = Prepared(
    _put.on_conflict_do_update(
        index_elements=[access_policies.c.station_id], set_={"policy": _put.excluded.policy}
    )
)
drop_policy: Final = Prepared(
    delete(access_policies).where(access_policies.c.station_id == bindparam("of_station"))
)

_tag_key = func.upper(sessions.c.id_tag)
_so_far = func.coalesce(sessions.c.meter_stop_wh, sessions.c.register_wh, sessions.c.meter_start_wh)
_energy: ColumnElement[float] = func.coalesce(  # a float: lies of some stations fill 64 bits
    func.sum(cast(func.max(0, _so_far - sessions.c.meter_start_wh), Float)), 0
)
_of_period = and_(
    sessions.c.started_at_ms >= bindparam("since_ms"),
    sessions.c.received_at_ms >= bindparam("since_ms"),
)
"""A station that lives in the year 9999 must not use up the budget of every month to come."""
_sessions: ColumnElement[int] = func.coalesce(
    func.sum(
        case(  # one that was wished for and never began has no register, and counts as none
            (and_(sessions.c.verdict == "Accepted", sessions.c.meter_start_wh.is_not(None)), 1),
            (sessions.c.state == State.PENDING.value, bindparam("per_wish")),
            else_=0,
        )
    ),
    0,
)
spent_by_card: Final = Prepared(
    select(_energy, _sessions).where(_tag_key == bindparam("key"), _of_period)
)
spent_by_group: Final = Prepared(
    select(_energy, _sessions)
    .join_from(cards, sessions, _tag_key == cards.c.tag_key)
    .where(cards.c.parent_key == bindparam("key"), _of_period)
)
runs_here: Final = Prepared(
    select(sessions.c.transaction_id)
    .join_from(sessions, cards, cards.c.tag_key == _tag_key, isouter=True)
    .where(
        sessions.c.station_id == bindparam("station_id"),
        sessions.c.state == literal_column("'running'"),  # as the partial index says it
        or_(_tag_key == bindparam("key"), cards.c.parent_key == bindparam("group_key")),
    )
    .limit(1)
)
"""A session at a station that a tag, or one of the same group, may be presented to stop."""
