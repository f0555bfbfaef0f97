"""The store: one transaction per verb, one commit for all that wait, no answer before it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Connection, func, insert, select

from csms_lite.clock import SystemClock
from csms_lite.errors import NotFound, StoreFailed, VerbFailed
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import connectors, epochs
from csms_lite.store.thread import open_database, raw_of
from csms_lite.store.writer import MAX_WAITING, Store, open_store
from tests.csms_lite.central import Disk

ADD = Prepared(insert(epochs).values(started_at_ms=1).returning(epochs.c.epoch))
COUNT = Prepared(select(func.count()).select_from(epochs))


def add(db: Connection) -> int:
    row = ADD.one(db)
    assert row is not None
    return int(row[0])


def add_and_raise(db: Connection, error: Exception) -> None:
    add(db)
    raise error


def count(db: Connection) -> int:
    row = COUNT.one(db)
    assert row is not None
    return int(row[0])


def orphan(db: Connection) -> None:
    """Write what only the COMMIT finds wrong."""
    raw_of(db).execute("PRAGMA defer_foreign_keys = ON")
    db.execute(
        insert(connectors).values(
            station_id=99,
            connector=1,
            status="Available",
            error_code="NoError",
            since_ms=0,
            received_at_ms=0,
        )
    )


@pytest_asyncio.fixture
async def disk() -> Disk:
    return Disk()


@pytest_asyncio.fixture
async def store(tmp_path: Path, disk: Disk) -> AsyncIterator[Store]:
    async with open_store(tmp_path / "csms.db", clock=SystemClock(), open_database=disk) as opened:
        yield opened


async def test_a_verb_answers_what_it_stored(store: Store) -> None:
    """Readers see a verb's rows as soon as it has answered."""
    assert await store.do(add) == 1
    assert await store.read(count) == 1


async def test_a_raising_verb_is_undone_alone(store: Store) -> None:
    """Verbs that share a commit do not share a fate."""
    answers = await asyncio.gather(
        store.do(add),
        store.do(add_and_raise, NotFound("no such thing")),
        store.do(add),
        store.do(add_and_raise, KeyError("a bug")),
        store.do(add),
        return_exceptions=True,
    )
    assert [type(one) for one in answers] == [int, NotFound, int, VerbFailed, int]
    assert await store.read(count) == 3


async def test_a_constraint_is_the_verbs_own_trouble(store: Store) -> None:
    """A violated constraint is a bug of one verb, not of the disk."""

    def twice(db: Connection) -> None:
        for _ in range(2):
            raw_of(db).execute("INSERT INTO epochs (epoch, started_at_ms) VALUES (7, 1)")

    answers = await asyncio.gather(store.do(twice), store.do(add), return_exceptions=True)
    assert [type(one) for one in answers] == [VerbFailed, int]


async def test_a_wrong_statement_is_the_verbs_own_trouble(store: Store) -> None:
    """It would fail each time it is tried again, and its neighbours' commits with it."""

    def wrong(db: Connection) -> None:
        raw_of(db).execute("SELECT sum(9223372036854775807) FROM (VALUES (1), (2))").fetchall()

    answers = await asyncio.gather(store.do(wrong), store.do(add), return_exceptions=True)
    assert [type(one) for one in answers] == [VerbFailed, int]


async def test_a_lack_of_memory_is_nobodys_own_trouble(store: Store) -> None:
    """It passes, and is no reason to ever refuse a message."""
    answers = await asyncio.gather(
        store.do(add), store.do(add_and_raise, MemoryError()), return_exceptions=True
    )
    assert [type(one) for one in answers] == [StoreFailed] * 2
    assert await store.do(add) == 1


async def test_verbs_that_wait_share_one_hop(tmp_path: Path) -> None:
    """One hundred waiting verbs need two commits of at most 64, not one hundred."""
    disk = Disk()
    async with open_store(tmp_path / "csms.db", clock=SystemClock(), open_database=disk) as store:
        before = disk.writer.hops
        await asyncio.gather(*(store.do(add) for _ in range(100)))
        assert disk.writer.hops - before == 2


