"""Commits to the real journal as fast as it can, and says each number that was acknowledged.

`python -m tests.ext4.writer PATH [--weak]` prints one number a line, from the last that it finds.
Commit *n* writes *n* into three tables and takes the message of five commits before out of the
outbox. `--weak` is for the control: SQLite does not sync each commit.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiosqlite

from edge.core.instant import Instant
from edge.core.messages import MeterValue, MeterValues, SampledValue
from edge.core.records import Alive, Delivered, Metered, Queued, Record, TransactionOpened
from edge.drivers.journal import OpenDatabase, open_journal

KEPT = 5


def instant(number: int) -> Instant:
    """A moment that tells *number*."""
    return Instant(wall=datetime(2026, 1, 1, tzinfo=UTC), monotonic=float(number))


def rows(number: int) -> list[Record]:
    """Commit *number*: what a sample writes."""
    at = instant(number)
    value = MeterValue(timestamp=at, sampled_value=(SampledValue(value=str(number)),))
    message = MeterValues(connector_id=1, meter_value=(value,))
    return [
        *([Delivered(seq=number - KEPT)] if number > KEPT else []),
        Queued(seq=number, ref=1, message_id=str(number), message=message, at=at),
        Metered(ref=1, energy_wh=number, at=at),
        Alive(at=at),
    ]


class Weak(sqlite3.Connection):
    """A connection that is told less than the journal asks of it."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        return super().execute(sql.replace("synchronous=FULL", "synchronous=NORMAL"), parameters)


async def open_weakly(path: Path) -> aiosqlite.Connection:
    """An opener for the journal's seam."""
    return await aiosqlite.connect(path, isolation_level=None, factory=Weak)


async def write(path: Path, opener: OpenDatabase | None) -> None:
    """Work until killed."""
    async with open_journal(path, open_database=opener) as opened:
        last = (await opened.load()).last_seq
        if not last:
            at = instant(0)
            await opened.commit(
                [TransactionOpened(ref=1, connector=1, id_tag="TAG", begin_wh=0, at=at)]
            )
        os.write(1, f"{last}\n".encode())
        while True:
            last += 1
            await opened.commit(rows(last))
            os.write(1, f"{last}\n".encode())


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), open_weakly if "--weak" in sys.argv else None))
