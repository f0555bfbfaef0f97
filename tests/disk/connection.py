"""An `apsw` connection in the clothes of the one that aiosqlite gives the journal.

As much of `sqlite3` as the journal uses, its exceptions included; what aiosqlite would do in a
thread is done at once. SQLite is the one inside `apsw`, newer than the one that is deployed: what
is proven on it is the journal's statements, their order and its settings.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import aiosqlite
import apsw

from tests.disk.vfs import NAME, SIMULATED

T = TypeVar("T")
Said = Callable[[str], Sequence[str]]

ERRORS: Final[Mapping[int, type[sqlite3.Error]]] = {
    apsw.SQLITE_CORRUPT: sqlite3.DatabaseError,
    apsw.SQLITE_NOTADB: sqlite3.DatabaseError,
    apsw.SQLITE_CONSTRAINT: sqlite3.IntegrityError,
    apsw.SQLITE_MISUSE: sqlite3.ProgrammingError,
}
"""Those of Modules/_sqlite/util.c that are no `OperationalError`."""


class Cursor:
    """The rows of one statement."""

    def __init__(self, rows: apsw.Cursor) -> None:
        self._rows = rows

    @property
    def description(self) -> Sequence[tuple[Any, ...]]:
        """As `sqlite3` has it; where there are no rows, `apsw` names no columns."""
        try:
            return self._rows.description
        except apsw.ExecutionCompleteError:
            return ()

    def fetchone(self) -> Any:
        """The next row, if there is one."""
        return next(iter(self), None)

    def fetchall(self) -> list[Any]:
        """All that are left."""
        return list(self)

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._rows
        except apsw.Error as error:
            raise _told(error) from error


class Connection:
    """What the journal's work functions are given.

    *said* turns a statement into what is really said to SQLite: it is how bugs are planted.
    """

    def __init__(self, path: Path, said: Said) -> None:
        self._said = said
        self._rollbacks = 0
        try:
            self.apsw = apsw.Connection(str(path), vfs=NAME)
        except apsw.Error as error:
            raise _told(error) from error
        self.apsw.set_rollback_hook(self._rolled_back)

    @property
    def in_transaction(self) -> bool:
        """Between BEGIN and COMMIT."""
        return self.apsw.in_transaction

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Cursor:
        """One statement."""
        rows = self.apsw.cursor()
        for one in self._said(sql):
            rollbacks = self._rollbacks
            try:
                rows = self.apsw.execute(one, tuple(values))
            except apsw.Error as error:
                # SQLite bears a WAL that cannot be written back behind a commit; apsw raises.
                if one != "COMMIT" or self.in_transaction or self._rollbacks > rollbacks:
                    raise _told(error) from error
        return Cursor(rows)

    def executescript(self, script: str) -> None:
        """Several statements."""
        self.execute(script)

    def serialize(self) -> bytes:
        """The file as this connection sees it."""
        return self.apsw.serialize("main")

    def close(self) -> None:
        """As `sqlite3` closes: nobody hears of a WAL that could not be written back."""
        with suppress(apsw.Error):
            self.apsw.close()

    def _rolled_back(self) -> None:
        self._rollbacks += 1


def _told(error: apsw.Error) -> sqlite3.Error:
    code: int = getattr(error, "extendedresult", apsw.SQLITE_ERROR)
    told = ERRORS.get(code & 0xFF, sqlite3.OperationalError)(str(error) or type(error).__name__)
    told.sqlite_errorcode = code
    return told


class Inline:
    """An aiosqlite connection without its thread."""

    def __init__(self, connection: Connection) -> None:
        self._conn = connection

    async def _execute(self, work: Callable[..., T], *arguments: Any) -> T:
        return work(*arguments)

    async def close(self) -> None:
        """Leave the file as a process does that ends in order."""
        self._conn.close()


def as_told(sql: str) -> Sequence[str]:
    """The journal's own statements."""
    return (sql,)


def opener(said: Said = as_told) -> Callable[[Path], Awaitable[aiosqlite.Connection]]:
    """An `OpenDatabase` on the simulated disks; like the journal's own it makes the file first."""

    async def open_database(path: Path) -> aiosqlite.Connection:
        disk = SIMULATED.disks[str(path.parent)]
        if path.name not in disk.names:
            disk.create(path.name)
        return cast(aiosqlite.Connection, Inline(Connection(path, said)))

    return open_database
