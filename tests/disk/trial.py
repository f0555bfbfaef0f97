"""One trial: the power goes at one point of a life, with one fate; what is found must be promised.

*lost*: a commit that had returned is not there. *torn*: part of a commit is. *corrupt*: SQLite or
the journal finds the file unsound, sets it aside or cannot open it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import apsw

from tests.disk.disk import EXTREMES, Disk
from tests.disk.recording import (
    NAME,
    Recording,
    Span,
    Tables,
    connection_of,
    on_disk,
    pages_of,
    tables_of,
)
from tests.disk.vfs import NAME as VFS
from tests.disk.vfs import SIMULATED

KEPT: Final = "kept"
LOST: Final = "lost"
TORN: Final = "torn"
CORRUPT: Final = "corrupt"
TOLD: Final = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a trial; *state* is the one that was found, if it is one that may be."""

    word: str
    state: int | None = None
    why: str = ""


def glance(found: Disk, life: Recording, allowed: Sequence[int]) -> bool:
    """Whether SQLite recovers, page for page, a state that is allowed.

    Cheap, and stricter than any reading of rows: equal pages have equal rows and are as sound as
    the pages of the life that nobody cut. Unequal pages say nothing yet: see `judge`.
    """
    try:
        with SIMULATED.mounted(found) as directory:
            connection = apsw.Connection(
                str(directory / NAME), vfs=VFS, flags=apsw.SQLITE_OPEN_READWRITE
            )
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            try:
                connection.execute("PRAGMA locking_mode=EXCLUSIVE")
                pages = pages_of(connection)
            finally:
                connection.close()
    except apsw.Error:
        return False
    return any(life.states[state].pages == pages for state in allowed)


async def judge(found: Disk, life: Recording, allowed: Sequence[int]) -> Verdict:
    """Open the journal on *found* as the next start does, and compare all that it holds."""
    try:
        async with on_disk(found) as journal:
            saved = await journal.load()
            connection = connection_of(journal)
            tables = tables_of(connection)
            check = connection.execute("PRAGMA integrity_check").fetchall()
    except Exception as error:  # noqa: BLE001  whatever it stumbles over is damage
        return Verdict(CORRUPT, why=repr(error))
    if saved.damage:
        return Verdict(CORRUPT, why="the journal was set aside")
    if check != [("ok",)]:
        return Verdict(CORRUPT, why=str(check))
    for state in allowed:
        if (saved, tables) == (life.states[state].saved, life.states[state].tables):
            return Verdict(KEPT, state)
    if any(state.tables == tables for state in (*life.past, *life.states)):
        return Verdict(LOST)
    return Verdict(TORN, why=_difference(tables, life, allowed))


def _difference(tables: Tables, life: Recording, allowed: Sequence[int]) -> str:
    wanted = life.states[allowed[-1]].tables
    return ", ".join(name for name in {**wanted, **tables} if wanted.get(name) != tables.get(name))


@dataclass(slots=True)
class Tally:
    """Trials and what came of them; *told* names the first that broke a promise."""

    trials: int = 0
    judged: int = 0
    lost: int = 0
    torn: int = 0
    corrupt: int = 0
    told: list[str] = field(default_factory=list)

    @property
    def broken(self) -> int:
        """Promises not kept."""
        return self.lost + self.torn + self.corrupt

    def count(self, verdict: Verdict, place: str) -> None:
        """Take one more."""
        self.trials += 1
        self.lost += verdict.word == LOST
        self.torn += verdict.word == TORN
        self.corrupt += verdict.word == CORRUPT
        if verdict.word != KEPT and len(self.told) < TOLD:
            self.told.append(f"{place}: {verdict}")

    def add(self, other: Tally) -> None:
        """Take those of *other*."""
        self.trials += other.trials
        self.judged += other.judged
        self.lost += other.lost
        self.torn += other.torn
        self.corrupt += other.corrupt
        self.told = (self.told + other.told)[:TOLD]


async def sweep(
    life: Recording,
    fates: int,
    spans: Sequence[Span] | None = None,
    *,
    judged_every: int = 1,
    most: int | None = None,
) -> Tally:
    """Cut the power at every point of *spans*, or of the whole life, with so many *fates* each.

    Every *judged_every*-th trial is judged in full, and each that a glance does not acquit; a disk
    that was judged by the same promise, byte for byte, has its verdict: half of them are such.
    Where nothing is unsynced all fates are one, and tried once. Ends after *most* trials.
    """
    tally = Tally()
    verdicts: dict[tuple[bytes, tuple[int, ...]], Verdict] = {}
    for span, point, disk in life.points(life.spans if spans is None else spans):
        allowed = span.allowed(point)
        for number in range(1 if disk.is_settled() else fates):
            if tally.trials == most:
                return tally
            fate = number if number in EXTREMES else life.salt + point * fates + number
            in_full = tally.trials % judged_every == 0
            if in_full or not glance(disk.cut(fate), life, allowed):
                tally.judged += 1
                found = disk.cut(fate)
                case = found.digest(), tuple(allowed)
                if case not in verdicts:
                    verdicts[case] = await judge(found, life, allowed)
                verdict = verdicts[case]
            else:
                verdict = Verdict(KEPT)
            tally.count(verdict, f"{span.kind} at step {point}, fate {fate}")
    return tally
