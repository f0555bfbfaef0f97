"""`drain`: a backlog of transaction messages to csms_lite, and kill -9 in the midst of it.

The daemon as a user starts it, without a bay, on a journal that an outage left; csms_lite as a user
starts it; both on this disk with every promise kept: a message counts when it is answered, what it
says is durable over there, and its row is durably gone here; the daemon's end is in the time.
Beside it a stock client with a queue in SQLite drains the same messages into the same csms_lite, by
turns.

What arrived is counted in csms_lite's database, what was sent by a tap on the wire; neither shares
code with what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sqlite3
import statistics
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import urlsplit

from edge.control.client import ask
from scripts.benches.parts.backlog import (
    CARDS,
    Session,
    held,
    sessions,
    write_journal,
    write_stock_queue,
)
from scripts.benches.parts.figures import tell
from scripts.benches.parts.processes import (
    TAPWATT,
    Central,
    central_system,
    ready_process,
    short_directory,
    started,
)
from scripts.benches.parts.wiretap import Wiretap, wiretap

MESSAGES: Final = 10_000
ROUNDS: Final = 3
KILLS: Final = (25, 50, 75)  # per cent of the backlog
BAR_PER_S: Final = 1000.0
LOOK_S: Final = 0.02
PATIENCE_S: Final = 300.0
STOCK: Final = Path(__file__).parent / "parts" / "stock_drain.py"
MOCK_PINS: Final = {"GPIOZERO_PIN_FACTORY": "mock"}

EDGE_TOML: Final = """\
hardware = "real"
[station]
id = "{station}"
[csms]
url = "{url}"
[connectors.1.evse]
kind = "gpio"
coil = 17
[connectors.2.evse]
kind = "gpio"
coil = 18
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one drain of the daemon came to."""

    per_s: float
    lost: int
    twice: int
    resent_same_id: int = 0
    resent_new_id: int = 0

    @property
    def kept_its_promise(self) -> bool:
        """Nothing lost, nothing twice, and nothing sent again under another id."""
        return not (self.lost or self.twice or self.resent_new_id)


def main(argv: Sequence[str]) -> int:
    """Measure, print the lines; 1 below the bar, or when anything was lost or came twice."""
    parser = argparse.ArgumentParser(prog="scripts/bench drain")
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(argv)
    backlog = sessions(given.messages, Random(given.seed))  # noqa: S311  needs no secrecy
    plain, killed = asyncio.run(_measure(backlog, given.rounds))
    every = [*plain, *killed]
    per_s = statistics.median(one.per_s for one in plain)
    lost, twice = sum(one.lost for one in every), sum(one.twice for one in every)
    figures = (
        f"messages={given.messages} per_s={per_s:.0f} lost={lost} twice={twice}"
        f" resent_same_id={sum(one.resent_same_id for one in every)}"
    )
    met = per_s >= BAR_PER_S and all(one.kept_its_promise for one in every)
    return tell("drain", figures, f">= {BAR_PER_S:.0f}", met=met)


async def _measure(backlog: Sequence[Session], rounds: int) -> tuple[list[Outcome], list[Outcome]]:
    """Drains by turns with the stock client's, then one for each kill."""
    bench = _Bench(backlog)
    with short_directory() as directory:
        async with central_system(directory / "c") as central:
            for tag in CARDS:
                await central.accept_card(tag)
            print(f"drain: {bench.described}, RTT {await _rtt_ms(central):.2f} ms", flush=True)
            plain, stock = [], []
            for number in range(rounds):
                plain.append(await bench.plain(directory, central, f"PLAIN-{number}"))
                stock.append(await bench.stock(directory, central, f"STOCK-{number}"))
            ours, theirs = (
                statistics.median(figures) for figures in ([one.per_s for one in plain], stock)
            )
            print(
                f"drain: plain {ours:.0f} messages/s, stock client {theirs:.0f}, ratio"
                f" {ours / theirs:.2f}; median of {rounds} by turns",
                flush=True,
            )
            killed = [await bench.killed(directory, central, per_cent) for per_cent in KILLS]
    return plain, killed


