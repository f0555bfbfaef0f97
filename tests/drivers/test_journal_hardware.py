"""What the journal knows of the hardware: what latched, and how worn it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import takewhile
from pathlib import Path

import msgspec
import pytest

from edge.core.records import (
    ContactorWorn,
    FaultLatched,
    FaultReleased,
    Latch,
    RcdTested,
    Record,
    TransactionOpened,
)
from edge.core.saved import Saved
from edge.core.vocabulary import ErrorCode
from edge.drivers import journal
from edge.drivers.journal import open_journal
from tests.core.bench import at


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


async def kept(path: Path, *batches: Sequence[Record]) -> Saved:
    """What a later process finds after these commits."""
    async with open_journal(path) as opened:
        for batch in batches:
            await opened.commit(batch)
    async with open_journal(path) as opened:
        return await opened.load()


async def test_safety_09_each_latch_is_released_for_itself(path: Path) -> None:
    """Safety 9, 12, 21: what feedback releases, and what only somebody who has looked."""
    by_feedback, by_meter, by_trips = (
        FaultLatched(connector=1, code=code, info=info, latch=latch)
        for code, info, latch in (
            (ErrorCode.POWER_SWITCH_FAILURE, "a", Latch.WELDED),
            (ErrorCode.POWER_SWITCH_FAILURE, "b", Latch.FLOWS_WHILE_OPEN),
            (ErrorCode.GROUND_FAILURE, "c", Latch.RCD),
        )
    )
    saved = await kept(
        path,
        [by_feedback, by_meter, by_trips, by_trips],
        [FaultReleased(connector=1), FaultReleased(connector=2, latch=Latch.RCD)],
    )
    assert saved.faults == (by_meter, by_trips)


async def test_wear_is_the_last_that_was_counted(path: Path) -> None:
    """Ruling 2: for a lifetime."""
    first, later, other = (
        ContactorWorn(connector=connector, closings=closings, hot_opens=1)
        for connector, closings in ((1, 7), (1, 8), (2, 3))
    )
    saved = await kept(path, [first], [other], [later])
    assert saved.wear == (later, other)


async def test_safety_12_of_each_device_the_last_self_test_is_kept(path: Path) -> None:
    """Safety 12: begun, passed, or neither yet."""
    begun = RcdTested(connector=1, passed_at=None, tries=1)
    passed = RcdTested(connector=1, passed_at=at(7.5), tries=0)
    other = RcdTested(connector=2, passed_at=None, tries=3)
    saved = await kept(path, [begun], [other, passed])
    assert saved.rcd_tests == (passed, other)


async def test_safety_09_feedback_releases_a_weld_of_an_older_journal(
    path: Path,
) -> None:
    """Safety 9, 21: an update of the software mends no contactor."""
    older = [*takewhile(lambda script: "latched" not in script, journal._migrations())]
    with closing(sqlite3.connect(path)) as database:
        for script in older:
            database.executescript(script)
        database.execute(f"PRAGMA user_version = {len(older)}")
        database.execute("INSERT INTO faults VALUES (2, 'PowerSwitchFailure', 'welded')")
        database.commit()
    async with open_journal(path) as opened:
        (fault,) = (await opened.load()).faults
        assert (fault.connector, fault.latch, fault.info) == (2, Latch.WELDED, "welded")
        await opened.commit([FaultReleased(connector=2)])
        assert (await opened.load()).faults == ()


async def test_of_a_session_of_an_older_journal_nobody_knows_the_meter(path: Path) -> None:
    """Ruling 4: it ends at the register of whichever answers, as it would have."""
    older = [*takewhile(lambda script: "meter_serial" not in script, journal._migrations())]
    with closing(sqlite3.connect(path)) as database:
        for script in older:
            database.executescript(script)
        database.execute(f"PRAGMA user_version = {len(older)}")
        database.execute(
            "INSERT INTO transactions (ref, connector, id_tag, begin_wh, opened_at)"
            " VALUES (7, 1, 'A', 1000, ?)",
            (msgspec.json.encode(at(1)).decode(),),
        )
        database.commit()
    later = TransactionOpened(
        ref=8, connector=2, id_tag="B", begin_wh=5, at=at(2), meter_serial="12345678"
    )
    saved = await kept(path, [later])
    assert [one.opened.meter_serial for one in saved.transactions] == [None, "12345678"]
