"""A power cut at every write of every kind of commit: nothing lost, nothing torn, nothing corrupt.

The journal's own code runs on `disk`, in the SQLite that `apsw` brings; its statements, their order
and its settings are what is proven. That the deployed library, Python and the kernel do the same
is for the cuts on a real file system to show.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import get_args

import pytest

from edge.core.records import Record
from tests.disk.commits import KINDS
from tests.disk.histories import day, full_wal, lives, old_disk, versions
from tests.disk.recording import record
from tests.disk.trial import Tally, sweep

Figure = Callable[[str, int], None]


def judged(tally: Tally, record_figure: Figure) -> None:
    """Nothing was broken; count it."""
    assert tally.told == []
    assert tally.broken == 0
    record_figure("simulated power cuts", tally.trials)


async def test_every_kind_of_record_is_written_in_a_day() -> None:
    """What the sweep does not write it does not prove."""
    life = await day()
    assert {type(one) for one in life.records} == set(get_args(Record))
    assert {span.kind for span in life.spans} == {"provision", *KINDS, "close"}
    assert [span.kind for span in life.spans if span.begin == span.end] == []


async def test_a_cut_behind_any_commit_of_a_day_loses_nothing(record_figure: Figure) -> None:
    """The quick part of the sweep: what is unsynced is all gone, all there, or anything between."""
    life = await day()
    judged(await sweep(life, 3, judged_every=40), record_figure)


@pytest.mark.slow
async def test_no_cut_in_a_day_breaks_a_promise(record_figure: Figure) -> None:
    """First start, every kind of commit, and the end in order; each trial judged in full."""
    judged(await sweep(await day(), 14), record_figure)


@pytest.mark.slow
async def test_no_cut_around_a_full_wal_breaks_a_promise(record_figure: Figure) -> None:
    """While it is written back into the database, and while the next frames replace its first."""
    life, spans = await full_wal(Random(2))
    judged(await sweep(life, 8, spans, judged_every=50), record_figure)


@pytest.mark.slow
@pytest.mark.parametrize("version", versions())
async def test_no_cut_in_a_migration_breaks_a_promise(version: int, record_figure: Figure) -> None:
    """All of the old rows come into the new shape, by however many starts."""
    life = await record(old_disk(version), (), Random(0), records=None)
    assert life.states[0].saved.outbox_count == 57
    judged(await sweep(life, 5), record_figure)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
async def test_no_cut_in_a_life_after_a_cut_breaks_a_promise(
    seed: int, record_figure: Figure
) -> None:
    """Random commits, on disks that lost their power before: in recovery too."""
    async for life in lives(seed, 6):
        judged(await sweep(life, 6, judged_every=50), record_figure)
