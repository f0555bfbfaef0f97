"""A life of the journal on a simulated disk, kept step by step: its power can be cut at each.

The journal is the real one: `open_journal`, its migrations, its statements, its settings.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, cast

import apsw

from edge import wholefile
from edge.core.records import Record
from edge.core.saved import Saved
from edge.drivers.journal import SqliteJournal, open_journal
from tests.crash.memory import Rows
from tests.disk.commits import KINDS
from tests.disk.connection import Connection, Said, as_told, opener
from tests.disk.disk import Disk, Step
from tests.disk.vfs import SIMULATED, sync_directory

NAME: Final = "journal.sqlite3"
PAGE: Final = 4096
Tables = dict[str, list[Any]]
Pages = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class State:
    """What must be found after so many commits: for the core, in every table, on every page.

    *committed* counts the records of which it is made.
    """

    saved: Saved
    tables: Tables
    pages: Pages
    committed: int


@dataclass(frozen=True, slots=True)
class Span:
    """One thing done, from step to step of the log, from state to state."""

    kind: str
    begin: int
    end: int
    before: int
    after: int

    def allowed(self, point: int) -> tuple[int, ...]:
        """States that may be found after a cut behind *point* steps."""
        if point <= self.begin:
            return (self.before,)
        return (self.after,) if point >= self.end else (self.before, self.after)


@dataclass(slots=True)
class Recording:
    """A life: the disk it began with, every step, what was committed and promised where."""

    start: Disk
    log: list[Step]
    records: list[Record]
    salt: int
    """What its fates begin with, so that no two lives have the same."""
    spans: list[Span] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    past: list[State] = field(default_factory=list)
    """The states of the lives before it on this disk."""

    def points(self, spans: Sequence[Span]) -> Iterator[tuple[Span, int, Disk]]:
        """Every point of *spans*, which are in order, and the disk as it is there.

        The disk goes on with the iteration: cut it before asking for the next.
        """
        disk, done = self.start.copy(), 0
        for span in spans:
            for point in range(span.begin, span.end + 1):
                for step in self.log[done:point]:
                    disk.apply(step)
                done = point
                yield span, point, disk

    async def note(self, journal: SqliteJournal) -> None:
        """What *journal* holds is the next state."""
        connection = connection_of(journal)
        saved = await journal.load()
        pages = pages_of(connection.apsw)
        if self.states:
            # What stayed the same is kept once: a life has hundreds of states.
            same = zip(self.states[-1].pages, pages, strict=False)
            kept = tuple(old if old == new else new for old, new in same)
            pages = kept + pages[len(kept) :]
        self.states.append(State(saved, tables_of(connection), pages, len(self.records)))


@contextmanager
def _syncs_seen() -> Iterator[None]:
    """The journal's own syncs of a directory are the simulated disk's, too."""
    real = wholefile.sync_directory
    wholefile.sync_directory = sync_directory
    try:
        yield
    finally:
        wholefile.sync_directory = real


@asynccontextmanager
async def on_disk(disk: Disk, said: Said = as_told) -> AsyncIterator[SqliteJournal]:
    """The real journal, open on *disk*; *said* plants bugs, see `Connection`."""
    with SIMULATED.mounted(disk) as directory, _syncs_seen():
        async with open_journal(directory / NAME, open_database=opener(said)) as journal:
            yield journal


async def record(
    disk: Disk,
    kinds: Sequence[str],
    random: Random,
    *,
    records: Sequence[Record] | None = (),
    past: Sequence[State] = (),
    said: Said = as_told,
) -> Recording:
    """Open the journal on *disk*, commit each of *kinds*, close it.

    *records* is what the disk holds already; `None`: rows of an older version, so that no kind can
    be made up from them. *past* is how it came there, by which a loss is told from a torn commit.
    """
    rows = Rows()
    for one in records or ():
        rows.take(one)
    kind = "provision" if not disk.names else "migrate" if records is None else "reopen"
    disk.log.clear()
    life = Recording(
        start=disk.copy(),
        log=disk.log,
        records=list(records or ()),
        past=list(past),
        salt=random.randrange(2, 2**32),
    )
    async with on_disk(disk, said) as journal:
        await life.note(journal)
        life.spans.append(Span(kind, 0, len(disk.log), 0, 0))
        assert records is None or life.states[-1].saved == rows.saved_now()
        for kind in kinds:
            batch = KINDS[kind](rows, random)
            begin, before = len(disk.log), len(life.states) - 1
            await journal.commit(batch)
            for one in batch:
                rows.take(one)
            life.records += batch
            life.spans.append(Span(kind, begin, len(disk.log), before, before + 1))
            await life.note(journal)
            assert life.states[-1].saved == rows.saved_now()
        begin, last = len(disk.log), len(life.states) - 1
    life.spans.append(Span("close", begin, len(disk.log), last, last))
    return life


def connection_of(journal: SqliteJournal) -> Connection:
    """What the journal runs its statements on."""
    return cast(Connection, journal._database._conn)


def tables_of(connection: Connection) -> Tables:
    """Every row of every table, and what tables there are."""
    schema = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name")
    version = connection.execute("PRAGMA user_version").fetchall()
    tables = {"": [*version, *schema]}
    for kind, name, _ in tables[""][1:]:
        if kind == "table":
            tables[name] = connection.execute(f"SELECT * FROM {name}").fetchall()
    return tables


def pages_of(connection: apsw.Connection) -> Pages:
    """Every page as this connection sees it, the WAL included."""
    contents = connection.serialize("main") or b""
    return tuple(contents[at : at + PAGE] for at in range(0, len(contents), PAGE))
