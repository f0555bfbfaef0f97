"""The journal when something fails: all of a step or nothing of it, and it says which."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from pathlib import Path

import aiosqlite
import pytest

from edge.core.records import (
    Alive,
    ConfigurationChanged,
    ListChanged,
    ListedTag,
    Record,
    TagCached,
)
from edge.drivers.journal import open_journal
from edge.errors import JournalFailed
from tests.drivers.test_journal import (
    ACCEPTED,
    at,
    kept,
    opened,
    queued,
    samples,
    start_message,
    stop_message,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite3"


async def test_a_failing_row_takes_the_whole_commit_back(path: Path) -> None:
    """All of a step or nothing of it."""
    async with open_journal(path) as journal:
        await journal.commit([opened(), queued(1, start_message())])
        with pytest.raises(JournalFailed) as failed:
            await journal.commit([opened(2), Alive(at=at(9)), queued(1, samples())])
        assert failed.value.kind == "other"
        assert [saved.opened.ref for saved in (await journal.load()).transactions] == [1]
        await journal.commit([opened(2)])
    assert (await kept(path)).last_ref == 2


async def test_a_full_disk_is_named_and_heals(path: Path) -> None:
    """`JournalFailed.kind` tells the operator what to do; the same commit goes through later."""
    async with open_journal(path) as journal:
        database = journal._database
        await database.execute("PRAGMA max_page_count = 16")
        bulk: list[Record] = [opened(), *(queued(seq, stop_message()) for seq in range(1, 200))]
        with pytest.raises(JournalFailed) as failed:
            await journal.commit(bulk)
        assert failed.value.kind == "full"
        await database.execute("PRAGMA max_page_count = 100000")
        await journal.commit(bulk)
        assert (await journal.load()).outbox_count == 199


async def test_a_read_only_disk_is_named_and_heals(path: Path) -> None:
    """Issue 4.8: the operator remounts it, and what waited is written."""
    async with open_journal(path) as journal:
        await journal._database.execute("PRAGMA query_only = ON")
        with pytest.raises(JournalFailed) as failed:
            await journal.commit([opened()])
        assert failed.value.kind == "read_only"
        await journal._database.execute("PRAGMA query_only = OFF")
        await journal.commit([opened()])
    assert (await kept(path)).last_ref == 1


async def test_an_error_of_the_disk_is_named_and_heals(path: Path) -> None:
    """Issue 4.8: the kernel itself refuses the write, nothing of it is half there."""
    async with open_journal(path) as journal:
        await journal.commit([opened()])
        log = descriptor_of(f"{path}-wal")
        working, broken = os.dup(log), os.open(path, os.O_RDONLY)
        os.dup2(broken, log)
        with pytest.raises(JournalFailed) as failed:
            await journal.commit([opened(2)])
        assert failed.value.kind == "io"
        os.dup2(working, log)
        await journal.commit([opened(2)])
        for each in (working, broken):
            os.close(each)
    assert (await kept(path)).last_ref == 2


def descriptor_of(name: str) -> int:
    """Ours for the open file *name*."""
    open_files = Path("/proc/self/fd").iterdir()
    return next(int(each.name) for each in open_files if os.path.realpath(each) == name)


async def test_a_cancelled_commit_still_happens(path: Path) -> None:
    """A job that began cannot be taken back: nobody may act as if it had been."""
    entered, leave = threading.Event(), threading.Event()

    def blocking_open(place: Path) -> aiosqlite.Connection:
        return aiosqlite.connect(place, isolation_level=None)

    async with open_journal(path, open_database=blocking_open) as journal:

        def block(_connection: sqlite3.Connection) -> None:
            entered.set()
            leave.wait(5)

        async with asyncio.TaskGroup() as group:
            stall = group.create_task(journal._in_thread(block))
            await asyncio.get_running_loop().run_in_executor(None, entered.wait, 5)
            commit = group.create_task(journal.commit([opened(3)]))
            await asyncio.sleep(0)
            commit.cancel()
            leave.set()
            await stall
        assert commit.cancelled()
        assert (await journal.load()).last_ref == 3


async def test_forgetting_keeps_what_it_is_told_to_keep(path: Path) -> None:
    """`reset_state keep=[…]` of the simulated bay."""
    key = ConfigurationChanged(key="HeartbeatInterval", value="10")
    async with open_journal(path) as journal:
        await journal.commit([key, TagCached(id_tag="a", info=ACCEPTED, at=at(1))])
        await journal.forget(keep=["configuration"])
        saved = await journal.load()
    assert saved.configuration == (key,)
    assert saved.cache == ()


async def test_a_disk_that_takes_no_list_takes_all_else(path: Path) -> None:
    """`fail.locallist` of the bay: SQLite itself refuses, the whole commit is taken back."""
    change = ListChanged(version=3, anew=True, entries=(ListedTag(id_tag="a", info=ACCEPTED),))
    async with open_journal(path) as journal:
        await journal.refuse_lists(refuse=True)
        with pytest.raises(JournalFailed, match="takes no list"):
            await journal.commit([Alive(at=at(9)), change])
        await journal.commit([Alive(at=at(3))])
        (alive,) = (await journal.load()).lives
        assert alive == at(3)
        await journal.refuse_lists(refuse=False)
        await journal.commit([change])
    assert (await kept(path)).list_version == 3


async def test_a_disk_that_does_not_answer_is_a_failed_journal(tmp_path: Path) -> None:
    """Whatever the kernel says of it, new sessions are refused and the process lives."""
    place = tmp_path / "state"
    async with open_journal(place / "journal.sqlite3") as journal:
        assert await journal.free_bytes() > 0
        place.rename(tmp_path / "gone")
        with pytest.raises(JournalFailed) as failed:
            await journal.free_bytes()
        (tmp_path / "gone").rename(place)
    assert failed.value.kind == "io"
