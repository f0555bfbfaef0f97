"""Rows that may wait: an acknowledged sample costs the card no commit of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import wraps

import pytest

from edge.core.effects import Effect, ReadOutbox, Send, Write
from edge.core.events import Event
from edge.core.messages import Heartbeat
from edge.core.records import ConfigurationChanged, Delivered
from edge.runtime.pages import page_of
from edge.runtime.recorder import OWED, OWED_S, Recorder
from tests.runtime.toy import LoopClock, ToyJournal
from tests.world.loop import VirtualLoop, elapse

TELL = Send(ticket=1, message_id="m", message=Heartbeat(), within_s=30)
ROW = ConfigurationChanged(key="a", value="")
READ = ReadOutbox(ticket=1, after_seq=0, limit=64)


def virtually(test: Callable[..., Coroutine[None, None, None]]) -> Callable[..., None]:
    """Run *test* where an hour costs nothing."""

    @wraps(test)
    def run(**given: object) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(**given))

    return run


@dataclass
class Desk:
    """A recorder at work, what it wrote and what it did."""

    journal: ToyJournal = field(default_factory=ToyJournal)
    done: list[Effect] = field(default_factory=list)
    heard: list[Event] = field(default_factory=list)
    turn: int = 0

    def __post_init__(self) -> None:
        self.recorder = Recorder(journal=self.journal, perform=self.done.append, clock=LoopClock())

    def take(self, *effects: Effect) -> None:
        """One step's effects."""
        self.turn += 1
        self.recorder.append(page_of(self.turn, effects))


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    working = made.recorder.run(made.heard.append, lambda _turn, _effect: True)
    task = asyncio.ensure_future(working)
    try:
        yield made
    finally:
        task.cancel()


def ack(seq: int, *, may_wait: bool = True) -> Write:
    return Write(record=Delivered(seq=seq, may_wait=may_wait))


@virtually
async def test_it_goes_with_the_next_commit_before_its_rows() -> None:
    """One commit per sample, not two; the order of the rows stays."""
    async with desk() as made:
        made.take(ack(1), TELL)
        await elapse(30)
        assert made.journal.commits == []
        assert made.done == [TELL]
        assert made.recorder.owed == (ack(1).record,)
        made.take(Write(record=ROW))
        await elapse(0)
        assert made.journal.commits == [(ack(1).record, ROW)]
        assert not made.recorder.owed


@virtually
async def test_an_answer_that_must_not_be_asked_again_is_written_at_once() -> None:
    """The next message waits for it: a row that allows a word never waits."""
    async with desk() as made:
        made.journal.gate.clear()
        made.take(ack(1, may_wait=False), TELL)
        await elapse(1)
        assert made.done == []
        made.journal.gate.set()
        await elapse(0)
        assert made.journal.commits == [(ack(1, may_wait=False).record,)]
        assert made.done == [TELL]


@virtually
async def test_it_is_written_alone_when_nothing_else_comes() -> None:
    """Once, and the wait of the next begins anew."""
    async with desk() as made:
        for seq in (1, 2):
            made.take(ack(seq))
            await elapse(OWED_S - 1)
            assert len(made.journal.commits) == seq - 1
            await elapse(2)
            assert made.journal.commits[seq - 1 :] == [(ack(seq).record,)]
        await elapse(10 * OWED_S)
        assert len(made.journal.commits) == 2


@virtually
async def test_they_are_bounded() -> None:
    """A power cut lets no more than these go out again."""
    async with desk() as made:
        for seq in range(OWED + 1):
            made.take(ack(seq))
        await elapse(1)
        assert [row for commit in made.journal.commits for row in commit] == [
            ack(seq).record for seq in range(OWED + 1)
        ]
        assert not made.recorder.owed


@pytest.mark.parametrize("own", [True, False])
@virtually
async def test_the_outbox_is_read_with_them_written(own: bool) -> None:
    """Else it would find the message that was answered, and send it again."""
    async with desk() as made:
        if own:
            made.take(ack(1), READ)
        else:
            made.take(ack(1))
            made.take(READ)
        made.journal.gate.clear()
        await elapse(1)
        assert made.done == []
        made.journal.gate.set()
        await elapse(0)
        assert made.journal.commits == [(ack(1).record,)]
        assert made.done == [READ]


@virtually
async def test_who_waits_for_all_rows_waits_for_these() -> None:
    """An orderly end leaves nothing to be sent again."""
    async with desk() as made:
        made.take(ack(1))
        await elapse(1)
        await made.recorder.caught_up()
        assert made.journal.commits == [(ack(1).record,)]
        await made.recorder.caught_up()
        made.take(ack(2))
        await elapse(1)
        assert len(made.journal.commits) == 1


@virtually
async def test_a_commit_that_fails_keeps_them() -> None:
    """They are owed until the disk has them."""
    async with desk() as made:
        made.take(ack(1))
        await elapse(1)
        made.journal.failures = ["full", "full"]
        made.take(Write(record=ROW))
        await elapse(60)
        assert made.journal.commits == [(ack(1).record, ROW)]
