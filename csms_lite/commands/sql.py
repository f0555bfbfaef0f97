"""Every statement on commands."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, insert, select, update

from csms_lite.commands.rules import Command
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import commands, stations

_COMMAND: Final = tuple(
    stations.c.identity if name == "charger" else commands.c[name] for name in Command._fields
)
_ALL = select(*_COMMAND).join_from(commands, stations)

by_id: Final = Prepared(_ALL.where(commands.c.command_id == bindparam("command_id")))
page_of_station: Final = Prepared(
    _ALL.where(commands.c.station_id == bindparam("of_station"))
    .order_by(commands.c.command_id.desc())
    .limit(bindparam("count"))
)
next_asked: Final = Prepared(
    _ALL.where(commands.c.station_id == bindparam("of_station"), commands.c.state == "asked")
    .order_by(commands.c.command_id)
    .limit(1)
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
    )
    .returning(commands.c.command_id)
)
mark_sent: Final = Prepared(
    update(commands)
    .where(commands.c.command_id == bindparam("of_command"))
    .values(state="sent", sent_at_ms=bindparam("at_ms"))
)
settle: Final = Prepared(
    update(commands)
    .where(commands.c.command_id == bindparam("of_command"), commands.c.state == "sent")
    .values(
        state=bindparam("new_state"),
        answered_at_ms=bindparam("at_ms"),
        result_json=bindparam("result_json"),
        problem=bindparam("problem"),
    )
)
expire: Final = Prepared(
    update(commands)
    .where(commands.c.state == "asked", commands.c.deadline_ms <= bindparam("now_ms"))
    .values(state="expired", problem=bindparam("problem"))
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
