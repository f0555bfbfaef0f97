"""The hostile end of `fuzz`, whichever side it plays: frames out, answers in, and what is due."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from socket import IPPROTO_TCP, TCP_CORK
from typing import Any, Final

from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from scripts.benches.parts.mutations import Frame, Mutator
from tests.ocppj.oracle import RESULT, Verdict

GOOD_EVERY: Final = 100
QUEUED_MAX: Final = 3
"""Calls sent ahead of their answers, not counting repeats: the victim hangs up beyond eight."""
DECIDED: Final = frozenset({RESULT, "NotSupported"})
"""Answers that are given in turn; other refusals come at once."""
WRONG_FIRST: Final = frozenset({"Heartbeat", "TriggerMessage"})
"""Calls of the victim's that get a wrong answer first, which it must survive."""
ANSWER_S: Final = 20.0
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
class Hostile:
    """One end of the wire that means harm, one line at a time, and the account of what it is owed.

    *judge* says what a frame is owed, *good* are calls that must be answered, *answers* those that
    are given to the victim's own calls, after a wrong one.
    """

    mutator: Mutator
    judge: Callable[..., Verdict]
    good: Sequence[tuple[str, dict[str, Any]]]
    answers: Mapping[str, dict[str, Any]]
    wrong: list[str] = field(default_factory=list)
    answered: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    _owed: dict[Id, Owed] = field(default_factory=dict)
    _used: deque[Id] = field(default_factory=lambda: deque(maxlen=500))
    _open: set[Id] = field(default_factory=set)
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def hear(self, line: Connection) -> None:
        """Hear what the victim says on one line until it closes: calls are answered."""
        self._open.clear()
        with suppress(ConnectionClosed):
            async for message in line:
                await self._hear(line, json.loads(message))
        self._heard.set()

    async def batch(self, line: Connection, length: int) -> None:
        """Send *length* frames, the last one good, and settle the account with its answer."""
        _hold(line, True)
        for _ in range(length - 1):
            await self._send(line, self.mutator.frame())
        self.sent += 1
        action, payload = self.good[self.sent // GOOD_EVERY % len(self.good)]
        good = f"good-{self.sent}"
        frame = json.dumps([2, good, action, payload])
        self._owes(frame, Verdict(good, frozenset({RESULT}), must=True))
        await line.send(frame)
        await self._until(line, lambda: good not in self._open)
        self._settle()

    async def close(self, line: Connection) -> None:
        """Send a frame that must close the line, and see it close for that."""
        octets = self.mutator.closing()
        self.sent += 1
        _hold(line, False)
        await line.send(octets, text=True)
        async with asyncio.timeout(ANSWER_S):
            await line.wait_closed()
        due = self.judge(octets).closes
        if line.close_code != due:
            self.wrong.append(f"{octets[:80]!r} closed with {line.close_code}, not {due}")

    async def _send(self, line: Connection, frame: Frame) -> None:
        verdict = self.judge(frame, text=isinstance(frame, str))
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

    async def _hear(self, line: Connection, frame: list[Any]) -> None:
        if frame[0] == 2:  # noqa: PLR2004  this is CALL
            _, unique_id, action, _ = frame
            if action in WRONG_FIRST:
                await line.send(self.mutator.answer(unique_id))
            await line.send(json.dumps([3, unique_id, self.answers.get(action, {})]))
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

    async def _until(self, line: Connection, true: Callable[[], bool]) -> None:
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


def _hold(line: Connection, held: bool) -> None:
    """Let frames leave together: else each would cost two processes a switch."""
    if not line.transport.is_closing():
        line.transport.get_extra_info("socket").setsockopt(IPPROTO_TCP, TCP_CORK, held)
