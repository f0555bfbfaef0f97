"""`fuzz`: a hostile central system against the real link and core, judged frame by frame.

Mutations of real frames, seeded; an oracle that shares no code with `edge` says what each is owed:
an answer with one of some codes, silence, or a closed line. Every 100th frame is a good call, which
must be answered. The station is a process of its own: it must live, keep its memory, and say
nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from asyncio.subprocess import Process
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from socket import IPPROTO_TCP, TCP_CORK
from typing import Any, Final

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State
from websockets.typing import Subprotocol

from scripts.benches.parts.mutations import Frame, Mutator
from scripts.benches.parts.processes import ended, started
from scripts.benches.rss import memory_mib
from tests.ocppj.oracle import RESULT, Verdict, judge
from tests.ocppj.payloads import AT, LAWFUL

FRAMES: Final = 1_000_000
SEED: Final = 16
GOOD_EVERY: Final = 100
CLOSING_EVERY: Final = 2_000
WARM: Final = 20_000
"""Frames before memory is first measured: caches and schemas are filled then."""
QUEUED_MAX: Final = 3
"""Calls sent ahead of their answers, not counting repeats: the station hangs up beyond eight."""
DECIDED: Final = frozenset({RESULT, "NotSupported"})
"""Answers that are given in turn; other refusals come at once."""
ANSWER_S: Final = 20.0
GROWTH_MIB: Final = 5.0
SHOWN: Final = 20

GOOD: Final = (
    ("GetConfiguration", {"key": ["HeartbeatInterval"]}),
    ("TriggerMessage", {"requestedMessage": "Heartbeat"}),
)
ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "BootNotification": {"status": "Accepted", "currentTime": AT, "interval": 86_400},
    "Heartbeat": {"currentTime": AT},
    "Authorize": {"idTagInfo": {"status": "Accepted"}},
    "StartTransaction": {"transactionId": 1, "idTagInfo": {"status": "Accepted"}},
    "DataTransfer": {"status": "Accepted"},
}
STATION: Final = "scripts.benches.parts.fuzz_station"
Id = str | int


class Stuck(Exception):
    """It does not go on."""


@dataclass(slots=True)
class Owed:
    """What one message id is owed by the frames of a batch that carry it."""

    least: int = 0
    most: int = 0
    codes: set[str] = field(default_factory=set)
    got: list[str] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)


@dataclass(slots=True)
class Central:
    """The hostile central system: one line at a time, and the account of what it is owed."""

    mutator: Mutator
    lines: asyncio.Queue[ServerConnection] = field(default_factory=asyncio.Queue)
    wrong: list[str] = field(default_factory=list)
    answered: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    _owed: dict[Id, Owed] = field(default_factory=dict)
    _used: deque[Id] = field(default_factory=lambda: deque(maxlen=500))
    _open: set[Id] = field(default_factory=set)
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, line: ServerConnection) -> None:
        """Hear what the station says on one line: calls are answered, first wrongly."""
        self._open.clear()
        self.lines.put_nowait(line)
        with suppress(ConnectionClosed):
            async for message in line:
                await self._hear(line, json.loads(message))
        self._heard.set()

    async def batch(self, line: ServerConnection, length: int) -> None:
        """Send *length* frames, the last one good, and settle the account with its answer."""
        _hold(line, True)
        for _ in range(length - 1):
            await self._send(line, self.mutator.frame())
        self.sent += 1
        action, payload = GOOD[self.sent // GOOD_EVERY % len(GOOD)]
        good = f"good-{self.sent}"
        frame = json.dumps([2, good, action, payload])
        self._owes(frame, Verdict(good, frozenset({RESULT}), must=True))
        await line.send(frame)
        await self._until(line, lambda: good not in self._open)
        self._settle()

    async def close(self, line: ServerConnection) -> None:
        """Send a frame that must close the line, and see it close for that."""
        octets = self.mutator.closing()
        self.sent += 1
        _hold(line, False)
        await line.send(octets, text=True)
        async with asyncio.timeout(ANSWER_S):
            await line.wait_closed()
        due = judge(octets).closes
        if line.close_code != due:
            self.wrong.append(f"{octets[:80]!r} closed with {line.close_code}, not {due}")

    async def _send(self, line: ServerConnection, frame: Frame) -> None:
        verdict = judge(frame, text=isinstance(frame, str))
        self._owes(frame, verdict)
        self.sent += 1
        await line.send(frame)
        if len(self._open) >= QUEUED_MAX:
            await self._until(line, lambda: len(self._open) < QUEUED_MAX)

    def _owes(self, frame: Frame, verdict: Verdict) -> None:
        if verdict.unique_id is None:
            return
        owed = self._owed.setdefault(verdict.unique_id, Owed())
        repeats = verdict.unique_id in self._used
        owed.frames.append(frame)
        owed.codes |= verdict.codes
        owed.most += 1
        if repeats:
            owed.codes.add("GenericError")  # the id of another call, unless it is the same again
            owed.least = min(owed.least, 1)  # which may have been answered with the first
        else:
            owed.least += verdict.must
            self._used.append(verdict.unique_id)
            if verdict.codes & DECIDED:
                self._open.add(verdict.unique_id)

    async def _hear(self, line: ServerConnection, frame: list[Any]) -> None:
        if frame[0] == 2:  # noqa: PLR2004  this is CALL
            _, unique_id, action, _ = frame
            if action == "Heartbeat":
                await line.send(self.mutator.answer(unique_id))
            await line.send(json.dumps([3, unique_id, ANSWERS.get(action, {})]))
            return
        code = RESULT if frame[0] == 3 else str(frame[2])  # noqa: PLR2004  this is CALLRESULT
        self.answered[code] += 1
        owed = self._owed.get(frame[1])
        if owed is None:
            self.wrong.append(f"unasked: {json.dumps(frame)[:200]}")
            return
        owed.got.append(code)
        self._open.discard(frame[1])
        self._heard.set()

    async def _until(self, line: ServerConnection, true: Callable[[], bool]) -> None:
        _hold(line, False)
        try:
            async with asyncio.timeout(ANSWER_S):
                while not true():
                    if line.state is not State.OPEN:
                        raise Stuck(f"the line closed with {line.close_code} {line.close_reason}")
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError:
            self._settle()
            raise Stuck("no answer") from None
        _hold(line, True)

    def _settle(self) -> None:
        for owed in self._owed.values():
            due = owed.least <= len(owed.got) <= owed.most and owed.codes.issuperset(owed.got)
            if not due:
                frames = " and ".join(repr(frame[:300]) for frame in owed.frames)
                codes = " or ".join(sorted(owed.codes))
                frames = frames[:1000]
                self.wrong.append(f"{frames} got {owed.got}, due {codes}")
        self._owed.clear()
        self._open.clear()


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
    options = parser.parse_args(argv)
    began = time.monotonic()
    outcome = asyncio.run(fuzz(options.frames, options.seed))
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
    central = Central(Mutator(LAWFUL, Random(seed)))  # noqa: S311  a repeatable stream
    outcome = Outcome()
    subprotocols = [Subprotocol("ocpp1.6")]
    async with serve(
        central.serve,
        "127.0.0.1",
        0,
        subprotocols=subprotocols,
        compression=None,
        ping_interval=None,
    ) as listening:
        port = listening.sockets[0].getsockname()[1]
        url = f"ws://127.0.0.1:{port}"
        station = await started((sys.executable, "-m", module, url, *words))
        try:
            await _play(central, frames, station, outcome)
        except (Stuck, TimeoutError, ConnectionClosed, FileNotFoundError) as stuck:
            central.wrong.append(f"after {central.sent} frames: {stuck!r}")
            with suppress(TimeoutError):
                await asyncio.wait_for(station.wait(), 1)
        outcome.crashes = int(station.returncode is not None)
        await ended(station)
    outcome.frames, outcome.wrong, outcome.answered = central.sent, central.wrong, central.answered
    return outcome


async def _play(central: Central, frames: int, station: Process, outcome: Outcome) -> None:
    line = await _line(central)
    warm_mib = None
    while central.sent < frames and not central.wrong[SHOWN:]:
        closes = central.sent % CLOSING_EVERY >= CLOSING_EVERY - GOOD_EVERY
        await central.batch(line, GOOD_EVERY - closes)
        if closes:
            await central.close(line)
            line = await _line(central)
        if warm_mib is None and central.sent >= min(WARM, frames // 2):
            warm_mib = memory_mib(station.pid)[0]
    outcome.growth_mib = max(0.0, memory_mib(station.pid)[0] - (warm_mib or 0.0))


def _hold(line: ServerConnection, held: bool) -> None:
    """Let frames leave together: else each would cost two processes a switch."""
    if not line.transport.is_closing():
        line.transport.get_extra_info("socket").setsockopt(IPPROTO_TCP, TCP_CORK, held)


async def _line(central: Central) -> ServerConnection:
    async with asyncio.timeout(ANSWER_S):
        return await central.lines.get()
