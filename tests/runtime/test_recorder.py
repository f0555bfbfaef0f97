"""Behind the disk: nothing is energised or told before it is written."""

from __future__ import annotations

import asyncio

import pytest

from edge.core.effects import Cut, Effect, Energise, Raise, ReadOutbox, Reduce, Send, Store, Write
from edge.core.events import (
    Event,
    JournalHealed,
    JournalLost,
    LinkDown,
    LinkUp,
    OutboxRead,
    PowerFailing,
    PowerReturned,
    Stored,
)
from edge.core.instant import Instant
from edge.core.messages import Heartbeat, MeterValue, MeterValues, SampledValue, StartTransaction
from edge.core.records import Alive, ConfigurationChanged, Metered, Queued
from edge.core.vocabulary import ReadingContext
from edge.runtime.lookup import Lookup
from edge.runtime.pages import page_of
from edge.runtime.recorder import PAGES, Recorder
from edge.runtime.supervise import guarded
from tests.runtime.toy import NOON, Bench, LoopClock, ToyJournal, ToyState

AT = Instant(wall=NOON, monotonic=0.0)
START, STOP, AGAIN = LinkUp(at=AT), LinkDown(at=AT, why=""), PowerFailing(at=AT)
BREAK = PowerReturned(at=AT)
TELL = Send(ticket=1, message_id="m", message=Heartbeat(), within_s=30)


def ignore(_effect: Effect) -> None:
    """These pages carry rows only."""


def row(key: str) -> Write:
    return Write(record=ConfigurationChanged(key=key, value=""))


def session(state: ToyState, event: Event) -> tuple[ToyState, tuple[Effect, ...]]:
    """START energises behind its row, STOP cuts at once, AGAIN permits anew; all else is noted."""
    seen = (*state.seen, event)
    if event == START:
        return ToyState(seen=seen), (row("start"), Energise(connector=1), TELL)
    if event == STOP:
        return ToyState(seen=seen, permits=False), (Cut(connector=1), row("stop"))
    if event == AGAIN:
        return ToyState(seen=seen), (row("again"), Energise(connector=1))
    return ToyState(seen=seen, permits=state.permits), ()


def session_that_breaks(state: ToyState, event: Event) -> tuple[ToyState, tuple[Effect, ...]]:
    """The same, with a bug at BREAK."""
    if event == BREAK:
        raise ZeroDivisionError
    return session(state, event)


async def test_rows_come_before_energy_and_energy_before_words() -> None:
    """RECORD < ENERGISE < TELL."""
    order: list[object] = []
    journal = ToyJournal()
    recorder = Recorder(journal=journal, perform=order.append, clock=LoopClock())
    recorder.append(page_of(1, [row("a"), Energise(connector=1), TELL]))
    journal.gate.clear()
    task = asyncio.ensure_future(recorder.run(order.append, lambda _turn, _effect: True))
    await journal.entered.wait()
    assert order == []
    journal.gate.set()
    await recorder.caught_up()
    task.cancel()
    assert journal.commits == [(ConfigurationChanged(key="a", value=""),)]
    assert order == [Energise(connector=1), TELL]


async def test_a_cut_passes_a_stalled_disk_within_milliseconds() -> None:
    """Ruling 1: the safety path does not sit behind the card."""
    async with Bench(session) as bench:
        bench.journal.gate.clear()
        bench.loop.post(START)
        await bench.journal.entered.wait()
        asked = asyncio.get_running_loop().time()
        bench.loop.post(STOP)
        await bench.loop.come_round()
        assert Cut(connector=1) in bench.done
        took_s = asyncio.get_running_loop().time() - asked
        bench.journal.gate.set()
        await bench.settled()
    assert took_s < 0.05


async def test_energy_is_withdrawn_when_the_newest_state_forbids_it() -> None:
    """The order to close was right when it was made, and is wrong when the disk is through."""
    async with Bench(session) as bench:
        bench.journal.gate.clear()
        bench.loop.post(START)
        await bench.journal.entered.wait()
        bench.loop.post(STOP)
        await bench.loop.come_round()
        bench.journal.gate.set()
        await bench.settled()
    assert Energise(connector=1) not in bench.done
    assert TELL in bench.done


async def test_safety_19_a_commit_that_comes_through_behind_a_crash_closes_nothing() -> None:
    """Safety 19: the order was in the page that was being written when the core failed."""
    bench = Bench(session_that_breaks)
    before: list[Effect] = []

    def cut() -> None:
        bench.loop.stand_down()
        before.extend(bench.done)

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            for name, work in (
                ("loop", bench.loop.run()),
                ("recorder", bench.recorder.run(bench.loop.post, bench.loop.permits)),
            ):
                group.create_task(guarded(name, work, cut_all=cut))
            bench.journal.gate.clear()
            bench.loop.post(START)
            await bench.journal.entered.wait()
            bench.loop.post(BREAK)
            bench.journal.gate.set()  # both wake in the same turn, the loop first

    with pytest.raises(ExceptionGroup):
        await both()
    assert before == []
    assert bench.done == [TELL]