class _Bench:
    """The backlog and the ways to drain it."""

    def __init__(self, backlog: Sequence[Session]) -> None:
        self._backlog = backlog
        self._expected = Counter(fact for session in backlog for fact in session.facts)

    @property
    def described(self) -> str:
        """The backlog in words."""
        count = self._expected.total()
        return f"{count} messages of {len(self._backlog)} sessions"

    async def plain(self, directory: Path, central: Central, station: str) -> Outcome:
        """Drain undisturbed."""
        place = await self._place(directory, central.ocpp, station)
        async with _daemon(place) as process:
            await _drained(place, process)
            done_at = time.time()
        began_at = _first_answer_at(directory, station)
        return self._judged(directory, station, self._expected.total() / (done_at - began_at))

    async def stock(self, directory: Path, central: Central, station: str) -> float:
        """Let the stock client drain the same; messages per second."""
        queue = directory / station
        await asyncio.to_thread(write_stock_queue, queue, self._backlog)
        command = (sys.executable, STOCK, f"{central.ocpp}/{station}", queue)
        process = await started(command, stdout=PIPE)
        told, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"the stock client ended with {process.returncode}")
        self._judged(directory, station, 0.0)
        return self._expected.total() / float(told)

    async def killed(self, directory: Path, central: Central, per_cent: int) -> Outcome:
        """Drain with one SIGKILL as soon as *per_cent* of the messages have gone up."""
        station = f"KILLED-{per_cent}"
        at = self._expected.total() * per_cent // 100
        async with wiretap(central.ocpp) as tap:
            place = await self._place(directory, tap.url, station)
            began = time.monotonic()
            async with _daemon(place) as process:
                await _killed_at(process, tap, at)
            async with _daemon(place) as process:
                await _drained(place, process)
            took_s = time.monotonic() - began
        outcome = self._judged(directory, station, self._expected.total() / took_s, tap)
        print(
            f"drain: kill -9 at {per_cent} %: lost={outcome.lost} twice={outcome.twice}"
            f" resent_same_id={outcome.resent_same_id} resent_new_id={outcome.resent_new_id};"
            f" {outcome.per_s:.0f} messages/s with the tap and both starts",
            flush=True,
        )
        return outcome

    async def _place(self, directory: Path, url: str, station: str) -> Path:
        """Make the directory of a daemon that comes back with the backlog."""
        place = directory / station
        await write_journal(place / "journal.sqlite3", self._backlog)
        (place / "edge.toml").write_text(EDGE_TOML.format(station=station, url=url))
        return place

    def _judged(
        self, directory: Path, station: str, per_s: float, tap: Wiretap | None = None
    ) -> Outcome:
        """Compare what csms_lite holds with what there was."""
        found = held(directory / "c" / "csms.db", station)
        return Outcome(
            per_s=per_s,
            lost=(self._expected - found).total(),
            twice=(found - self._expected).total(),
            resent_same_id=tap.resent_same_id if tap else 0,
            resent_new_id=tap.resent_new_id if tap else 0,
        )


@asynccontextmanager
async def _daemon(place: Path) -> AsyncIterator[Process]:
    """The daemon at *place* at work until the block ends."""
    words = ("edge", "run", "--config", place / "edge.toml", "--state-dir", place)
    environment = os.environ | MOCK_PINS
    async with ready_process((TAPWATT, *words), env=environment) as (process, _):
        yield process


async def _killed_at(process: Process, tap: Wiretap, count: int) -> None:
    """Kill *process* in the moment in which message number *count* passes the tap."""

    def passed(so_far: int) -> None:
        if so_far == count and process.returncode is None:
            process.send_signal(signal.SIGKILL)

    tap.passed = passed
    async with asyncio.timeout(PATIENCE_S):
        await process.wait()


async def _drained(place: Path, process: Process) -> None:
    """Let the daemon at *place* end when nothing waits; return with an empty outbox on the disk."""
    socket = place / "control.sock"
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if not (await asyncio.to_thread(ask, socket, "status"))["outbox"]:
                break
            await asyncio.sleep(LOOK_S)
        await asyncio.to_thread(ask, socket, "stop")
        await process.wait()
    with closing(sqlite3.connect(place / "journal.sqlite3")) as database:
        [(left,)] = database.execute("SELECT count(*) FROM outbox")
    if left:
        raise RuntimeError(f"{left} messages are still in the journal")


def _first_answer_at(directory: Path, station: str) -> float:
    """When csms_lite took the first message of *station*, by the wall clock."""
    path = directory / "c" / "csms.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        [(first_ms,)] = database.execute(
            "SELECT min(at_ms) FROM answers JOIN stations USING (station_id) WHERE identity = ?",
            (station,),
        )
    return float(first_ms) / 1000


async def _rtt_ms(central: Central) -> float:
    """The least time to connect to the central system, in ms: one way there and one back."""
    parts = urlsplit(central.ocpp)
    times = []
    for _ in range(20):
        began = time.perf_counter()
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        times.append(time.perf_counter() - began)
        writer.close()
    return 1000 * min(times)
