"""A toy core and toy drivers: enough to watch the order of beats."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from edge.core.effects import Effect
from edge.core.events import Event
from edge.core.instant import Instant
from edge.core.records import Queued, Record
from edge.core.saved import Saved
from edge.errors import JournalFailed
from edge.runtime.loop import Loop, Rules
from edge.runtime.recorder import Recorder

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class LoopClock:
    """The event loop's own time as monotonic, with a wall to match."""

    def now(self) -> Instant:
        return Instant(wall=NOON, monotonic=asyncio.get_running_loop().time())

    def learn(self, wall_at: Instant) -> None:
        raise AssertionError(wall_at)


class ToyJournal:
    """Keeps commits in a list; stalls while `gate` is closed, fails as `failures` say."""

    def __init__(self) -> None:
        self.commits: list[tuple[Record, ...]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.failures: list[str] = []

    async def load(self) -> Saved:
        return Saved()

    async def commit(self, records: Sequence[Record]) -> None:
        self.entered.set()
        await self.gate.wait()
        if self.failures:
            kind = self.failures.pop(0)
            raise JournalFailed(kind, f"planted {kind}")
        self.commits.append(tuple(records))

    async def read_outbox(self, after_seq: int, limit: int) -> tuple[Queued, ...]:
        rows = [record for commit in self.commits for record in commit]
        messages = [row for row in rows if isinstance(row, Queued) and row.seq > after_seq]
        return tuple(messages[:limit])


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyState:
    """What the toy core remembers."""

    seen: tuple[Event, ...] = ()
    permits: bool = True
    limit_a: float = 32.0
    deadline: float | None = None


Answer = Callable[[ToyState, Event], tuple[ToyState, tuple[Effect, ...]]]


@dataclass
class Bench:
    """Loop and recorder on toy parts; `done` lists what was performed, in order."""

    answer: Answer
    journal: ToyJournal = field(default_factory=ToyJournal)
    done: list[Effect] = field(default_factory=list)
    points: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = LoopClock()
        self.recorder = Recorder(
            journal=self.journal, perform=self.done.append, clock=clock, probe=self.points.append
        )
        self.loop = Loop(
            ToyState(),
            rules=Rules(
                step=self.answer,
                next_deadline=lambda state: state.deadline,
                permits_energy=lambda state, _connector: state.permits,
                permitted_a=lambda state, _connector: state.limit_a,
            ),
            clock=clock,
            perform=self.done.append,
            append=self.recorder.append,
            probe=self.points.append,
        )

    async def __aenter__(self) -> Self:
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        self._tasks = [
            self._group.create_task(self.loop.run()),
            self._group.create_task(self.recorder.run(self.loop.post, self.loop.permits)),
        ]
        return self

    async def __aexit__(self, *failure: object) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(None, None, None)

    async def settled(self) -> None:
        """Return when all posted events are stepped and all their pages carried out."""
        await self.loop.come_round()
        await self.recorder.caught_up()
