"""Every statement on transactions and samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from sqlalchemy import ColumnElement, bindparam, func, insert, null, or_, select, update

from csms_lite.sessions.rules import Event, Session, State, states_before
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import commands, sessions, stations


def _is_one_of(states: Iterable[State]) -> ColumnElement[bool]:
    return or_(*(sessions.c.state == state.value for state in states))


_UNDER_WAY: Final = _is_one_of((State.PENDING, State.RUNNING))
_SESSION: Final = tuple(
    stations.c.identity if name == "charger" else sessions.c[name] for name in Session._fields
)
_ALL = select(*_SESSION).join_from(sessions, stations)

by_id: Final = Prepared(_ALL.where(sessions.c.transaction_id == bindparam("transaction_id")))
FILTERS: Final[Mapping[str, ColumnElement[bool]]] = {
    "charger": stations.c.identity == bindparam("charger"),
    "connector": sessions.c.connector == bindparam("connector"),
    "since_ms": sessions.c.started_at_ms >= bindparam("since_ms"),
    "until_ms": sessions.c.started_at_ms < bindparam("until_ms"),
    "state": sessions.c.state == bindparam("state"),
    "tag_key": func.upper(sessions.c.id_tag) == bindparam("tag_key"),
    "user_id": sessions.c.user_id == bindparam("user_id"),
    "command_id": sessions.c.start_command_id == bindparam("command_id"),
}
"""By what sessions can be looked for."""


@cache
def page_by(names: frozenset[str]) -> Prepared:
    """Make the statement that looks for sessions by some of `FILTERS`, newest number first."""
    return Prepared(
        _ALL.where(
            sessions.c.transaction_id < bindparam("before"),
            *(FILTERS[name] for name in sorted(names)),
        )
        .order_by(sessions.c.transaction_id.desc())
        .limit(bindparam("count"))
    )


last_of_connector: Final = Prepared(
    _ALL.where(
        sessions.c.station_id == bindparam("of_station"),
        sessions.c.connector == bindparam("connector"),
        sessions.c.meter_start_wh.is_not(None),
    )
    .order_by(sessions.c.started_at_ms.desc(), sessions.c.transaction_id.desc())
    .limit(1)
)
last_ended: Final = Prepared(
    _ALL.where(
        sessions.c.station_id == bindparam("of_station"),
        sessions.c.meter_stop_wh.is_not(None),
    )
    .order_by(sessions.c.transaction_id.desc())
    .limit(1)
)
stale: Final = Prepared(
    _ALL.where(
        sessions.c.station_id == bindparam("of_station"),
        sessions.c.state == State.RUNNING.value,
        func.coalesce(sessions.c.measured_at_ms, 0) < bindparam("before_ms"),
    )
)
same_start: Final = Prepared(
    select(sessions.c.transaction_id, sessions.c.state, sessions.c.message_id, sessions.c.verdict)
    .where(
        sessions.c.station_id == bindparam("station_id"),
        sessions.c.connector == bindparam("connector"),
        sessions.c.started_at_ms == bindparam("started_at_ms"),
        sessions.c.meter_start_wh == bindparam("meter_start_wh"),
        sessions.c.id_tag == bindparam("id_tag"),
    )
    .order_by(sessions.c.transaction_id.desc())
    .limit(1)
)
running_with_tag: Final = Prepared(
    select(sessions.c.transaction_id)
    .where(sessions.c.state == "running", func.upper(sessions.c.id_tag) == bindparam("tag_key"))
    .limit(1)
)

_asked = (
    select(
        commands.c.command_id,
        commands.c.payload_json,
        commands.c.state,
        commands.c.result_json,
        sessions.c.transaction_id,
        sessions.c.stop_asked_at_ms,
    )
    .select_from(commands)
    .outerjoin(sessions, sessions.c.start_command_id == commands.c.command_id)
)
starts_asked: Final = Prepared(
    _asked.where(
        commands.c.station_id == bindparam("of_station"),
        commands.c.action == "RemoteStartTransaction",
        commands.c.asked_at_ms >= bindparam("since_ms"),
        commands.c.asked_at_ms <= bindparam("until_ms"),
        or_(
            sessions.c.transaction_id.is_(None),
            _is_one_of(states_before(Event.BEGAN)),
        ),
    )
    .order_by(commands.c.asked_at_ms.desc(), commands.c.command_id.desc())
    .limit(bindparam("count"))
)
_BEGUN: Final = {
    "verdict": bindparam("verdict"),
    "state": State.RUNNING.value,
    "message_id": bindparam("message_id"),
    "reservation_id": bindparam("reservation_id"),
    "received_at_ms": bindparam("received_at_ms"),
    "id_tag": bindparam("id_tag"),
    "meter_start_wh": bindparam("meter_start_wh"),
    "started_at_ms": bindparam("started_at_ms"),
}
start: Final = Prepared(
    insert(sessions)
    .values(
        **_BEGUN,
        station_id=bindparam("station_id"),
        connector=bindparam("connector"),
        currency=bindparam("currency"),
        per_kwh_minor=bindparam("per_kwh_minor"),
        start_command_id=bindparam("start_command_id"),
        user_id=bindparam("owner_id"),
    )
    .returning(sessions.c.transaction_id)
)
begin: Final = Prepared(
    update(sessions)
    .where(
        sessions.c.transaction_id == bindparam("of_transaction"),
        _is_one_of(states_before(Event.BEGAN)),
    )
    .values(
        **_BEGUN,
        problem=null(),
        user_id=func.coalesce(sessions.c.user_id, bindparam("owner_id")),
    )
)
wish: Final = Prepared(
    insert(sessions)
    .values(
        station_id=bindparam("station_id"),
        connector=bindparam("connector"),
        id_tag=bindparam("id_tag"),
        verdict=bindparam("verdict"),
        state=State.PENDING.value,
        started_at_ms=bindparam("at_ms"),
        received_at_ms=bindparam("at_ms"),
        asked_at_ms=bindparam("at_ms"),
        currency=bindparam("currency"),
        per_kwh_minor=bindparam("per_kwh_minor"),
        user_id=bindparam("user_id"),
        reference=bindparam("reference"),
        start_command_id=bindparam("start_command_id"),
        goal_wh=bindparam("goal_wh"),
        goal_soc_percent=bindparam("goal_soc_percent"),
    )
    .returning(sessions.c.transaction_id)
)
not_begun: Final = Prepared(
    update(sessions)
    .where(
        sessions.c.transaction_id == bindparam("of_transaction"),
        sessions.c.state == State.PENDING.value,
    )
    .values(state=bindparam("new_state"), problem=bindparam("problem"))
)
pending: Final = Prepared(
    select(
        sessions.c.transaction_id,
        sessions.c.asked_at_ms,
        commands.c.state,
        commands.c.result_json,
        commands.c.problem,
    )
    .join_from(sessions, commands, sessions.c.start_command_id == commands.c.command_id)
    .where(
        sessions.c.state == State.PENDING.value,
        or_(
            bindparam("of_command").is_(None),
            sessions.c.start_command_id == bindparam("of_command"),
        ),
    )
    .order_by(sessions.c.transaction_id)
    .limit(bindparam("count"))
)
occupying: Final = Prepared(
    _ALL.where(
        sessions.c.station_id == bindparam("of_station"),
        _UNDER_WAY,
    ).order_by(sessions.c.transaction_id)
)
by_reference: Final = Prepared(
    _ALL.where(
        sessions.c.station_id == bindparam("of_station"),
        sessions.c.reference == bindparam("reference"),
    )
)
by_name: Final = Prepared(
    select(sessions.c.transaction_id)
    .join_from(sessions, stations)
    .where(
        stations.c.identity == bindparam("charger"),
        sessions.c.reference == bindparam("reference"),
    )
)
keep_reference: Final = Prepared(
    update(sessions)
    .where(sessions.c.transaction_id == bindparam("of_transaction"))
    .values(reference=bindparam("new_reference"))
)
forget_reference: Final = Prepared(
    update(sessions)
    .where(
        sessions.c.station_id == bindparam("of_station"),
        sessions.c.reference == bindparam("reference"),
        sessions.c.transaction_id != bindparam("of_transaction"),
    )
    .values(reference=null())
)
own: Final = Prepared(
    _ALL.where(
        sessions.c.transaction_id == bindparam("transaction_id"),
        sessions.c.user_id == bindparam("user_id"),
    )
)
open_of_user: Final = Prepared(
    _ALL.where(
        sessions.c.user_id == bindparam("user_id"),
        _UNDER_WAY,
    )
    .order_by(sessions.c.transaction_id.desc())
    .limit(bindparam("count"))
)
stop_asked: Final = Prepared(
    update(sessions)
    .where(sessions.c.transaction_id == bindparam("of_transaction"))
    .values(
        stop_asked_at_ms=func.coalesce(sessions.c.stop_asked_at_ms, bindparam("at_ms")),
        stop_command_id=func.coalesce(bindparam("command_id"), sessions.c.stop_command_id),
    )
)
close_by_hand: Final = Prepared(
    update(sessions)
    .where(
        sessions.c.transaction_id == bindparam("of_transaction"),
        _is_one_of(states_before(Event.CLOSED)),
    )
    .values(
        state=State.CLOSED.value,
        closed_at_ms=bindparam("at_ms"),
        closed_by=bindparam("closed_by"),
        close_reason=bindparam("close_reason"),
        power_w=null(),
        power_derived=null(),
    )
)
stop: Final = Prepared(
    update(sessions)
    .where(sessions.c.transaction_id == bindparam("of_transaction"))
    .values(
        state=State.CLOSED.value,
        meter_stop_wh=bindparam("meter_stop_wh"),
        stopped_at_ms=bindparam("stopped_at_ms"),
        stop_reason=bindparam("stop_reason"),
        stop_tag=bindparam("stop_tag"),
        stop_received_at_ms=bindparam("stop_received_at_ms"),
        power_w=0,
        power_derived=null(),
        register_wh=bindparam("meter_stop_wh"),
        measured_at_ms=bindparam("stopped_at_ms"),
    )
)
cable_out: Final = Prepared(
    update(sessions)
    .where(
        sessions.c.station_id == bindparam("of_station"),
        sessions.c.connector == bindparam("of_connector"),
        sessions.c.state == "closed",
        sessions.c.cable_out_at_ms.is_(None),
    )
    .values(cable_out_at_ms=bindparam("at_ms"))
)
