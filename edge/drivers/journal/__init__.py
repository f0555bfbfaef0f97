"""The durable memory: one SQLite file, one connection, one transaction per commit.

WAL with `synchronous=FULL`: a commit that returned survives a power cut (durability 1.3, 1.5).
The exclusive lock keeps a second process out and spares the shared-memory file; the WAL is never
truncated, because a growing file costs the card more than a reused one. Pages are small: a commit
writes each page that it touches whole, five of them for a sample (20.6 KB with pages of 4 KiB, 8.2
with these, commits 7 s apart). A file that was made with larger ones keeps them.

Quality card: simulated and bench (x86-64, ext4); no field record yet.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

import aiosqlite
import msgspec
import structlog

from edge import wholefile
from edge.core.instant import Instant
from edge.core.records import Queued, Record, TransactionOpened
from edge.core.saved import Saved, SavedTransaction
from edge.core.security_log import SecurityEventLogged
from edge.drivers.journal import erasure, files, rows
from edge.drivers.journal.rows import DeadLetter
from edge.drivers.journal.salvage import salvage
from edge.drivers.journal.statements import STATEMENTS, Statement
from edge.drivers.journal.summary import summary
from edge.errors import ConfigError, JournalFailed

__all__ = [
    "DeadLetter",
    "OpenDatabase",
    "SqliteJournal",
    "open_copy",
    "open_database_with",
    "open_journal",
]

FORGETTABLE: Final = {
    "queue": "outbox",
    "availability": "availability",
    "configuration": "configuration",
    "fallback": "fallback",
    "backoff": "backoff",
    "cache": "cache",
    "cards": "cards",
    "list": "local_list",
    "reservations": "reservations",
    "faults": "faults",
    "profiles": "profiles",
    "jobs": "jobs",
    "roots": "roots",
    "credentials": "credentials",
}
"""What `forget` can empty: the simulated bay's words and their tables."""

T = TypeVar("T")
OpenDatabase = Callable[[Path], Awaitable[aiosqlite.Connection]]

log = structlog.get_logger()


