"""The daemon with a disk that can be slow: `edge.app.run` with another opener of the journal.

    python -m scripts.benches.parts.bench_daemon --commit-delay-s 0.2 -- edge run …
    python -m scripts.benches.parts.bench_daemon --stalled-fd 5 -- edge run …

With `--stalled-fd`, SIGUSR1 stalls the journal's thread for 5 s; a byte on the descriptor says when
the stall has begun, another when it is over. All else is what `tapwatt edge run` does.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import aiosqlite

from edge.app import Options, run
from edge.config.loading import load

STALL_S = 5.0


def main(argv: list[str]) -> int:
    """Run the daemon as the words say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--commit-delay-s", type=float, default=0.0)
    parser.add_argument("--stalled-fd", type=int)
    parser.add_argument("edge", choices=["edge"])
    parser.add_argument("run", choices=["run"])
    parser.add_argument("--state-dir", type=Path)
    parser.add_argument("--sim-socket", type=Path)
    parser.add_argument("-o", dest="options", action="append", default=[])
    parser.add_argument("--ready-fd", type=int)
    given = parser.parse_args([word for word in argv if word != "--"])
    opener = partial(_open, delay_s=given.commit_delay_s, stalled_fd=given.stalled_fd)
    options = Options(
        settings=load([], given.options),
        state_dir=given.state_dir,
        sim_socket=given.sim_socket,
        ready_fd=given.ready_fd,
    )
    return run(dataclasses.replace(options, open_database=opener))


class SlowCommits(sqlite3.Connection):
    """A connection whose every COMMIT, thus every fsync of the WAL, takes *delay_s* longer."""

    delay_s = 0.0

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if sql == "COMMIT":
            time.sleep(self.delay_s)
        return super().execute(sql, parameters)


async def _open(path: Path, *, delay_s: float, stalled_fd: int | None) -> aiosqlite.Connection:
    SlowCommits.delay_s = delay_s
    database = await aiosqlite.connect(path, isolation_level=None, timeout=1.0, factory=SlowCommits)
    if stalled_fd is not None:
        _stall_on_signal(database, stalled_fd)
    return database


def _stall_on_signal(database: aiosqlite.Connection, told: int) -> None:
    stalls: set[asyncio.Task[None]] = set()

    def stall() -> None:
        os.write(told, b"S")
        time.sleep(STALL_S)
        os.write(told, b"E")

    async def stalled() -> None:
        execute: Callable[..., Awaitable[None]] = database._execute  # noqa: SLF001  its own queue
        await execute(stall)

    def begin() -> None:
        task = asyncio.get_running_loop().create_task(stalled())
        stalls.add(task)
        task.add_done_callback(stalls.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, begin)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
