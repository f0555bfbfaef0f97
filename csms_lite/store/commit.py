"""One transaction for many verbs: each undone alone, all on the disk together or not at all.

Runs in the thread of the writing connection; the queue before it is `csms_lite.store.writer`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import groupby
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from csms_lite.clock import Clock
from csms_lite.errors import CsmsError, VerbFailed
from csms_lite.store.thread import raw_of

_ALONE: Final = object()
"""Stands where a verb is for one caller and takes no item."""


class Job:
    """One waiting verb and the caller who waits for it; with an *item*, the verb is for many."""

    __slots__ = ("answer", "args", "error", "future", "item", "kwargs", "took_s", "verb")

    def __init__(
        self,
        verb: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        item: Any = _ALONE,
    ) -> None:
        self.verb = verb
        self.args = args
        self.kwargs = kwargs
        self.item = item
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.answer: Any = None
        self.error: BaseException | None = None
        self.took_s = 0.0

    @property
    def name(self) -> str:
        """Name the verb for the log."""
        return str(getattr(self.verb, "__qualname__", self.verb))

    def settle(self, error: BaseException | None) -> None:
        """Release the caller, unless it has gone."""
        if self.future.done():
            return
        if error is None:
            self.future.set_result(self.answer)
        elif isinstance(error, CsmsError):
            self.future.set_exception(error)
        else:
            failure = VerbFailed(f"{self.name} failed: {error!r}")
            failure.__cause__ = error
            self.future.set_exception(failure)


class _Savepoint:
    """Undo a verb that raises, and keep its *error* for its callers alone.

    A failure of the database itself is not the verb's: it goes on and fails the whole commit.
    A verb that *is_alone* in its transaction is undone with it: of each page that changes after a
    SAVEPOINT SQLite keeps a copy, beyond 64 KiB in a file.
    """

    __slots__ = ("_is_alone", "_raw", "error")

    def __init__(self, raw: sqlite3.Connection, *, is_alone: bool) -> None:
        self._raw = raw
        self._is_alone = is_alone
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        if not self._is_alone:
            self._raw.execute("SAVEPOINT verb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if error is not None and (not isinstance(error, Exception) or _is_of_the_disk(error)):
            return False
        if self._is_alone:
            if error is not None:
                self._raw.execute("ROLLBACK")
                self._raw.execute("BEGIN IMMEDIATE")
        else:
            if error is not None:
                self._raw.execute("ROLLBACK TO verb")
            self._raw.execute("RELEASE verb")
        self.error = error
        return True


def _is_of_the_disk(error: Exception) -> bool:
    """Tell a passing failure of the store from a bug that meets one verb every time.

    A wrong statement must not fail its 63 neighbours for ever, each time its message comes again.
    """
    if isinstance(error, DBAPIError):
        return not isinstance(error, IntegrityError)
    if isinstance(error, sqlite3.OperationalError):
        code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR)
        return code & 0xFF != sqlite3.SQLITE_ERROR
    return isinstance(error, (sqlite3.Error, MemoryError)) and not isinstance(
        error, (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError)
    )


def commit_together(
    jobs: Sequence[Job], clock: Clock, done: Callable[[], None], db: Connection
) -> None:
    """Run what is asked, each undone alone if it raises, and commit; raises what the disk says.

    *done* is called when all have run, before the COMMIT.
    """
    raw = raw_of(db)
    try:
        raw.execute("BEGIN IMMEDIATE")
        before = clock.monotonic()
        steps = _steps(jobs)
        for step in steps:
            _run(step, raw, db, is_alone=len(steps) == 1)
            after = clock.monotonic()
            for job in step:
                job.took_s = (after - before) / len(step)
            before = after
        done()
        raw.execute("COMMIT")
    finally:
        done()
        with suppress(sqlite3.Error):  # only after a failure is there anything left to undo
            raw.rollback()
        db.rollback()


def _steps(jobs: Sequence[Job]) -> list[list[Job]]:
    """Put together what waits in a row for the same verb for many; the order stays."""
    return [list(step) for _, step in groupby(jobs, key=_kind)]


def _kind(job: Job) -> object:
    return job if job.item is _ALONE else (job.verb, job.args, job.kwargs)


def _run(step: Sequence[Job], raw: sqlite3.Connection, db: Connection, *, is_alone: bool) -> None:
    """Run one verb for all its callers; one for many that fails, once more for each of them."""
    first, *others = step
    with _Savepoint(raw, is_alone=is_alone) as savepoint:
        if first.item is _ALONE:
            answers = [first.verb(db, *first.args, **first.kwargs)]
        else:
            answers = first.verb(db, [job.item for job in step], *first.args, **first.kwargs)
        for job, answer in zip(step, answers, strict=True):
            job.answer = answer
    if savepoint.error is None:
        return
    if not others:
        first.error = savepoint.error
        return
    for job in step:
        _run([job], raw, db, is_alone=False)