async def test_a_failed_commit_answers_nobody(store: Store) -> None:
    """What the COMMIT refuses was promised to no one, not even by the verbs that did well."""
    answers = await asyncio.gather(
        store.do(add), store.do(orphan), store.do(add), return_exceptions=True
    )
    assert [type(one) for one in answers] == [StoreFailed] * 3
    assert await store.read(count) == 0
    assert await store.do(add) == 1


async def test_a_disk_that_refuses_fails_the_whole_commit(store: Store, disk: Disk) -> None:
    """A read-only disk is nobody's own trouble; when it is mended all goes on."""
    await disk.writer.break_now()
    answers = await asyncio.gather(store.do(add), store.do(add), return_exceptions=True)
    assert [type(one) for one in answers] == [StoreFailed] * 2
    await disk.writer.mend()
    assert await store.do(add) == 1


async def test_a_cancelled_caller_does_not_cancel_its_verb(store: Store) -> None:
    """A verb under way is committed whoever still waits, and harms none of its neighbours."""
    impatient = asyncio.ensure_future(store.do(add))
    patient = asyncio.ensure_future(store.do(add))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == 2
    assert await store.read(count) == 2


async def test_what_waits_at_the_end_is_still_stored(tmp_path: Path) -> None:
    """Closing drains: accepted verbs are committed, later ones refused."""
    path = tmp_path / "csms.db"
    async with open_store(path, clock=SystemClock(), open_database=open_database) as store:
        waiting = [asyncio.ensure_future(store.do(add)) for _ in range(200)]
        await asyncio.sleep(0)
        store.stop_accepting()
        with pytest.raises(StoreFailed, match="shutting down"):
            await store.do(add)
    assert [one.result() for one in waiting] == list(range(1, 201))


async def test_a_queue_that_grows_without_end_is_refused(store: Store) -> None:
    """A stalled disk must not fill the memory: beyond the bound callers are told at once."""
    waiting = [asyncio.ensure_future(store.do(add)) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(StoreFailed, match="wait for the disk"):
        await store.do(add)
    await asyncio.gather(*waiting)
    assert await store.read(count) == MAX_WAITING


async def test_readers_cannot_write(store: Store) -> None:
    """Pages read; only the one writer writes."""
    with pytest.raises(StoreFailed):
        await store.read(add)


async def test_a_directory_that_is_not_there_is_said_in_one_sentence(tmp_path: Path) -> None:
    """The installer learns what to check."""
    with pytest.raises(StoreFailed, match="may write to"):
        async with open_store(
            tmp_path / "no" / "csms.db", clock=SystemClock(), open_database=open_database
        ):
            pass


async def test_the_writer_is_durable(store: Store) -> None:
    """An answer is on the disk: write-ahead log, every commit synced, foreign keys kept."""

    def pragmas(db: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [raw_of(db).execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert await store.do(pragmas) == ["wal", 2, 1]


def test_a_prepared_statement_wants_all_its_values() -> None:
    """A forgotten value is an error, not a silent NULL."""
    from csms_lite.people import sql

    with pytest.raises(KeyError, match="tag_key"):
        sql.find._bind({})


async def test_coming_round_waits_for_the_writing_thread(store: Store) -> None:
    """What feeds the watchdog stops when the thread that writes does."""
    gate = threading.Event()

    def hang(_db: Connection) -> None:
        assert gate.wait(10)

    hanging = asyncio.ensure_future(store.do(hang))
    round_ = asyncio.ensure_future(store.come_round())
    await store.read(count)
    assert not round_.done()
    gate.set()
    await round_
    await hanging


async def test_coming_round_needs_no_disk_that_takes_anything(disk: Disk, store: Store) -> None:
    """A full disk is no hang: to be killed for it would mend nothing."""
    await disk.writer.break_now()
    with pytest.raises(StoreFailed):
        await store.do(add)
    await store.come_round()
    store.stop_accepting()
    await store.come_round()
