"""A million simulated power cuts in the journal's real code: what is lost, torn or corrupt.

One trial is: a life of the journal recorded step by step on a simulated disk (`tests/disk`), the
power gone behind one of its steps, every unsynced sector and name given a fate of its own by the
trial's seed, and the disk that is left opened again by SQLite. It passes when every page, as
recovered, equals the pages after the last commit that had returned, or after the one in flight.
One trial in `JUDGED_EVERY`, and each that does not pass at this glance (as in a first start, where
the next one finishes what was begun), is judged in full: the journal opens it as at the next start,
and what it loads, every row of every table and integrity_check must be as promised. Two disks of a
life that are alike to the byte, with the same promise, are judged once and counted twice.

Lives are random: every kind of commit, ended in order or by a cut and gone on with from there; in
one chunk of `FULL_WAL_EVERY` the WAL is full and written back, in another an old version migrates.
Behind them the same on weaker settings: a model that acquits those proves nothing.

The journal's statements, order and settings are what this proves, in the SQLite that apsw brings;
the deployed library and the kernel are for cuts on a real file system.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from random import Random
from typing import Final

import apsw
import structlog

from tests.disk.histories import full_wal, lives, old_disk, versions
from tests.disk.planted import WEAKER, LyingDisk, swept
from tests.disk.recording import Recording, Span, record
from tests.disk.trial import Tally, sweep

TRIALS: Final = 1_000_000
CHUNK: Final = 10_000
"""Trials of one process at a time: enough for some lives, few enough to share out evenly."""
FATES: Final = 8
JUDGED_EVERY: Final = 100
LIVES: Final = 8
"""On one disk; then a new one, before the journal is large and the trials are slow."""
FULL_WAL_EVERY: Final = 10
FIRST_START_EVERY: Final = 4
"""Chunks that cut the first start, too: each trial of it is judged in full, which takes longer."""
REPORTS: Final = 10
A_LYING_CARD: Final = "a card that lies about sync"


def main(argv: Sequence[str]) -> int:
    """Print the lines; 1 for a promise broken, or for a weaker setting that broke none."""
    parser = argparse.ArgumentParser(prog="scripts/bench powercut")
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    began = time.monotonic()
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), initializer=_quiet) as pool:
        controls = {name: pool.submit(_control, name) for name in (*WEAKER, A_LYING_CARD)}
        tally = _main_run(pool, options.trials, options.seed)
        told = {name: future.result() for name, future in controls.items()}
    for line in tally.told:
        print(f"powercut: broken: {line}")
    taken_s = time.monotonic() - began
    print(
        f"powercut: {taken_s:.0f} s, {tally.trials / taken_s:.0f} trials/s,"
        f" {tally.judged} judged in full, SQLite {apsw.sqlite_lib_version()}"
    )
    for name, control in told.items():
        print(f"powercut: control {name}: {_counts(control)}")
    print(f"powercut: {_counts(tally)}", flush=True)
    return 1 if tally.broken or not all(control.broken for control in told.values()) else 0


def _counts(tally: Tally) -> str:
    return f"trials={tally.trials} lost={tally.lost} torn={tally.torn} corrupt={tally.corrupt}"


def _main_run(pool: ProcessPoolExecutor, trials: int, seed: int) -> Tally:
    """Share *trials* out, and say now and then how far it is."""
    parts = [
        pool.submit(_chunk, seed * 1_000_000 + at, min(CHUNK, trials - at * CHUNK))
        for at in range(-(-trials // CHUNK))
    ]
    tally, reported = Tally(), 0
    for part in as_completed(parts):
        tally.add(part.result())
        if tally.trials * REPORTS // trials > reported:
            reported = tally.trials * REPORTS // trials
            print(f"powercut: {tally.trials} trials, {tally.broken} broken", flush=True)
    return tally


def _quiet() -> None:
    """A journal set aside is a verdict here, not an alarm."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())


def _chunk(seed: int, trials: int) -> Tally:
    tally = asyncio.run(_cut_lives(seed, trials))
    tally.told = [f"chunk {seed}, {one}" for one in tally.told]
    return tally


async def _cut_lives(seed: int, trials: int) -> Tally:
    tally = Tally()
    while tally.trials < trials:
        async for life, spans in _some_lives(seed, tally.trials):
            left = trials - tally.trials
            part = await sweep(life, FATES, spans, judged_every=JUDGED_EVERY, most=left)
            tally.add(part)
            if tally.trials == trials:
                break
    return tally


async def _some_lives(seed: int, done: int) -> AsyncIterator[tuple[Recording, Sequence[Span]]]:
    """What chunk *seed* is about; after *done* trials it goes on with random lives."""
    random = Random(seed + done)  # noqa: S311  a repeatable stream
    if done == 0 and seed % FULL_WAL_EVERY == 0:
        yield await full_wal(random)
    if done == 0 and seed % FULL_WAL_EVERY == 1:
        version = versions()[seed // FULL_WAL_EVERY % len(versions())]
        life = await record(old_disk(version), (), random, records=None)
        yield life, life.spans
    async for life in lives(seed + done, LIVES):
        first = int(seed % FIRST_START_EVERY != 0 and life.spans[0].kind == "provision")
        yield life, life.spans[first:]


def _control(name: str) -> Tally:
    return asyncio.run(_cut_control(name))


async def _cut_control(name: str) -> Tally:
    lying = name == A_LYING_CARD
    async for so_far in swept(disk=LyingDisk()) if lying else swept(WEAKER[name]):
        tally = so_far
    return tally