async def test_an_old_order_does_not_pass_for_a_new_one() -> None:
    """Start, stop, start again while the disk stalls: only the last order closes."""
    async with Bench(session) as bench:
        bench.journal.gate.clear()
        bench.loop.post(START)
        await bench.journal.entered.wait()
        bench.journal.entered.clear()
        bench.loop.post(STOP)
        bench.loop.post(AGAIN)
        await bench.loop.come_round()
        await bench.loop.come_round()
        bench.journal.gate.set()
        await bench.settled()
    assert bench.done == [Cut(connector=1), TELL, Energise(connector=1)]
    assert bench.points.count("after_commit") == 2


async def test_an_old_raise_does_not_undo_a_newer_reduction() -> None:
    """Less first, more last (ruling 2)."""

    def limits(state: ToyState, event: Event) -> tuple[ToyState, tuple[Effect, ...]]:
        if event == START:
            return state, (row("more"), Raise(connector=1, limit_a=32.0))
        return state, (Reduce(connector=1, limit_a=6.0),)

    async with Bench(limits) as bench:
        bench.journal.gate.clear()
        bench.loop.post(START)
        await bench.journal.entered.wait()
        bench.loop.post(STOP)
        await bench.loop.come_round()
        bench.journal.gate.set()
        await bench.settled()
    assert bench.done == [Reduce(connector=1, limit_a=6.0)]


async def test_pages_that_wait_share_one_commit() -> None:
    """A stalled card becomes a group commit, in the order of the steps."""
    async with Bench(session) as bench:
        bench.journal.gate.clear()
        bench.loop.post(START)
        await bench.journal.entered.wait()
        for _ in range(3):
            bench.loop.post(AGAIN)
        await bench.loop.come_round()
        bench.journal.gate.set()
        await bench.settled()
    keys = [[getattr(record, "key", "") for record in commit] for commit in bench.journal.commits]
    assert keys == [["start"], ["again", "again", "again"]]


async def test_nothing_is_told_while_the_commit_fails_and_all_of_it_after() -> None:
    """Nothing unwritten is ever told; the core hears of loss and healing, once each."""
    async with Bench(session) as bench:
        bench.journal.failures = ["full", "full"]
        bench.loop.post(START)
        await bench.loop.come_round()
        await bench.recorder.caught_up()
        await bench.settled()
    assert bench.done == [Energise(connector=1), TELL]
    attempts = ["before_commit"] * 3
    assert bench.points == [
        "after_show",
        *attempts,
        "after_commit",
        "after_energise",
        "before_tell",
    ]
    told = [e for e in bench.loop.state.seen if isinstance(e, JournalLost | JournalHealed)]
    assert [type(event) for event in told] == [JournalLost, JournalHealed]
    assert getattr(told[0], "kind", None) == "full"


async def test_pages_without_rows_keep_their_place_behind_a_dead_disk() -> None:
    """A word about a later state must not overtake the row of an earlier one."""
    journal = ToyJournal()
    done: list[Effect] = []
    recorder = Recorder(journal=journal, perform=done.append, clock=LoopClock())
    first = Send(ticket=1, message_id="first", message=Heartbeat(), within_s=30)
    last = Send(ticket=2, message_id="last", message=Heartbeat(), within_s=30)
    recorder.append(page_of(1, [first]))
    recorder.append(page_of(2, [row("a"), TELL]))
    recorder.append(page_of(3, [last]))
    journal.gate.clear()
    task = asyncio.ensure_future(recorder.run(lambda _event: None, lambda _t, _e: True))
    await journal.entered.wait()
    assert done == [first]
    journal.gate.set()
    await recorder.caught_up()
    task.cancel()
    assert done == [first, TELL, last]


async def test_only_spare_samples_are_lost_when_pages_pile_up() -> None:
    """I9: never Begin, End or state."""

    def queued(seq: int, context: ReadingContext) -> Queued:
        value = SampledValue(value="1", context=context)
        message = MeterValues(
            connector_id=1,
            meter_value=(MeterValue(timestamp=AT, sampled_value=(value,)),),
        )
        return Queued(seq=seq, ref=1, message_id=str(seq), message=message, at=AT)

    begin = queued(1, ReadingContext.TRANSACTION_BEGIN)
    start = Queued(
        seq=2,
        ref=1,
        message_id="2",
        message=StartTransaction(connector_id=1, id_tag="A", meter_start=0, timestamp=AT),
        at=AT,
    )
    journal = ToyJournal()
    recorder = Recorder(journal=journal, perform=ignore, clock=LoopClock())
    for turn in range(PAGES - 2):
        recorder.append(
            page_of(turn, [Write(record=queued(turn + 10, ReadingContext.SAMPLE_PERIODIC))])
        )
    recorder.append(page_of(900, [Write(record=begin), Write(record=Alive(at=AT))]))
    recorder.append(page_of(901, [Write(record=start)]))
    assert recorder.waiting == PAGES
    recorder.append(page_of(902, [Write(record=Metered(ref=1, energy_wh=5, at=AT)), TELL]))
    assert recorder.waiting == 3
    task = asyncio.ensure_future(recorder.run(lambda _event: None, lambda _t, _e: True))
    await recorder.caught_up()
    task.cancel()
    assert [record for commit in journal.commits for record in commit][:2] == [begin, start]


