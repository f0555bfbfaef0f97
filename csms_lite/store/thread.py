"""One SQLite connection in a thread of its own, with SQLAlchemy Core on top of it.

aiosqlite owns the thread; whole functions are run in it in one hop, because a hop per statement
costs more than the statement (measured: 45 µs against 4 µs). aiosqlite offers no public way to
do that: this module holds the one private call, `Connection._execute`.

With two or more connections to a WAL database only one may checkpoint (SQLite before 3.51.3 can
reset the log under a second checkpointer): readers open the file with `mode=ro`, which cannot.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, TypeVar
from urllib.parse import quote

import aiosqlite
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool

T = TypeVar("T")

BUSY_MS: Final = 5000  # only a backup or a curious shell can hold the file that long
WRITER_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    f"PRAGMA busy_timeout = {BUSY_MS}",
)
_RAW: Final = "raw"  # execution option that carries the handle: asking the pool costs 1.4 µs
READER_PRAGMAS: Final = ("PRAGMA query_only = ON", f"PRAGMA busy_timeout = {BUSY_MS}")


class Database(Protocol):
    """A database connection that runs whole functions where it lives."""

    async def run(self, job: Callable[[Connection], T]) -> T:
        """Run *job* with the connection, in its thread; a cancelled caller does not stop it."""
        ...

    async def close(self) -> None:
        """Finish what was asked, then close."""
        ...


class OpenDatabase(Protocol):
    """How the store gets its connections; tests pass one that fails on purpose."""

    async def __call__(self, path: Path, *, read_only: bool) -> Database: ...


class SqliteThread:
    """An aiosqlite connection and the SQLAlchemy connection that wraps the same handle."""

    def __init__(self, connection: aiosqlite.Connection, wrapped: Connection) -> None:
        self._connection = connection
        self._wrapped = wrapped

    async def run(self, job: Callable[[Connection], T]) -> T:
        """Run *job* in the connection's thread, in one hop."""
        return await _hop(self._connection, lambda: job(self._wrapped))

    async def close(self) -> None:
        """Close the file; the last connection folds the log into it."""
        await _hop(self._connection, self._unwrap)
        await self._connection.close()

    def _unwrap(self) -> None:
        self._wrapped.close()
        self._wrapped.engine.dispose()


async def open_database(path: Path, *, read_only: bool) -> SqliteThread:
    """Open the SQLite file at *path*; a writer creates it if need be.

    Raises `sqlite3.Error` when the file cannot be opened or is no database.
    """
    mode = "ro" if read_only else "rwc"
    address = f"file:{quote(str(path))}?mode={mode}"
    connection = aiosqlite.connect(address, uri=True, isolation_level=None)
    try:
        await connection
    except sqlite3.Error:
        connection._thread.join()  # noqa: SLF001  # it ends by itself, perhaps after our loop
        raise

    return await wrapped(connection, read_only=read_only)


async def open_beside(path: Path, *, read_only: bool) -> SqliteThread:
    """Open the SQLite file beside a process that may have it open: leave its log to that one.

    Raises `sqlite3.Error` as `open_database`.
    """
    thread = await open_database(path, read_only=read_only)

    def leave_the_log(db: Connection) -> None:
        raw_of(db).execute("PRAGMA wal_autocheckpoint = 0")

    await thread.run(leave_the_log)
    return thread


async def wrapped(connection: aiosqlite.Connection, *, read_only: bool) -> SqliteThread:
    """Prepare an open *connection* and put SQLAlchemy around it; closes it when that fails."""

    def wrap() -> Connection:
        raw = raw_of_aiosqlite(connection)
        for pragma in READER_PRAGMAS if read_only else WRITER_PRAGMAS:
            raw.execute(pragma)
        engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
        return engine.connect().execution_options(**{_RAW: raw})

    try:
        return SqliteThread(connection, await _hop(connection, wrap))
    except sqlite3.Error:
        await connection.close()
        raise


def raw_of(db: Connection) -> sqlite3.Connection:
    """Give the driver's own connection under *db*; only inside its thread."""
    raw: sqlite3.Connection = db.get_execution_options()[_RAW]
    return raw


def raw_of_aiosqlite(connection: aiosqlite.Connection) -> sqlite3.Connection:
    """Give the handle that aiosqlite opened in its thread."""
    return connection._conn  # noqa: SLF001  # the private name this module exists to hide


async def _hop(connection: aiosqlite.Connection, job: Callable[[], T]) -> T:
    result: T = await connection._execute(job)  # type: ignore[no-untyped-call]  # noqa: SLF001  # the private call this module exists to hide
    return result
