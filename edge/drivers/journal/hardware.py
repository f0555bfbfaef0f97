"""What the journal remembers of the hardware: latched faults, wear, self-tests."""

from __future__ import annotations

import sqlite3

import msgspec

from edge.core.instant import Instant
from edge.core.records import ContactorWorn, FaultLatched, Latch, RcdTested
from edge.core.vocabulary import ErrorCode


def faults(connection: sqlite3.Connection) -> tuple[FaultLatched, ...]:
    """What keeps connectors Faulted."""
    sql = "SELECT connector, latch, code, info FROM faults ORDER BY connector, latch"
    return tuple(
        FaultLatched(connector=connector, latch=Latch(latch), code=ErrorCode(code), info=info)
        for connector, latch, code, info in connection.execute(sql)
    )


def wear(connection: sqlite3.Connection) -> tuple[ContactorWorn, ...]:
    """How worn the contactors are."""
    sql = "SELECT connector, closings, hot_opens FROM wear ORDER BY connector"
    return tuple(
        ContactorWorn(connector=connector, closings=closings, hot_opens=hot_opens)
        for connector, closings, hot_opens in connection.execute(sql)
    )


def rcd_tests(connection: sqlite3.Connection) -> tuple[RcdTested, ...]:
    """When the residual current devices were last shown to trip."""
    sql = "SELECT connector, passed_at, tries FROM rcd_tests ORDER BY connector"
    return tuple(
        RcdTested(
            connector=connector,
            passed_at=None if passed_at is None else msgspec.json.decode(passed_at, type=Instant),
            tries=tries,
        )
        for connector, passed_at, tries in connection.execute(sql)
    )