async def test_the_outbox_is_read_after_the_rows_of_earlier_steps() -> None:
    """A message on its way to the disk would otherwise be missing in the answer."""
    message = StartTransaction(connector_id=1, id_tag="A", meter_start=0, timestamp=AT)
    waiting = Queued(seq=1, ref=None, message_id="1", message=message, at=AT)
    journal = ToyJournal()
    lookup = Lookup(journal=journal, clock=LoopClock())

    def perform(effect: Effect) -> None:
        assert isinstance(effect, ReadOutbox)
        lookup.ask(effect)

    recorder = Recorder(journal=journal, perform=perform, clock=LoopClock())
    answers: list[Event] = []
    told = asyncio.Event()

    def post(event: Event) -> None:
        answers.append(event)
        told.set()

    journal.gate.clear()
    question = ReadOutbox(ticket=3, after_seq=0, limit=64)
    recorder.append(page_of(1, [Write(record=waiting)]))
    recorder.append(page_of(2, [question]))
    tasks = [
        asyncio.ensure_future(recorder.run(post, lambda _t, _e: True)),
        asyncio.ensure_future(lookup.run(post)),
    ]
    await journal.entered.wait()
    assert answers == []
    journal.gate.set()
    async with asyncio.timeout(1):
        await told.wait()
    for task in tasks:
        task.cancel()
    (answer,) = answers
    assert isinstance(answer, OutboxRead)
    assert (answer.ticket, answer.messages) == (3, (waiting,))


ROOM = Store(ticket=7, record=ConfigurationChanged(key="room", value=""))


def keeping(state: ToyState, event: Event) -> tuple[ToyState, tuple[Effect, ...]]:
    """START wants something stored beside a row; all else is noted."""
    effects = (row("must"), ROOM, TELL) if event == START else ()
    return ToyState(seen=(*state.seen, event)), effects


async def test_what_is_stored_is_one_commit_with_its_step_and_is_told() -> None:
    """`Stored` follows the disk."""
    async with Bench(keeping) as bench:
        bench.loop.post(START)
        await bench.settled()
        await bench.loop.come_round()
    assert bench.journal.commits == [(row("must").record, ROOM.record)]
    assert [one.failure for one in bench.loop.state.seen if isinstance(one, Stored)] == [None]


async def test_what_the_disk_does_not_take_is_given_up_for_good() -> None:
    """TC_043_3: the rest of the step is written at once, and the disk is not called bad."""
    async with Bench(keeping) as bench:
        bench.journal.failures = ["full"]
        bench.loop.post(START)
        await bench.settled()
        await bench.loop.come_round()
    assert bench.journal.commits == [(row("must").record,)]
    seen = bench.loop.state.seen
    assert [(one.ticket, one.failure) for one in seen if isinstance(one, Stored)] == [(7, "full")]
    assert not any(isinstance(one, JournalLost) for one in seen)
    assert bench.done == [TELL]


async def test_a_disk_that_is_bad_throughout_takes_nothing_to_store() -> None:
    """What comes while it is bad is given up too, not kept for later."""
    async with Bench(keeping) as bench:
        bench.journal.failures = ["io"] * 4
        bench.loop.post(START)
        await bench.journal.entered.wait()
        bench.loop.post(START)
        await bench.settled()
        await bench.loop.come_round()
    seen = bench.loop.state.seen
    assert [one.failure for one in seen if isinstance(one, Stored)] == ["io", "io"]
    assert bench.journal.commits == [(row("must").record, row("must").record)]
    assert sum(isinstance(one, JournalLost) for one in seen) == 1
    assert sum(isinstance(one, JournalHealed) for one in seen) == 1


async def test_nothing_is_committed_where_nothing_is_left_to_write() -> None:
    """A page that held nothing else goes on to what it tells."""
    told: list[Event] = []
    done: list[Effect] = []
    journal = ToyJournal()
    journal.failures = ["full"]
    recorder = Recorder(journal=journal, perform=done.append, clock=LoopClock())
    recorder.append(page_of(1, [ROOM, TELL]))
    task = asyncio.ensure_future(recorder.run(told.append, lambda _turn, _effect: True))
    await recorder.caught_up()
    task.cancel()
    assert journal.commits == []
    assert done == [TELL]
    assert [type(one) for one in told] == [Stored]
