"""SQLite without its thread: jobs in order, done at one moment and told at a later one.

The databases are real files, in memory (tmpfs) or wherever the caller has them. What a power cut
does to a disk is not modelled here but in `tests/disk`: a commit that was done stays, and the life
that asked for it may be over before it hears of it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeVar, cast

import aiosqlite

from tests.world.life import Life

T = TypeVar("T")


@dataclass(kw_only=True)
class Disk:
    """The disk of one node, over all its lives; *wrote* hears of every commit.

    *latency_s* is the most that a job takes, each way. While `fails`, SQLite refuses every write.
    With `falls`, the process dies right after its next commit, before it can know, as soon as
    *may_fall* allows.
    """

    chance: Random
    latency_s: float
    wrote: Callable[[str, int], None]
    may_fall: Callable[[], bool] = lambda: True
    fails: bool = False
    falls: bool = False
    fell: int = 0

    def attach(self, path: str | Path, life: Life, *, uri: bool = False) -> aiosqlite.Connection:
        """Open the file for *life*, with the shape that aiosqlite gives it."""
        raw = sqlite3.connect(path, isolation_level=None, timeout=0.0, uri=uri)
        return cast("aiosqlite.Connection", _Connection(self, raw, life))


class _Connection:
    """What the journal and the store use of `aiosqlite.Connection`."""

    def __init__(self, disk: Disk, raw: sqlite3.Connection, life: Life) -> None:
        self._conn = raw
        self._disk = disk
        self._life = life
        self._loop = asyncio.get_running_loop()
        self._free_at = 0.0
        life.at_death(raw.close)

    async def _execute(self, job: Callable[..., T], *args: Any) -> T:
        told: asyncio.Future[T] = self._loop.create_future()
        disk = self._disk
        begins_at = self._loop.time()
        if disk.latency_s:
            begins_at += disk.latency_s * disk.chance.random() ** 4  # mostly quick, at times not
        begins_at = max(begins_at, self._free_at)
        self._free_at = begins_at
        self._loop.call_at(begins_at, self._do, lambda: job(*args), told)
        return await told

    async def close(self) -> None:
        """Close in good order; a dead process closes nothing."""
        if self._life.is_alive:
            await self._execute(self._conn.close)

    def _do(self, job: Callable[[], T], told: asyncio.Future[T]) -> None:
        if not self._life.is_alive:
            return
        disk, raw = self._disk, self._conn
        before = raw.total_changes
        answer: T | None = None
        failure: BaseException | None = None
        if disk.fails:
            raw.execute("PRAGMA query_only = ON")
        try:
            answer = job()
        except Exception as error:  # noqa: BLE001  whoever asked gets it, whatever it is
            failure = error
        if _is_closed(raw):
            told.set_result(cast("T", answer))
            return
        if disk.fails:
            raw.execute("PRAGMA query_only = OFF")
        changes = raw.total_changes - before
        if changes:
            disk.wrote(self._life.name, changes)
            if disk.falls and disk.may_fall():
                disk.falls = False
                disk.fell += 1
                self._life.die()
                return
        late_s = disk.latency_s * disk.chance.random() ** 4 if disk.latency_s else 0.0
        if not late_s:
            _tell(told, answer, failure)
            return
        self._free_at = self._loop.time() + late_s
        self._loop.call_at(self._free_at, _tell, told, answer, failure)


def _is_closed(raw: sqlite3.Connection) -> bool:
    """Whether the job was the last one."""
    try:
        raw.total_changes  # noqa: B018  asking is all
    except sqlite3.ProgrammingError:
        return True
    return False


def _tell(told: asyncio.Future[Any], answer: Any, failure: BaseException | None) -> None:
    if told.done():
        return
    if failure is None:
        told.set_result(answer)
    else:
        told.set_exception(failure)
