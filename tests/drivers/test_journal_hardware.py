"""What the journal knows of the hardware: what latched, and how worn it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import takewhile
from pathlib import Path

import pytest

from edge.core.records import ContactorWorn, FaultLatched, FaultReleased, Latch, Record
from edge.core.saved import Saved
from edge.core.vocabulary import ErrorCode
from edge.drivers import journal
from edge.drivers.journal import open_journal


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
