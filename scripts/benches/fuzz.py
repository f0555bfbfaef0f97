"""`fuzz`: a hostile peer against our end of the wire, judged frame by frame.

Mutations of real frames, seeded; an oracle that shares no code with `edge` says what each is owed:
an answer with one of some codes, silence, or a closed line. Every 100th frame is a good call, which
must be answered. The victim is a process of its own: it must live, keep its memory, and say nothing
else. It is the real link and core of a charge point, or with `--victim central` all of csms_lite.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from scripts.benches.parts.hostile import ANSWER_S, GOOD_EVERY, Hostile, Stuck
from scripts.benches.parts.mutations import Mutator
from scripts.benches.parts.processes import (
    TAPWATT,
    ended,
    ready_process,
    short_directory,
    started,
)
from scripts.benches.rss import memory_mib
from tests.ocppj.oracle import judge, judge_by_central
from tests.ocppj.payloads import AT, LAWFUL

FRAMES: Final = 1_000_000
SEED: Final = 16
CLOSING_EVERY: Final = 2_000
WARM: Final = 20_000
"""Frames before memory is first measured: caches and schemas are filled then."""
GROWTH_MIB: Final = 5.0
SHOWN: Final = 20

COMMANDS: Final = (
    ("GetConfiguration", {"key": ["HeartbeatInterval"]}),
    ("TriggerMessage", {"requestedMessage": "Heartbeat"}),
)
REQUESTS: Final = (("Heartbeat", LAWFUL["Heartbeat"]), ("Authorize", LAWFUL["Authorize"]))
ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "BootNotification": {"status": "Accepted", "currentTime": AT, "interval": 86_400},
    "Heartbeat": {"currentTime": AT},
    "Authorize": {"idTagInfo": {"status": "Accepted"}},
    "StartTransaction": {"transactionId": 1, "idTagInfo": {"status": "Accepted"}},
    "DataTransfer": {"status": "Accepted"},
}
STATION: Final = "scripts.benches.parts.fuzz_station"
SUBPROTOCOLS: Final = [Subprotocol("ocpp1.6")]


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    frames: int = 0
    crashes: int = 0
    wrong: list[str] = field(default_factory=list)
    growth_mib: float = 0.0
    answered: Counter[str] = field(default_factory=Counter)


def main(argv: Sequence[str]) -> int:
    """Print the line; 1 for a crash, a wrong answer or a leak."""
    parser = argparse.ArgumentParser(prog="scripts/bench fuzz")
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--victim", choices=("station", "central"), default="station")
    options = parser.parse_args(argv)
    began = time.monotonic()
    attack = fuzz if options.victim == "station" else fuzz_central
    outcome = asyncio.run(attack(options.frames, options.seed))
    for wrong in outcome.wrong[:SHOWN]:
        print(f"fuzz: wrong: {wrong}", file=sys.stderr)
    told = " ".join(f"{code}={count}" for code, count in sorted(outcome.answered.items()))
    print(f"fuzz: seed {options.seed}, {time.monotonic() - began:.0f} s, answers {told}")
    print(
        f"fuzz: frames={outcome.frames} crashes={outcome.crashes}"
        f" wrong_answers={len(outcome.wrong)} rss_growth_mib={outcome.growth_mib:.1f}",
        flush=True,
    )
    bad = outcome.crashes or outcome.wrong or outcome.growth_mib >= GROWTH_MIB
    return 1 if bad or outcome.frames < options.frames else 0


async def fuzz(frames: int, seed: int, module: str = STATION, words: Sequence[str] = ()) -> Outcome:
    """Send *frames* frames to a fresh station: *module* run with the URL and *words*."""
    central = Hostile(_mutator(seed), judge, COMMANDS, ANSWERS)
    lines: asyncio.Queue[Connection] = asyncio.Queue()

    async def hear(line: Connection) -> None:
        lines.put_nowait(line)
        await central.hear(line)

    async with serve(
        hear,
        "127.0.0.1",
        0,
        subprotocols=SUBPROTOCOLS,
        compression=None,
        ping_interval=None,
    ) as listening:
        port = listening.sockets[0].getsockname()[1]
        url = f"ws://127.0.0.1:{port}"
        station = await started((sys.executable, "-m", module, url, *words))
        try:
            return await _attacked(central, frames, station, lines.get)
        finally:
            await ended(station)


async def fuzz_central(frames: int, seed: int) -> Outcome:
    """Send *frames* frames to a fresh csms_lite, as a station that it has accepted."""
    station = Hostile(_mutator(seed), judge_by_central, REQUESTS, {})
    async with asyncio.TaskGroup() as hearing:
        with short_directory() as directory:
            words = ("csms", "run", "--accept-unknown", "--no-local-lists")
            ports = ("--ocpp-port", "0", "--http-port", "0")
            command = (TAPWATT, *words, *ports, "--state-dir", str(directory))
            async with ready_process(command) as (central, told):

                async def dial() -> Connection:
                    line = await connect(
                        f"{told['ocpp']}/FUZZ",
                        subprotocols=SUBPROTOCOLS,
                        compression=None,
                        ping_interval=None,
                    )
                    await line.send(json.dumps([2, f"boot-{station.sent}", *BOOT]))
                    await line.recv()
                    hearing.create_task(station.hear(line))
                    return line

                return await _attacked(station, frames, central, dial)


BOOT: Final = ("BootNotification", LAWFUL["BootNotification"])


def _mutator(seed: int) -> Mutator:
    return Mutator(LAWFUL, Random(seed))  # noqa: S311  a repeatable stream


async def _attacked(
    peer: Hostile, frames: int, victim: Process, line: Callable[[], Awaitable[Connection]]
) -> Outcome:
    """Play to the end, or until the victim does not go on; *line* gives the next line to it."""
    outcome = Outcome()
    try:
        await _play(peer, frames, victim, outcome, line)
    except (Stuck, TimeoutError, ConnectionClosed, FileNotFoundError) as stuck:
        peer.wrong.append(f"after {peer.sent} frames: {stuck!r}")
        with suppress(TimeoutError):
            await asyncio.wait_for(victim.wait(), 1)
    outcome.crashes = int(victim.returncode is not None)
    outcome.frames, outcome.wrong, outcome.answered = peer.sent, peer.wrong, peer.answered
    return outcome


async def _play(
    peer: Hostile,
    frames: int,
    victim: Process,
    outcome: Outcome,
    next_line: Callable[[], Awaitable[Connection]],
) -> None:
    line = await asyncio.wait_for(next_line(), ANSWER_S)
    warm_mib = None
    while peer.sent < frames and not peer.wrong[SHOWN:]:
        closes = peer.sent % CLOSING_EVERY >= CLOSING_EVERY - GOOD_EVERY
        await peer.batch(line, GOOD_EVERY - closes)
        if closes:
            await peer.close(line)
            line = await asyncio.wait_for(next_line(), ANSWER_S)
        if warm_mib is None and peer.sent >= min(WARM, frames // 2):
            warm_mib = memory_mib(victim.pid)[0]
    outcome.growth_mib = max(0.0, memory_mib(victim.pid)[0] - (warm_mib or 0.0))
