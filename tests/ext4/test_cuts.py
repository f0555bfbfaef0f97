"""Power cuts on the kernel's own ext4: what the journal has acknowledged is there afterwards.

Each cut shuts the file system down below a process that commits as fast as it can. Only what it had
said before counts: an fsync that races the shutdown may return without an error.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from edge.core.saved import Saved
from edge.drivers.journal import open_journal
from scripts.benches.parts.loop_disk import Disk
from tests.ext4.writer import KEPT

pytestmark = [pytest.mark.root, pytest.mark.sweep]

ROOT = Path(__file__).parents[2]
CUTS = 40
CONTROL_CUTS = 20
LONGEST_S = 0.15
STARTS_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Cut:
    """The last commit that was acknowledged before a cut, and what the file knew after it."""

    acknowledged: int
    saved: Saved

    @property
    def is_lost(self) -> bool:
        return self.saved.last_seq < self.acknowledged


class Acknowledged:
    """The numbers that a writer says."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._said = b""

    def begin(self) -> None:
        """Wait for the first."""
        assert self._has_news(STARTS_WITHIN_S), "the writer does not start"

    def listen(self, until: float) -> int:
        """The last number that has come by the time *until*."""
        while self._has_news(max(0.0, until - time.monotonic())):
            part = os.read(self._pipe, 1 << 16)
            assert part, "the writer has ended by itself"
            self._said += part
            if time.monotonic() >= until:
                break
        *whole, _ = self._said.split(b"\n")
        return int(whole[-1]) if whole else 0

    def _has_news(self, within_s: float) -> bool:
        return bool(select.select([self._pipe], [], [], within_s)[0])


async def cuts(disk: Disk, count: int, *words: str) -> AsyncIterator[Cut]:
    """*count* times let the writer run for a moment, take the power away, and look."""
    random = Random(count)
    path = disk.place / "journal.sqlite3"
    for _ in range(count):
        acknowledged = cut_once(disk, path, random.uniform(0, LONGEST_S), *words)
        async with open_journal(path) as journal:
            yield Cut(acknowledged, await journal.load())


def cut_once(
    disk: Disk, path: Path, after_s: float, *words: str, module: str = "tests.ext4.writer"
) -> int:
    """The last number that the writer had said when the disk was gone."""
    command = [sys.executable, "-m", module, str(path), *words]
    writer = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert writer.stdout is not None
    try:
        acknowledged = Acknowledged(writer.stdout.fileno())
        acknowledged.begin()
        last = acknowledged.listen(time.monotonic() + after_s)
        disk.cut()
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
    disk.come_back()
    return last


def is_whole(saved: Saved) -> bool:
    """Every table tells of the same commit."""
    last = saved.last_seq
    (transaction,) = saved.transactions
    assert saved.lives
    return (transaction.last_wh or 0, saved.lives[-1].monotonic) == (last, float(last)) and [
        queued.seq for queued in saved.outbox
    ] == list(range(max(1, last - KEPT + 1), last + 1))


async def test_no_acknowledged_commit_is_lost(
    disk: Disk, record_figure: Callable[[str, int], None]
) -> None:
    """Durability 1.5: 0 lost, 0 torn, 0 corrupt; one file through all cuts."""
    last = 0
    async for cut in cuts(disk, CUTS):
        assert not cut.is_lost, cut
        assert is_whole(cut.saved), cut
        last = cut.acknowledged
    assert list(disk.place.glob("*.damaged-*")) == []
    record_figure("power cuts on ext4", CUTS)
    record_figure("commits acknowledged before them", last)


async def test_the_cut_finds_a_setting_that_is_too_weak(disk: Disk) -> None:
    """The control: without a sync at each commit, acknowledged ones are lost, and it is seen."""
    async for cut in cuts(disk, CONTROL_CUTS, "--weak"):
        if cut.is_lost:
            return
    pytest.fail(f"{CONTROL_CUTS} cuts lost nothing: they do not cut")
