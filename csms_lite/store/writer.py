"""The store: verbs in, answers out, many verbs per commit.

A *verb* is a plain synchronous function `verb(db, …) -> answer` that is one transaction: it
awaits nothing and does no I/O but through *db*. All verbs that wait when a commit ends run in
one hop in the writing connection's thread, with one COMMIT for all; answers are released after it.
A verb that raises is undone alone. A COMMIT that fails fails every verb in it: nobody is told what
is not on the disk (ruling 6).

A cancelled caller does not cancel its verb: verbs are idempotent or their effect is wanted.

A verb of the form `verb(db, items, …) -> answers` is *for many*: those that wait in a row are one
call with all their items (`Store.do_together`). If it raises, each item is done alone.

What must never slow money has a store of its own, on its own file (`csms_lite.messages`).
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from csms_lite.clock import Clock
from csms_lite.errors import StoreFailed
from csms_lite.store.commit import Job, commit_together
from csms_lite.store.migrate import migrate
from csms_lite.store.thread import Database, OpenDatabase, raw_of

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")

MAX_VERBS_PER_COMMIT: Final = 64  # bounds how long one answer waits for its neighbours' work
MAX_WAITING: Final = 4096  # four per station at 1000 stations; beyond it new callers are refused
READERS: Final = 2  # a slow page must not stop the drivers' page
STAND_ASIDE_S: Final = 0.005  # 64 messages take three milliseconds
VERB_BUDGET_S: Final = 0.005  # longer ones hold up 63 others
COMMIT_BOUNDS_S: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)
"""Upper bounds of the classes in which the time of commits is counted."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Counts:
    """What a store did since it was opened, for the metrics."""

    verbs: int = 0
    commits: int = 0
    failed_commits: int = 0
    commit_s: float = 0.0
    by_time: list[int] = field(default_factory=lambda: [0] * len(COMMIT_BOUNDS_S))
    """Commits that took at most each of `COMMIT_BOUNDS_S`."""

    def committed(self, verbs: int, took_s: float) -> None:
        """Count one commit."""
        self.verbs += verbs
        self.commits += 1
        self.commit_s += took_s
        for place, bound in enumerate(COMMIT_BOUNDS_S):
            self.by_time[place] += took_s <= bound


