"""Dead letters told again: what is read of them is what the core knows, however busy it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.app.letters import Resender
from edge.core.deadlines import next_deadline
from edge.core.events import Event, ResendAsked, Ticked
from edge.core.levels import permits_energy, permitted_a
from edge.core.restore import restore
from edge.core.state import ChargePoint
from edge.core.step import step
from edge.drivers.journal import SqliteJournal, open_journal
from edge.drivers.system_clock import SystemClock
from edge.runtime.loop import BURST, Loop, Rules
from edge.runtime.recorder import Recorder
from tests.app.test_letters import letter
from tests.core.bench import setup


class BusyLoop(Loop[ChargePoint]):
    """Much more than is stepped in a row waits in front of a resend."""

    def __init__(self, state: ChargePoint, **parts: Any) -> None:
        super().__init__(state, **parts)
        self.asked = asyncio.Event()

    def post(self, event: Event) -> None:
        if isinstance(event, ResendAsked):
            for _ in range(10 * BURST):
                super().post(Ticked(at=event.at))
            self.asked.set()
        super().post(event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Core, loop, recorder and journal of a station that is offline."""

    journal: SqliteJournal
    loop: BusyLoop
    recorder: Recorder
    clock: SystemClock
    resender: Resender

    async def resend(self, seqs: Sequence[int] | None = None) -> dict[str, Any]:
        now = self.clock.now()
        return await self.resender.resend(self.journal, self.loop, self.recorder, now, seqs)

    @property
    def waiting_and_dead(self) -> tuple[int, int]:
        """What the core counts."""
        outbox = self.loop.state.station.outbox
        return outbox.count, outbox.dead_letters


@asynccontextmanager
async def desk(directory: Path, seqs: Sequence[int]) -> AsyncIterator[Desk]:
    """A station with the dead letters *seqs*."""
    clock = SystemClock()
    async with open_journal(directory / "j") as journal, asyncio.TaskGroup() as group:
        await journal.commit([row for seq in seqs for row in letter(seq)])
        recorder = Recorder(journal=journal, perform=lambda _: None, clock=clock)
        rules = Rules(
            step=step,
            next_deadline=next_deadline,
            permits_energy=permits_energy,
            permitted_a=permitted_a,
        )
        state = restore(await journal.load(), setup(), clock.now())
        loop = BusyLoop(
            state, rules=rules, clock=clock, perform=lambda _: None, append=recorder.append
        )
        working = [
            group.create_task(loop.run()),
            group.create_task(recorder.run(loop.post, loop.permits)),
        ]
        yield Desk(journal=journal, loop=loop, recorder=recorder, clock=clock, resender=Resender())
        for task in working:
            task.cancel()


async def test_a_busy_loop_has_resent_what_is_said_to_be_resent(tmp_path: Path) -> None:
    """Ruling 15: the answer is given when the letters wait again, on the disk, and counted."""
    async with desk(tmp_path, (1, 2)) as at_work:
        assert await at_work.resend() == {"resent": [1, 2], "left": 0}
        assert await at_work.journal.dead_letters() == ()
        assert await at_work.resend() == {"resent": [], "left": 0}
        assert at_work.waiting_and_dead == (2, 0)


async def test_an_asking_that_was_given_up_is_not_taken_twice(tmp_path: Path) -> None:
    """I3: whoever asks next finds the letters waiting, and the count is right."""
    async with desk(tmp_path, (1, 2)) as at_work:
        gone = asyncio.ensure_future(at_work.resend())
        await at_work.loop.asked.wait()
        gone.cancel()
        assert await at_work.resend() == {"resent": [], "left": 0}
        assert at_work.waiting_and_dead == (2, 0)
