"""Every statement on commands."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    and_,
    bindparam,
    case,
    insert,
    null,
    or_,
    select,
    update,
)

from csms_lite.commands.rules import Command
from csms_lite.store.prepared import Prepared, given
from csms_lite.store.tables import commands, stations

_COMMAND: Final = tuple(
    stations.c.identity if name == "charger" else commands.c[name] for name in Command._fields
)
_ALL = select(*_COMMAND).join_from(commands, stations)
_BY_ID = commands.c.command_id == bindparam("of_command")

by_id: Final = Prepared(_ALL.where(commands.c.command_id == bindparam("command_id")))
by_key: Final = Prepared(
    _ALL.where(
        commands.c.station_id == bindparam("of_station"),
        commands.c.idempotency_key == bindparam("key"),
    )
)
page_of_station: Final = Prepared(
    _ALL.where(commands.c.station_id == bindparam("of_station"))
    .order_by(commands.c.command_id.desc())
    .limit(bindparam("count"))
)


def _if_given(name: str) -> ColumnElement[bool]:
    given: BindParameter[str] = bindparam(name)
    return or_(given.is_(None), commands.c[name] == given)


page: Final = Prepared(
    _ALL.where(
        commands.c.command_id < bindparam("before"),
        _if_given("batch"),
        _if_given("state"),
        _if_given("action"),
    )
    .order_by(commands.c.command_id.desc())
    .limit(bindparam("count"))
)
next_asked: Final = Prepared(
    _ALL.where(commands.c.station_id == bindparam("of_station"), commands.c.state == "asked")
    .order_by(commands.c.command_id)
    .limit(1)
)
is_awaited: Final = Prepared(
    select(commands.c.command_id)
    .where(
        commands.c.station_id == bindparam("of_station"),
        commands.c.awaits == bindparam("message"),
    )
    .limit(1)
)
"""Asked of every message; `awaiting` costs six times as much."""
_stations = given("station_id")
stations_awaiting: Final = Prepared(
    select(commands.c.station_id)
    .distinct()
    .join_from(
        _stations,
        commands,
        and_(
            commands.c.station_id == _stations.c.station_id,
            commands.c.awaits == bindparam("message"),
        ),
    )
)
awaiting: Final = Prepared(
    _ALL.where(
        commands.c.station_id == bindparam("of_station"),
        commands.c.awaits == bindparam("message"),
        commands.c.sent_at_ms >= bindparam("since_ms"),
    )
    .order_by(commands.c.command_id.desc())
    .limit(bindparam("count"))
)
ask: Final = Prepared(
    insert(commands)
    .values(
        station_id=bindparam("station_id"),
        action=bindparam("action"),
        payload_json=bindparam("payload_json"),
        state="asked",
        message_id=bindparam("message_id"),
        asked_at_ms=bindparam("asked_at_ms"),
        deadline_ms=bindparam("deadline_ms"),
        asked_by=bindparam("asked_by"),
        batch=bindparam("batch"),
        idempotency_key=bindparam("idempotency_key"),
        awaits=bindparam("awaits"),
    )
    .returning(commands.c.command_id)
)
supersede: Final = Prepared(
    update(commands)
    .where(
        commands.c.station_id == bindparam("of_station"),
        commands.c.action == bindparam("of_action"),
        commands.c.awaits.is_not(None),
    )
    .values(awaits=null())
)
mark_sent: Final = Prepared(
    update(commands).where(_BY_ID).values(state="sent", sent_at_ms=bindparam("at_ms"))
)
_IS_SEEN = and_(bindparam("new_state") == "answered", commands.c.observed_at_ms.is_not(None))
settle: Final = Prepared(
    update(commands)
    .where(_BY_ID, commands.c.state == "sent")
    .values(
        state=case((_IS_SEEN, "observed"), else_=bindparam("new_state")),
        answered_at_ms=bindparam("at_ms"),
        result_json=bindparam("result_json"),
        problem=bindparam("problem"),
    )
)
await_nothing: Final = Prepared(
    update(commands)
    .where(_BY_ID)
    .values(awaits=null(), observed_at_ms=null(), observed_json=null())
)
observe: Final = Prepared(
    update(commands)
    .where(_BY_ID)
    .values(
        state=case((commands.c.state == "sent", "sent"), else_="observed"),
        observed_at_ms=bindparam("at_ms"),
        observed_json=bindparam("told_json"),
        awaits=bindparam("still_awaits"),
    )
)
expire: Final = Prepared(
    update(commands)
    .where(commands.c.state == "asked", commands.c.deadline_ms <= bindparam("now_ms"))
    .values(state="expired", problem=bindparam("problem"), awaits=null())
    .returning(commands.c.command_id)
)
withdraw: Final = Prepared(
    update(commands)
    .where(commands.c.command_id == bindparam("of_command"), commands.c.state == "asked")
    .values(state="expired", problem=bindparam("problem"))
)
abandon: Final = Prepared(
    update(commands)
    .where(commands.c.state == "sent", commands.c.sent_at_ms <= bindparam("before_ms"))
    .values(state="failed", problem=bindparam("problem"))
    .returning(commands.c.command_id)
)
