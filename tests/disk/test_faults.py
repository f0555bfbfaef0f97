"""EIO and a full disk at the n-th call: refused by name, nothing half-written, well again after.

After a failed sync nobody knows what is on the card: see `disk`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random

import pytest

from edge.drivers.journal import SqliteJournal
from edge.errors import ConfigError, JournalFailed
from tests.disk.commits import KINDS, Batch
from tests.disk.disk import Disk
from tests.disk.faults import EIO, FULL, Fault, healthy
from tests.disk.histories import day, full_wal
from tests.disk.recording import Recording, Span, on_disk
from tests.disk.trial import KEPT, glance, judge

Figure = Callable[[str, int], None]

FATES = (0, 1, 2)
FAULTS = [
    pytest.param(errors, lasts, id=f"{name}-{'lasts' if lasts else 'once'}")
    for name, errors in (("io", EIO), ("full", FULL))
    for lasts in (False, True)
]


class Scene:
    """The commit of the last of *spans*, about to be made by a process that made the others.

    *refused* counts how often a fault kept it from being made.
    """

    def __init__(self, life: Recording, *spans: Span) -> None:
        self.life = life
        *self.earlier, self.span = spans
        _, _, disk = next(life.points(spans))
        self.disk = disk.cut(1)
        self.refused = 0

    async def holds(self, disk: Disk, *allowed: int) -> None:
        """Whatever a cut leaves now is one of the states that are allowed."""
        for fate in FATES:
            if glance(disk.cut(fate), self.life, allowed):
                continue
            verdict = await judge(disk.cut(fate), self.life, allowed)
            assert verdict.word == KEPT, f"{self.span.kind}, fate {fate}: {verdict}"

    async def strike(self, errors: Mapping[str, int], first: int, *, lasts: bool) -> bool:
        """A fault from call *first* of the commit on; whether it has so many."""
        before, after = self.span.before, self.span.after
        states, disk = self.life.states, self.disk.copy()
        fault = Fault(errors, first, lasts)
        async with on_disk(disk) as journal:
            for span in self.earlier:
                await journal.commit(self._batch(span))
            disk.before_call = fault
            if refusal := await self._refusal(journal):
                self.refused += 1
                assert refusal == ("full" if errors is FULL else "io")
                await self.holds(disk, before, after)
                disk.before_call = healthy
                assert await journal.load() == states[before].saved
                await journal.commit(self._batch(self.span))
            disk.before_call = healthy
            await self.holds(disk, after)
            assert await journal.load() == states[after].saved
        await self.holds(disk, after)
        return fault.struck

    async def _refusal(self, journal: SqliteJournal) -> str | None:
        """Make the commit; if it is refused, as what."""
        try:
            await journal.commit(self._batch(self.span))
        except JournalFailed as failed:
            return failed.kind
        return None

    def _batch(self, span: Span) -> Batch:
        first, last = (self.life.states[at].committed for at in (span.before, span.after))
        return tuple(self.life.records[first:last])


async def strike_all(
    scene: Scene, errors: Mapping[str, int], *, lasts: bool, stride: int = 1
) -> int:
    """One fault at each call of the commit, or at every *stride*-th; how many."""
    struck = 0
    while await scene.strike(errors, 1 + struck * stride, lasts=lasts):
        struck += 1
    return struck


@pytest.mark.sweep
@pytest.mark.parametrize(("errors", "lasts"), FAULTS)
async def test_a_commit_on_a_failing_disk_is_refused_and_goes_through_later(
    errors: Mapping[str, int], lasts: bool, record_figure: Figure
) -> None:
    """`JournalFailed` with its kind, all or nothing of it after a cut, the retry once it heals."""
    life = await day()
    for kind in KINDS:
        span = next(span for span in reversed(life.spans) if span.kind == kind)
        struck = await strike_all(Scene(life, span), errors, lasts=lasts)
        assert struck >= 2, kind
        record_figure("simulated disk faults", struck)


async def test_a_sample_on_a_failing_disk_is_refused_and_goes_through_later(
    record_figure: Figure,
) -> None:
    """The quick part of the sweep above."""
    life = await day()
    span = next(span for span in reversed(life.spans) if span.kind == "sample")
    for errors in (EIO, FULL):
        struck = await strike_all(Scene(life, span), errors, lasts=True)
        assert struck >= 2
        record_figure("simulated disk faults", struck)


@pytest.mark.sweep
@pytest.mark.parametrize(("errors", "lasts"), FAULTS)
@pytest.mark.parametrize("place", ["written back", "begun anew"])
async def test_a_disk_that_fails_around_a_full_wal_loses_nothing(
    place: str, errors: Mapping[str, int], lasts: bool, record_figure: Figure
) -> None:
    """A commit is made although the WAL cannot be written back; the next begins it anew."""
    life, (_, writes_back, begins_anew, *_) = await full_wal(Random(2))
    if place == "written back":
        scene, stride = Scene(life, writes_back), 23
    else:
        scene, stride = Scene(life, writes_back, begins_anew), 2
    struck = await strike_all(scene, errors, lasts=lasts, stride=stride)
    assert scene.refused >= 1
    assert scene.refused < struck or place == "begun anew"
    record_figure("simulated disk faults", struck)


@pytest.mark.parametrize("lasts", [False, True], ids=["once", "lasts"])
async def test_a_disk_that_fails_at_a_start_costs_a_start_and_no_row(
    lasts: bool, record_figure: Figure
) -> None:
    """It refuses to start, or it starts: what cannot be read is not taken for damaged."""
    life = await day()
    scene = Scene(life, life.spans[-1])
    struck = 0
    while await _start_fails(scene, scene.disk.copy(), Fault(EIO, 1 + 7 * struck, lasts)):
        struck += 1
    assert struck >= 2
    record_figure("simulated disk faults", struck)


@pytest.mark.parametrize(("errors", "lasts"), FAULTS)
async def test_a_disk_that_fails_at_the_first_start_leaves_nothing_in_the_way(
    errors: Mapping[str, int], lasts: bool, record_figure: Figure
) -> None:
    """The next start makes the journal."""
    life = await day()
    scene = Scene(life, life.spans[0])
    struck = 0
    while await _start_fails(scene, Disk(), Fault(errors, 1 + 5 * struck, lasts)):
        struck += 1
    assert struck >= 2
    record_figure("simulated disk faults", struck)


async def _start_fails(scene: Scene, disk: Disk, fault: Fault) -> bool:
    """Start on *disk* with *fault*; whether it struck. Nothing is set aside, nothing lost."""
    disk.before_call = fault
    with suppress(ConfigError):
        async with on_disk(disk):
            disk.before_call = healthy
    disk.before_call = healthy
    assert not [name for name in disk.names if "damaged" in name]
    await scene.holds(disk, scene.span.before)
    return fault.struck
