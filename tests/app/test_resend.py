"""Dead letters told again: what is read of them is what the core knows, however busy it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edge.app.letters import MOST_RESENT, SHOWN, Resender, listed
from edge.core.deadlines import next_deadline
from edge.core.events import Event, Ticked
from edge.core.levels import permits_energy, permitted_a
from edge.core.messages import TransactionMessage
from edge.core.outbox import HEAD
from edge.core.records import Parked, Record, Refused, TransactionStopped
from edge.core.restore import restore
from edge.core.state import ChargePoint
from edge.core.step import step
from edge.core.wishes import ResendAsked
from edge.drivers.journal import SqliteJournal, open_journal
from edge.drivers.system_clock import SystemClock
from edge.errors import ConfigError
from edge.runtime.loop import BURST, Loop, Rules
from edge.runtime.recorder import Recorder
from tests.app.test_letters import letter
from tests.core.bench import at, setup
from tests.drivers.test_journal import opened, queued, samples, start_message, stop_message


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
async def desk(directory: Path, rows: Sequence[Record]) -> AsyncIterator[Desk]:
    """A station with *rows* in its journal."""
    clock = SystemClock()
    async with open_journal(directory / "j") as journal, asyncio.TaskGroup() as group:
        await journal.commit(rows)
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


def letters(count: int) -> list[Record]:
    """So many dead letters without a session, from 1 on."""
    return [row for seq in range(1, count + 1) for row in letter(seq)]


def two_sessions() -> list[Record]:
    """Sessions 1 and 2, the first with the letters 1, 3 and 5, and a letter 6 of none."""
    messages: dict[int, TransactionMessage] = {1: start_message(), 3: samples(), 5: stop_message()}
    mine = [queued(seq, message, ref=1) for seq, message in messages.items()]
    others = [queued(2, start_message(), ref=2), queued(4, samples(), ref=2)]
    over = [TransactionStopped(ref=ref, end_wh=1420, at=at(40), estimated=False) for ref in (1, 2)]
    refused = [Parked(seq=seq, at=at(50), code="Timeout", description="") for seq in range(1, 7)]
    sessions: list[Record] = [opened(1), opened(2), *over]
    return [*sessions, *mine, *others, queued(6, samples(), ref=None), *refused]


async def test_a_busy_loop_has_resent_what_is_said_to_be_resent(tmp_path: Path) -> None:
    """Ruling 15: the answer is given when the letters wait again, on the disk, and counted."""
    async with desk(tmp_path, letters(2)) as at_work:
        assert await at_work.resend() == {"resent": [1, 2], "left": 0}
        assert await at_work.journal.dead_letters() == ()
        assert await at_work.resend() == {"resent": [], "left": 0}
        assert at_work.waiting_and_dead == (2, 0)


async def test_an_asking_that_was_given_up_is_not_taken_twice(tmp_path: Path) -> None:
    """I3: whoever asks next finds the letters waiting, and the count is right."""
    async with desk(tmp_path, letters(2)) as at_work:
        gone = asyncio.ensure_future(at_work.resend())
        await at_work.loop.asked.wait()
        gone.cancel()
        assert await at_work.resend() == {"resent": [], "left": 0}
        assert at_work.waiting_and_dead == (2, 0)


@pytest.mark.parametrize(
    ("named", "resent"), [([3], [1, 3, 5]), ([4, 5], [1, 2, 3, 4, 5]), ([6], [6])]
)
async def test_a_named_letter_takes_its_session_along(
    tmp_path: Path, named: list[int], resent: list[int]
) -> None:
    """Ruling 15: start, samples and stop go as a group; what is of no session goes alone."""
    async with desk(tmp_path, two_sessions()) as at_work:
        answer = await at_work.resend(named)
        assert answer == {"resent": resent, "left": 6 - len(resent)}


async def test_a_number_that_is_no_letter_resends_nothing(tmp_path: Path) -> None:
    """A slip of the finger is told, whatever else was named."""
    async with desk(tmp_path, two_sessions()) as at_work:
        with pytest.raises(ConfigError, match="the number 7, 9"):
            await at_work.resend([1, 9, 7])
        assert at_work.waiting_and_dead == (0, 6)


@pytest.mark.parametrize("names_them", [False, True])
async def test_more_than_go_at_once_go_in_turn(tmp_path: Path, *, names_them: bool) -> None:
    """All of them are in the state until they are told: the oldest first, the rest is counted."""
    async with desk(tmp_path, letters(MOST_RESENT + 2)) as at_work:
        seqs = list(range(1, MOST_RESENT + 3))
        answer = await at_work.resend(seqs if names_them else None)
        assert answer == {"resent": seqs[:MOST_RESENT], "left": 2}
        rest = seqs[MOST_RESENT:]
        assert await at_work.resend(rest if names_them else None) == {"resent": rest, "left": 0}


async def test_a_number_that_is_no_letter_is_told_of_many(tmp_path: Path) -> None:
    """The limit is no excuse for what lies before it."""
    async with desk(tmp_path, letters(MOST_RESENT + 2)) as at_work:
        with pytest.raises(ConfigError, match="the number 0:"):
            await at_work.resend(range(MOST_RESENT + 3))
        assert at_work.waiting_and_dead == (0, MOST_RESENT + 2)


async def test_the_list_stops_and_the_count_does_not(tmp_path: Path) -> None:
    """A station that was refused for years: neither the disk's thread nor the loop stands still."""
    async with desk(tmp_path, letters(SHOWN + 2)) as at_work:
        answer = await listed(at_work.journal, at_work.loop.state, set())
        assert answer["dead_letter_count"] == SHOWN + 2
        assert [one["seq"] for one in answer["dead_letters"]] == list(range(1, SHOWN + 1))


async def test_what_waits_far_behind_of_a_resent_start_has_a_new_id(tmp_path: Path) -> None:
    """Ruling 7, I4: it may have been sent as -1; its attempts are its own, and others keep ids."""
    older = [queued(seq, samples(), ref=None) for seq in range(1, HEAD + 1)]
    start, mine, other = HEAD + 1, HEAD + 2, HEAD + 3
    rows: list[Record] = [
        opened(),
        TransactionStopped(ref=1, end_wh=1420, at=at(40), estimated=False),
        *older,
        queued(start, start_message()),
        queued(mine, samples()),
        queued(other, samples(), ref=None),
        Parked(seq=start, at=at(50), code="Timeout", description=""),
        Refused(seq=mine, attempts=2, message_id="sent-as-minus-one"),
    ]
    async with desk(tmp_path, rows) as at_work:
        before = await at_work.journal.read_outbox(0, 2 * HEAD)
        await at_work.resend([start])
        after = await at_work.journal.read_outbox(0, 2 * HEAD)
    assert [one.seq for one in after] == [*range(1, other + 1)]
    fresh = {one.seq for one in after} - {one.seq for one in after if one in before}
    assert fresh == {start, mine}
    (renamed,) = [one for one in after if one.seq == mine]
    assert renamed.attempts == 2
    assert renamed.message_id != "sent-as-minus-one"
