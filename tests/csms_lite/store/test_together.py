"""Verbs for many: one call for all that wait in a row, and each item's fate its own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest_asyncio
from sqlalchemy import Connection, insert, select

from csms_lite.clock import SystemClock
from csms_lite.errors import NotFound, StoreFailed, VerbFailed
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import epochs
from csms_lite.store.thread import open_database
from csms_lite.store.writer import MAX_VERBS_PER_COMMIT, Store, open_store

ADD = Prepared(insert(epochs))
ALL = Prepared(select(epochs.c.epoch).order_by(epochs.c.epoch))
REFUSED, LOST, BROKEN = 13, 14, 15
"""Items that the verb refuses, to which it gives no answer, and at which the disk fails."""


class Book:
    """A verb for many that keeps numbers, and what it was called with."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []

    def keep(self, db: Connection, items: Sequence[int], by: int = 10) -> list[int]:
        """Store the items, those before a refused one too; answers each with *by* times it."""
        self.calls.append(list(items))
        for item in items:
            if item == REFUSED:
                raise NotFound("no such thing")
            if item == BROKEN:
                raise sqlite3.OperationalError("disk I/O error")
            ADD.run(db, epoch=item, started_at_ms=1)
        return [item * by for item in items if item != LOST]


def one(db: Connection, item: int) -> int:
    ADD.run(db, epoch=item, started_at_ms=1)
    return item


def stored(db: Connection) -> list[int]:
    return [number for (number,) in ALL.rows(db)]


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    path = tmp_path / "csms.db"
    async with open_store(path, clock=SystemClock(), open_database=open_database) as opened:
        yield opened


async def test_what_waits_in_a_row_is_one_call(store: Store) -> None:
    """Each gets its own answer, and a commit still holds no more than it may."""
    book = Book()
    count = MAX_VERBS_PER_COMMIT + 6
    answers = await asyncio.gather(
        *(store.do_together(book.keep, n) for n in range(100, 100 + count))
    )
    assert answers == [number * 10 for number in range(100, 100 + count)]
    assert [len(items) for items in book.calls] == [MAX_VERBS_PER_COMMIT, 6]


async def test_the_order_stays(store: Store) -> None:
    """What is asked in between is done in between; other arguments are another call."""
    book = Book()
    await asyncio.gather(
        store.do_together(book.keep, 1),
        store.do_together(book.keep, 2),
        store.do(one, 3),
        store.do_together(book.keep, 4),
        store.do_together(book.keep, 5, by=7),
    )
    assert book.calls == [[1, 2], [4], [5]]
    assert await store.read(stored) == [1, 2, 3, 4, 5]


async def test_one_that_is_refused_is_refused_alone(store: Store) -> None:
    """Its neighbours in the call are done without it, once each, whatever stood beside them."""
    for first, beside in ((100, False), (200, True)):
        book = Book()
        asked = [store.do_together(book.keep, n) for n in (first, REFUSED, first + 1)]
        answers = await asyncio.gather(
            *asked, *([store.do(one, first + 2)] if beside else []), return_exceptions=True
        )
        assert [type(answer) for answer in answers[:3]] == [int, NotFound, int]
        assert book.calls == [[first, REFUSED, first + 1], [first], [REFUSED], [first + 1]]
    assert await store.read(stored) == [100, 101, 200, 201, 202]


async def test_a_single_one_that_is_refused_leaves_nothing(store: Store) -> None:
    """Alone in its transaction as well; the next finds the store as it was."""
    book = Book()
    [answer] = await asyncio.gather(store.do_together(book.keep, REFUSED), return_exceptions=True)
    assert type(answer) is NotFound
    assert await store.do_together(book.keep, 1) == 10
    assert await store.read(stored) == [1]


async def test_an_answer_that_is_missing_is_a_bug_of_its_item(store: Store) -> None:
    """Nobody gets the answer of his neighbour."""
    book = Book()
    answers = await asyncio.gather(
        *(store.do_together(book.keep, n) for n in (1, LOST, 2)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [int, VerbFailed, int]
    assert await store.read(stored) == [1, 2]


async def test_a_disk_that_refuses_fails_all_of_them(store: Store) -> None:
    """It is nobody's own trouble, and none is tried alone."""
    book = Book()
    answers = await asyncio.gather(
        *(store.do_together(book.keep, n) for n in (1, BROKEN, 2)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [StoreFailed] * 3
    assert book.calls == [[1, BROKEN, 2]]
    assert await store.read(stored) == []
