"""Every statement of the drivers' door: it owns no table and reads what others keep."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, or_, select

from csms_lite.commands.rules import ANSWERED
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import commands

reservations_asked: Final = Prepared(
    select(commands.c.payload_json, commands.c.result_json)
    .where(
        commands.c.station_id == bindparam("of_station"),
        commands.c.action == "ReserveNow",
        or_(*(commands.c.state == state for state in ANSWERED)),
    )
    .order_by(commands.c.asked_at_ms.desc())
    .limit(bindparam("count"))
)