class SqliteJournal:
    """Implements `edge.ports.Journal`; made by `open_journal`."""

    def __init__(self, database: aiosqlite.Connection, path: Path) -> None:
        self.path = path
        self._database = database

    async def load(self) -> Saved:
        """All that a restart needs."""
        return await self._in_thread(rows.load)

    async def commit(self, records: Sequence[Record]) -> None:
        """Write all of *records* or none, on the disk when this returns; raises `JournalFailed`."""
        statements = [
            statement for record in records for statement in STATEMENTS[type(record)](record)
        ]
        await self._in_thread(lambda connection: _commit(connection, statements))

    async def read_outbox(self, after_seq: int, limit: int) -> tuple[Queued, ...]:
        """The oldest waiting messages after *after_seq*."""
        return await self._in_thread(lambda connection: rows.outbox(connection, after_seq, limit))

    async def waiting_of(self, refs: Iterable[int]) -> dict[int, int]:
        """The attempts of each message that waits of the sessions *refs*, by its seq."""
        return await self._in_thread(lambda connection: rows.waiting_of(connection, refs))

    async def dead_letters(self, after_seq: int = 0, limit: int = -1) -> tuple[DeadLetter, ...]:
        """The oldest *limit* parked messages after *after_seq*; -1 means all."""
        return await self._in_thread(
            lambda connection: rows.dead_letters(connection, after_seq, limit)
        )

    async def letters_of_sessions(self, seqs: Iterable[int], limit: int) -> tuple[DeadLetter, ...]:
        """The oldest *limit* of the parked messages *seqs* and the others of their sessions."""
        return await self._in_thread(lambda found: rows.letters_of_sessions(found, seqs, limit))

    async def sessions(self, refs: Iterable[int]) -> tuple[SavedTransaction, ...]:
        """The transactions *refs*, oldest first, as far as they are known."""
        return await self._in_thread(lambda connection: rows.sessions(connection, refs))

    async def lives(self) -> tuple[Instant, ...]:
        """The last sign of life of each boot, oldest first."""
        return await self._in_thread(rows.lives)

    async def guessed(self) -> tuple[TransactionOpened, ...]:
        """The latest sessions that began in a boot which never learnt the time, newest first."""
        return await self._in_thread(rows.guessed)

    async def security_log(self) -> tuple[SecurityEventLogged, ...]:
        """Every line of the security log, oldest first."""
        return await self._in_thread(rows.security_log)

    async def summary(self) -> dict[str, Any]:
        """The journal in short, for diagnostics."""
        return await self._in_thread(summary)

    async def free_bytes(self) -> int:
        """How much can still be written: what is free on the disk, and in the file."""
        return await self._in_thread(_free_bytes)

    async def held(self, names: Sequence[str], after: int = 0) -> dict[str, Any]:
        """All that is known of the card *names*, a page of its sessions after ref *after*."""
        return await self._in_thread(lambda connection: erasure.held(connection, names, after))

    async def unsettled(self, names: Sequence[str]) -> dict[str, int]:
        """How many sessions of the card *names* are still to be billed, and why."""
        return await self._in_thread(lambda connection: erasure.unsettled(connection, names))

    async def mark_erased(self, names: Sequence[str]) -> int:
        """Have `purge` take *names* out of their sessions once these are settled; how many."""
        return await self._in_thread(lambda connection: erasure.mark(connection, names))

    async def purge(self) -> bool:
        """Take out what may go, from the file as well; whether there was any."""
        return await self._in_thread(erasure.purge)

    async def forget(self, keep: Sequence[str] = ()) -> None:
        """Empty the tables of `FORGETTABLE` but those in *keep*: `reset_state` of the bay."""
        tables = [table for word, table in FORGETTABLE.items() if word not in keep]
        statements: list[Statement] = [
            (f"DELETE FROM {table}", ())  # noqa: S608  the names come from the table above
            for table in tables
        ]
        await self._in_thread(lambda connection: _commit(connection, statements))

    async def refuse_lists(self, *, refuse: bool) -> None:
        """Let SQLite refuse every row of a local list from now on: `fail.locallist` of the bay."""
        sql = (
            "CREATE TEMP TRIGGER IF NOT EXISTS no_list BEFORE UPDATE ON counters"
            " WHEN NEW.name = 'list_version'"
            " BEGIN SELECT RAISE(ABORT, 'the simulated disk takes no list'); END"
            if refuse
            else "DROP TRIGGER IF EXISTS no_list"
        )
        await self._in_thread(lambda connection: _commit(connection, [(sql, ())]))

    async def copy_to(self, path: Path) -> Path:
        """Copy the whole file to *path*, as it stands between two commits, which wait."""
        return await self._in_thread(lambda connection: files.copy(connection, path))

    async def check(self) -> str:
        """The first thing that is wrong in the whole file; `ok` if nothing is."""
        return await self._in_thread(
            lambda connection: str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
        )

    async def _in_thread(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run *work* as one job of the connection's thread.

        Shielded: a job that began cannot be taken back, so nobody may believe that it was.
        """
        try:
            return await asyncio.shield(_job(self._database, work))
        except sqlite3.Error as error:
            raise _journal_failed(error) from error
        except OSError as error:
            raise JournalFailed("io", f"the journal's disk does not answer: {error}") from error


@asynccontextmanager
async def open_journal(
    path: Path, *, open_database: OpenDatabase | None = None
) -> AsyncIterator[SqliteJournal]:
    """Open the journal at *path*, making it if it is not there.

    A file that is no sound database is moved aside, never deleted, and what can be read of it is
    brought into a new one.
    Raises `ConfigError` when another process has it open or the place cannot be written.
    """
    opener = open_database or open_database_with(sqlite3.Connection)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mended = path.with_name(path.name + files.MENDED)
    files.finish_replacing(path, mended)
    try:
        database = await _prepared(path, opener)
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise _refusal(path, error) from error
        await _replace_damaged(path, mended, opener, why=str(error))
        database = await _prepared(path, opener)
    try:
        yield SqliteJournal(database, path)
    finally:
        await asyncio.shield(database.close())


@asynccontextmanager
async def open_copy(path: Path) -> AsyncIterator[SqliteJournal]:
    """Open a copy of the journal at *path*, which no process may have open.

    The copy may be mended and brought up to date; the journal stays as it is, on any disk.
    """
    with TemporaryDirectory(prefix="tapwatt-") as place:
        copy = Path(place) / path.name
        for suffix in ("", "-wal"):
            with suppress(FileNotFoundError):
                shutil.copyfile(path.with_name(path.name + suffix), f"{copy}{suffix}")
        async with open_journal(copy) as journal:
            yield journal


def open_database_with(kind: type[sqlite3.Connection]) -> OpenDatabase:
    """Open files as connections of *kind*."""
    return lambda path: _open_database(path, kind)


def _open_database(path: Path, kind: type[sqlite3.Connection]) -> Awaitable[aiosqlite.Connection]:
    # It holds passwords and keys; the WAL takes its mode from the file (SQLite, os_unix.c).
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
    # The time-out is for a predecessor that is just leaving; a living one keeps its lock for ever.
    return aiosqlite.connect(path, isolation_level=None, timeout=1.0, factory=kind)


async def _prepared(path: Path, opener: OpenDatabase) -> aiosqlite.Connection:
    database = await opener(path)
    try:
        await _job(database, _prepare)
    except BaseException:
        await database.close()
        raise
    wholefile.sync_directory(path.parent)
    return database


async def _job(database: aiosqlite.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """Run *work* in the connection's thread, in one hop.

    The only private call: the public ones cost a hop per statement, and two coroutines could
    interleave theirs between BEGIN and COMMIT.
    """
    execute: Callable[..., Awaitable[T]] = database._execute  # noqa: SLF001  see above
    return await execute(work, database._conn)  # noqa: SLF001  see above


PRAGMAS: Final = (
    "locking_mode=EXCLUSIVE",
    "page_size=1024",
    "journal_mode=WAL",
    "synchronous=FULL",
    "wal_autocheckpoint=1000",
    "journal_size_limit=-1",
    "foreign_keys=ON",
    "trusted_schema=OFF",
    "cell_size_check=ON",
)
"""In this order: the lock before WAL, or SQLite would make the shared-memory file."""


def _prepare(connection: sqlite3.Connection) -> None:
    """Set the pragmas, check the file and bring its shape up to date.

    SQLite keeps no checksum of what is in a page, so that every row is read as a daemon would.
    """
    try:
        _bring_up_to_date(connection)
        rows.check(connection)
    except (ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
        raise _Damaged(f"a row makes no sense: {error}") from error
    except sqlite3.OperationalError as error:
        if hasattr(error, "sqlite_errorcode"):
            raise
        raise _Damaged(f"a row makes no sense: {error}") from error  # no text in UTF-8


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").fetchall()
    # Twice: it calls a page that could not be read damaged, too, and a card may hiccup.
    for _ in range(2):
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict == "ok":
            break
    else:
        raise _Damaged(verdict)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, script in enumerate(_migrations(), start=1):
        if number > version:
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;"
            )


def _free_bytes(connection: sqlite3.Connection) -> int:
    (pages,) = connection.execute("PRAGMA freelist_count").fetchone()
    (page_size,) = connection.execute("PRAGMA page_size").fetchone()
    file = connection.execute("PRAGMA database_list").fetchone()[2]
    disk = os.statvfs(file)
    return int(pages * page_size + disk.f_bavail * disk.f_frsize)


def _migrations() -> list[str]:
    """The numbered SQL files beside this module, in order."""
    files = sorted(Path(__file__).parent.glob("[0-9][0-9][0-9]_*.sql"))
    return [file.read_text(encoding="utf-8") for file in files]


class _Damaged(sqlite3.DatabaseError):
    """quick_check found the file unsound."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def _kind(error: sqlite3.Error) -> str:
    """The `JournalFailed.kind` of *error*; extended codes carry their family in the low byte."""
    kinds = {
        sqlite3.SQLITE_FULL: "full",
        sqlite3.SQLITE_READONLY: "read_only",
        sqlite3.SQLITE_IOERR: "io",
        sqlite3.SQLITE_CANTOPEN: "io",
        sqlite3.SQLITE_CORRUPT: "corrupt",
        sqlite3.SQLITE_NOTADB: "corrupt",
    }
    return kinds.get(getattr(error, "sqlite_errorcode", -1) & 0xFF, "other")


def _is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is at fault: what is in it, or a page that the card gives no more."""
    unreadable = (sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ)
    return _kind(error) == "corrupt" or getattr(error, "sqlite_errorcode", -1) in unreadable


def _journal_failed(error: sqlite3.Error) -> JournalFailed:
    return JournalFailed(_kind(error), f"the journal did not take a commit: {error}")


def _refusal(path: Path, error: sqlite3.Error) -> ConfigError:
    if getattr(error, "sqlite_errorcode", -1) & 0xFF == sqlite3.SQLITE_BUSY:
        return ConfigError(
            f"journal {path} is in use by another process: stop it, or give another --state-dir"
        )
    return ConfigError(
        f"journal {path} cannot be opened ({error}): check the directory and the disk"
    )


async def _replace_damaged(path: Path, mended: Path, opener: OpenDatabase, *, why: str) -> None:
    """Put what can be read of the file at *path* in its place, and keep the damaged one aside.

    A power cut at any moment leaves the damaged file where it was, or the new one complete.
    """
    aside = files.asides(path)[-1]
    for suffix in ("", "-wal"):
        mended.with_name(mended.name + suffix).unlink(missing_ok=True)
    log.critical("journal_damaged", why=why, aside=aside.name)
    new = await _prepared(mended, opener)
    try:
        await _job(new, lambda connection: salvage(connection, path, aside.name))
    finally:
        await new.close()
    files.move(path, aside)
    files.finish_replacing(path, mended)


def _commit(connection: sqlite3.Connection, statements: Sequence[Statement]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for sql, values in statements:
            connection.execute(sql, values)
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself after some errors; then there is nothing left to undo.
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise
