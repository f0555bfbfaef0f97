"""The disk below the journal: the real journal on it, its refusals, its slowness, its recovery."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.core.records import Record
from edge.drivers.journal import SqliteJournal, open_database_with, open_journal
from edge.errors import JournalFailed
from edge.sim.disk import Disk
from tests.drivers.test_journal import opened, queued, stop_message

LATE_S = 20.0  # longer than any test waits


@pytest.fixture
def disk() -> Disk:
    """A disk that is well."""
    return Disk()


@pytest.fixture
async def journal(disk: Disk, tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    """The journal on it."""
    opener = open_database_with(disk.connection())
    async with open_journal(tmp_path / "journal.sqlite3", open_database=opener) as journal:
        yield journal


RECORDS: tuple[Record, ...] = (opened(), queued(1, stop_message()))


@pytest.mark.parametrize(
    ("mode", "kind"), [("full", "full"), ("read_only", "read_only"), ("broken", "io")]
)
async def test_a_bad_disk_refuses_in_sqlite_s_own_words(
    disk: Disk, journal: SqliteJournal, mode: str, kind: str
) -> None:
    """Nothing of a refused commit is there; once the disk is well, all of the next one is."""
    disk.set(mode, 0.0)
    with pytest.raises(JournalFailed) as failed:
        await journal.commit(RECORDS)
    assert failed.value.kind == kind
    assert await journal.read_outbox(0, 10) == ()
    disk.set("ok", 0.0)
    await journal.commit(RECORDS)
    assert len(await journal.read_outbox(0, 10)) == 1


async def test_a_slow_sync_holds_the_commit_until_it_is_over(
    disk: Disk, journal: SqliteJournal
) -> None:
    """Nobody is told before; a disk that gets well lets go who waits."""
    disk.set("ok", LATE_S)
    commit = asyncio.ensure_future(journal.commit(RECORDS))
    done, _ = await asyncio.wait([commit], timeout=0.1)
    assert not done
    disk.set("ok", 0.0)
    await asyncio.wait_for(commit, LATE_S / 4)