class Store:
    """One writing connection with its queue, and the readers; made by `open_store`."""

    def __init__(
        self,
        writer: Database,
        readers: list[Database],
        clock: Clock,
        *,
        max_verbs: int,
        verb_budget_s: float,
    ) -> None:
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._max_verbs = max_verbs
        self._verb_budget_s = verb_budget_s
        self._waiting: deque[Job] = deque()
        self._bell = asyncio.Event()
        self._done = threading.Event()
        self._closing = False
        self._told: list[Callable[[], None]] = []
        self.counts = Counts()
        self._idle_readers: asyncio.Queue[Database] = asyncio.Queue()
        for reader in readers:
            self._idle_readers.put_nowait(reader)

    @property
    def is_open(self) -> bool:
        """Whether new verbs are taken."""
        return not self._closing

    @property
    def waiting(self) -> int:
        """How many verbs wait for a commit."""
        return len(self._waiting)

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Have *tell* called after each commit; it only rings a bell."""
        self._told.append(tell)

    async def do(
        self, verb: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run *verb* as one transaction and give its answer once that is on the disk.

        Raises what the verb raised if it is a `CsmsError`, `VerbFailed` from anything else, and
        `StoreFailed` when the transaction could not be stored.
        """
        answer: T = await self._ask(Job(verb, args, kwargs))
        return answer

    async def do_together(
        self,
        verb: Callable[Concatenate[Connection, Sequence[S], P], Sequence[T]],
        item: S,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run *verb* for *item* and for those of others that wait beside it with the same *args*.

        It gives an answer for each item, in their order. Raises as `do`.
        """
        answer: T = await self._ask(Job(verb, args, kwargs, item=item))
        return answer

    async def read(
        self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run *query* on a read-only connection, on one consistent snapshot."""
        reader = await self._idle_readers.get()
        try:
            return await reader.run(partial(_snapshot, lambda db: query(db, *args, **kwargs)))
        except (sqlite3.Error, DBAPIError) as failure:
            raise StoreFailed(f"the database cannot be read: {failure}") from failure
        finally:
            self._idle_readers.put_nowait(reader)

    async def come_round(self) -> None:
        """Return when the writing thread has had a turn, whether or not the disk takes anything."""
        with suppress(StoreFailed):
            await self.do(_nothing)

    async def write_on(self) -> None:
        """Commit what waits until the store closes; run as a task by `open_store`."""
        while self._waiting or not self._closing:
            await self._bell.wait()
            self._bell.clear()
            while self._waiting:
                count = min(len(self._waiting), self._max_verbs)
                await self._commit([self._waiting.popleft() for _ in range(count)])

    def stop_accepting(self) -> None:
        """Refuse new verbs from now on; what waits is still committed."""
        self._closing = True
        self._bell.set()

    async def close(self) -> None:
        """Close the connections, the writer last so that it folds the log into the file."""
        for database in (*self._readers, self._writer):
            await database.close()

    def _ask(self, job: Job) -> asyncio.Future[Any]:
        if self._closing:
            raise StoreFailed("the central system is shutting down: send it again later")
        if len(self._waiting) >= MAX_WAITING:
            raise StoreFailed(f"{MAX_WAITING} transactions wait for the disk: send it again later")
        self._waiting.append(job)
        self._bell.set()
        return job.future

    async def _run(self, jobs: list[Job]) -> None:
        """Run verbs in the writing thread, and stand aside while they run, not while they commit.

        Two threads that fight for the interpreter cost each other a tenth; a verb that waits for
        something else, a lock or a page from the disk, is left alone after a moment.
        """
        self._done.clear()
        asyncio.get_running_loop().call_soon(self._done.wait, STAND_ASIDE_S)  # once it is there
        await self._writer.run(partial(commit_together, jobs, self._clock, self._done.set))

    async def _commit(self, jobs: list[Job]) -> None:
        began = self._clock.monotonic()
        try:
            await self._run(jobs)
        except (sqlite3.Error, DBAPIError, MemoryError) as failure:
            self.counts.failed_commits += 1
            log.warning("commit_failed", verbs=len(jobs), error=str(failure))
            for job in jobs:
                job.settle(StoreFailed(f"the database did not take it: {failure}"))
            return
        self.counts.committed(len(jobs), self._clock.monotonic() - began)
        for job in jobs:
            if job.took_s > self._verb_budget_s:
                log.warning("verb_was_slow", verb=job.name, took_ms=round(job.took_s * 1000, 1))
            job.settle(job.error)
        for tell in self._told:
            tell()


@asynccontextmanager
async def open_store(
    path: Path,
    *,
    clock: Clock,
    open_database: OpenDatabase,
    max_verbs: int = MAX_VERBS_PER_COMMIT,
    verb_budget_s: float = VERB_BUDGET_S,
    prepare: Callable[[Connection], None] = migrate,
) -> AsyncIterator[Store]:
    """Open the database at *path*, *prepare* its schema, and write until the block ends.

    Raises `StoreFailed` when it cannot be opened.
    """
    async with (
        AsyncExitStack() as undo
    ):  # a thread left behind would hold up the end of the process
        try:
            writer = await open_database(path, read_only=False)
            undo.push_async_callback(writer.close)
            await writer.run(prepare)
            readers = []
            for _ in range(READERS):
                readers.append(await open_database(path, read_only=True))
                undo.push_async_callback(readers[-1].close)
        except (sqlite3.Error, DBAPIError) as failure:
            raise StoreFailed(
                f"{path} cannot be opened: {failure}. Check that the disk has room and that this "
                f"user may write to {path.parent}"
            ) from failure
        undo.pop_all()
    store = Store(writer, readers, clock, max_verbs=max_verbs, verb_budget_s=verb_budget_s)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(store.write_on(), name="store-writer")
            try:
                yield store
            finally:
                store.stop_accepting()
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None  # the block's own error, not a group around it
    finally:
        await store.close()


def _snapshot(query: Callable[[Connection], T], db: Connection) -> T:
    raw = raw_of(db)
    raw.execute("BEGIN")
    try:
        return query(db)
    finally:
        raw.rollback()
        db.rollback()


def _nothing(_db: Connection) -> None:
    """Write nothing: that it was our turn is what is asked."""
