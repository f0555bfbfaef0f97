"""`years`: the real station and the real csms_lite through simulated years of faults.

Histories of some days each, one per seed, on every core; `tests/world` says what happens in them
and how they are judged. A day counts when energy flowed at one connector at least: most have two
cars of half an hour and three faults, some a dozen cars and up to 120 faults. The speed is of the
histories with message-level sockets; one in twenty speaks the real `websockets` instead, whose
messages nobody counts.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from tests.world.history import Outcome, play
from tests.world.scenario import Scenario, of_years

DAYS: Final = 2000
BAR: Final = 5.0  # charging days per second of processor time
BETWEEN_S: Final = 30.0  # between two words to whoever waits
SHOWN: Final = 5
COLLECT_AT: Final = 100_000

Played = tuple[Scenario, Outcome, float]


def main(argv: Sequence[str]) -> int:
    """Print how it went, and at last the figures; 1 for a breach, or for too slow a simulation."""
    parser = argparse.ArgumentParser(prog="scripts/bench years")
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--seed", type=int, default=1, help="the first")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(argv)
    total: Counter[str] = Counter()
    cpu_s = real_cpu_s = 0.0
    broken = 0
    spoke_at = time.monotonic()
    for scenario, outcome, took_s in _played(options.seed, options.days, options.processes):
        seed, real = scenario.seed, scenario.real_sockets
        real_cpu_s += took_s * real
        cpu_s += took_s * (not real)
        total["message_days"] += outcome.days * (not real)
        for name in ("days", "sessions", "messages", "cuts", "crashes", "lost", "twice"):
            total[name] += getattr(outcome, name)
        if outcome.breaches:
            broken += 1
            _tell(scenario, outcome)
        if time.monotonic() - spoke_at > BETWEEN_S:
            spoke_at = time.monotonic()
            print(f"years: {total['days']} days, seed {seed}", file=sys.stderr, flush=True)
    speed = total["message_days"] / cpu_s
    print(
        f"years: days={total['days']} messages={total['messages']} broken={broken}"
        f" cpu_s={cpu_s:.0f} real_sockets_cpu_s={real_cpu_s:.0f}"
    )
    print(
        f"years: sessions={total['sessions']} cuts={total['cuts']} crashes={total['crashes']}"
        f" lost={total['lost']} twice={total['twice']} days_per_cpu_s={speed:.1f}",
        flush=True,
    )
    return 1 if broken or speed < BAR else 0


def _played(first: int, days: int, processes: int) -> Iterator[Played]:
    """Play seeds from *first* on, until so many *days* have been played."""
    seeds = count(first)
    done_days = 0
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_collect_seldom
    ) as pool:
        waiting: set[Future[Played]] = set()
        while done_days < days:
            while len(waiting) < processes:
                waiting.add(pool.submit(_play, next(seeds)))
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                played = future.result()
                done_days += played[1].days
                yield played
        for future in waiting:
            yield future.result()


def _collect_seldom() -> None:
    """A history makes frozen values by the million and next to no cycles."""
    gc.freeze()
    gc.set_threshold(COLLECT_AT)


def _play(seed: int) -> Played:
    scenario = of_years(seed)
    began = time.process_time()
    return scenario, play(scenario), time.process_time() - began


def _tell(scenario: Scenario, outcome: Outcome) -> None:
    """Say what broke, and keep the scenario as a file that replays."""
    path = Path(tempfile.gettempdir()) / "tapwatt-years" / f"seed-{scenario.seed}.json"
    scenario.write(path)
    for breach in outcome.breaches[:SHOWN]:
        print(f"years: seed {scenario.seed}: {breach}", flush=True)
    print(f"years: replay: {sys.executable} -m tests.world {path}", flush=True)
