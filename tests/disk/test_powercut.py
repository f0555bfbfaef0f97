"""A power cut at every write of every kind of commit: nothing lost, nothing torn, nothing corrupt.

The journal's own code runs on `disk`, in the SQLite that `apsw` brings; its statements, their order
and its settings are what is proven. That the deployed library, Python and the kernel do the same
is for the cuts on a real file system to show.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import get_args

import pytest

from edge.core.records import Record
from edge.drivers.journal import open_journal
from tests.disk.commits import KINDS
from tests.disk.histories import day, full_wal, lives, old_disk, versions
from tests.disk.recording import NAME, record
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


@pytest.mark.sweep
async def test_no_cut_in_a_day_breaks_a_promise(record_figure: Figure) -> None:
    """First start, every kind of commit, and the end in order."""
    judged(await sweep(await day(), 12, judged_every=10), record_figure)


@pytest.mark.sweep
async def test_no_cut_around_a_full_wal_breaks_a_promise(record_figure: Figure) -> None:
    """While it is written back into the database, and while the next frames replace its first."""
    life, spans = await full_wal(Random(2))
    judged(await sweep(life, 6, spans, judged_every=50), record_figure)


@pytest.mark.sweep
@pytest.mark.parametrize("version", versions())
async def test_no_cut_in_a_migration_breaks_a_promise(version: int, record_figure: Figure) -> None:
    """All of the old rows come into the new shape, by however many starts."""
    life = await record(old_disk(version), (), Random(0), records=None)
    assert life.states[0].saved.outbox_count == 15
    judged(await sweep(life, 4 if version == 1 else 2, judged_every=20), record_figure)


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(6))
async def test_no_cut_in_a_life_after_a_cut_breaks_a_promise(
    seed: int, record_figure: Figure
) -> None:
    """Random commits, on disks that lost their power before: in recovery too."""
    async for life in lives(seed, 4):
        judged(await sweep(life, 5, judged_every=50), record_figure)


@pytest.mark.sweep
async def test_the_deployed_library_recovers_what_a_cut_leaves(
    tmp_path: Path, record_figure: Figure
) -> None:
    """What one SQLite wrote until the cut, the other opens: journal, aiosqlite and all."""
    life = await day()
    opened = 0
    for span, point, disk in life.points(life.spans):
        if point % 5 == 0:
            place = tmp_path / str(opened)
            place.mkdir()
            found = disk.cut(point + 2)
            for name in found.names:
                (place / name).write_bytes(found.contents(name))
            async with open_journal(place / NAME) as journal:
                saved = await journal.load()
            allowed = [life.states[state].saved for state in span.allowed(point)]
            assert saved in allowed, f"{span.kind} at step {point}"
            opened += 1
    record_figure("simulated power cuts, recovered by the deployed SQLite", opened)


@pytest.mark.sweep
def test_the_benchmark_ends_with_its_counts() -> None:
    """What is published is what this line says."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.benches", "powercut", "--trials", "1200"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *before, last = done.stdout.splitlines()
    assert last == "powercut: trials=1200 lost=0 torn=0 corrupt=0"
    assert sum("powercut: control" in line for line in before) == 5
