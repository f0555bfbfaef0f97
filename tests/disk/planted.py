"""Weaker settings and planted bugs: what the sweep must find."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from random import Random
from typing import Final

from edge.core.records import Record
from tests.disk.connection import Said, as_told
from tests.disk.disk import Disk
from tests.disk.recording import State, record
from tests.disk.trial import Tally, sweep

FATES: Final = 4


def _with(**pragmas: str) -> Said:
    """The journal's statements, but for these pragmas."""

    def said(sql: str) -> Sequence[str]:
        name = sql.removeprefix("PRAGMA ").split("=")[0]
        return (f"PRAGMA {name}={pragmas[name]}" if name in pragmas else sql,)

    return said


WEAKER: Final[Mapping[str, Said]] = {
    "synchronous=NORMAL": _with(synchronous="NORMAL"),
    "synchronous=OFF": _with(synchronous="OFF"),
    "journal_mode=DELETE": _with(journal_mode="DELETE", locking_mode="NORMAL"),
    "journal_mode=MEMORY": _with(journal_mode="MEMORY"),
}
"""Settings that others run with; DELETE with a shared lock is what Python does by itself."""


def commits_early(sql: str) -> Sequence[str]:
    """Every statement is a commit of its own: COMMIT comes before the last one."""
    return () if sql in {"BEGIN IMMEDIATE", "COMMIT"} else (sql,)


class NamelessDisk(Disk):
    """Nobody syncs a directory: neither the journal nor SQLite."""

    def sync_directory(self) -> None:
        """See above."""


class LyingDisk(Disk):
    """A card that says that it has written, and has not."""

    def sync(self, number: int) -> None:
        """See above."""


async def swept(said: Said = as_told, disk: Disk | None = None) -> AsyncIterator[Tally]:
    """Two short lives, the second on what the first left in order; the tally so far, span by span.

    Without the first start, of which nobody was told anything yet.
    """
    tally = Tally()
    records: Sequence[Record] = ()
    past: Sequence[State] = ()
    disk = disk or Disk()
    for kinds in (("boot", "open", "sample"), ("boot", "sample", "stop")):
        random = Random(len(past))
        life = await record(disk, kinds, random, records=records, past=past, said=said)
        for span in life.spans[1:]:
            tally.add(await sweep(life, FATES, [span]))
            yield tally
        records, past = life.records, life.states
