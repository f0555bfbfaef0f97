"""The loop steps in order, cuts at once, and never drops what must not be dropped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from edge.core.effects import Cut, Effect, Lamp, Send, Show, Write
from edge.core.events import Event, LinkUp, MeterRead, PowerFailing, TagPresented, Ticked
from edge.core.instant import Instant
from edge.core.messages import Heartbeat
from edge.core.quantities import Reading
from edge.core.records import Alive
from edge.runtime.loop import BURST, INBOX, Loop, Rules, Witness
from edge.runtime.pages import Page
from tests.runtime.toy import NOON, Bench, LoopClock, ToyState


def instant(monotonic: float = 0.0) -> Instant:
    return Instant(wall=NOON, monotonic=monotonic)


def sample(energy_wh: int, connector: int = 1, ticket: int | None = None) -> MeterRead:
    reading = Reading(at=instant(), energy_wh=energy_wh)
    return MeterRead(at=instant(), connector=connector, reading=reading, ticket=ticket)


def tap(tag: str) -> TagPresented:
    return TagPresented(at=instant(), id_tag=tag)


def notes(state: ToyState, event: Event) -> tuple[ToyState, tuple[Effect, ...]]:
    """Remember the event and do nothing."""
    return ToyState(seen=(*state.seen, event), deadline=state.deadline), ()


def idle_loop(
    answer: Callable[[ToyState, Event], tuple[ToyState, tuple[Effect, ...]]],
    performed: list[Effect],
    pages: list[Page],
    state: ToyState | None = None,
    witness: Witness | None = None,
) -> Loop[ToyState]:
    return Loop(
        state or ToyState(),
        rules=Rules(
            step=answer,
            next_deadline=lambda state: state.deadline,
            permits_energy=lambda state, _: state.permits,
            permitted_a=lambda state, _: state.limit_a,
        ),
        clock=LoopClock(),
        perform=performed.append,
        append=pages.append,
        witness=witness,
    )


async def run_until(loop: Loop[ToyState], condition: Callable[[], bool]) -> None:
    """Run *loop* until *condition* holds, at most a second."""
    task = asyncio.ensure_future(loop.run())
    try:
        async with asyncio.timeout(1):
            while not condition():
                await loop.come_round()
                await asyncio.sleep(0)
    finally:
        task.cancel()


async def test_cut_and_show_are_done_at_once_and_the_rest_becomes_one_page() -> None:
    """Off first: two beats run in the loop, three wait behind the disk."""
    effects = (
        Cut(connector=1),
        Show(connector=1, lamp=Lamp.FAULTED),
        Write(record=Alive(at=instant())),
        Send(ticket=1, message_id="m", message=Heartbeat(), within_s=30),
    )
    performed: list[Effect] = []
    pages: list[Page] = []
    loop = idle_loop(lambda state, _event: (state, effects), performed, pages)
    loop.post(LinkUp(at=instant()))
    await run_until(loop, lambda: bool(pages))
    assert performed == [Cut(connector=1), Show(connector=1, lamp=Lamp.FAULTED)]
    (page,) = pages
    assert page.records == (Alive(at=instant()),)
    assert page.tell == (effects[3],)


async def test_a_step_without_effects_leaves_no_page() -> None:
    """An empty page would hold up nothing but its own bookkeeping."""
    pages: list[Page] = []
    loop = idle_loop(notes, [], pages)
    loop.post(LinkUp(at=instant()))
    await run_until(loop, lambda: len(loop.state.seen) == 1)
    assert pages == []


async def test_unasked_samples_coalesce_to_the_newest_per_connector() -> None:
    """Latest wins; an answer to a request is never dropped."""
    loop = idle_loop(notes, [], [])
    asked = sample(1, ticket=7)
    for event in (sample(1), asked, sample(2), sample(9, connector=2), sample(3)):
        loop.post(event)
    await run_until(loop, lambda: len(loop.state.seen) == 3)
    assert loop.state.seen == (asked, sample(9, connector=2), sample(3))


async def test_a_full_inbox_refuses_taps_beyond_three_and_nothing_else() -> None:
    """OCPP and link events are promises: they are never dropped."""
    loop = idle_loop(notes, [], [])
    for _ in range(INBOX):
        loop.post(LinkUp(at=instant()))
    for number in range(5):
        loop.post(tap(f"T{number}"))
    loop.post(PowerFailing(at=instant()))
    await run_until(loop, lambda: PowerFailing(at=instant()) in loop.state.seen)
    taps = [event.id_tag for event in loop.state.seen if isinstance(event, TagPresented)]
    assert taps == ["T0", "T1", "T2"]
    assert sum(isinstance(event, LinkUp) for event in loop.state.seen) == INBOX


async def test_the_deadline_is_delivered_when_it_comes_and_not_before() -> None:
    """Time is data: the core names the moment, the loop keeps it."""
    started = asyncio.get_running_loop().time()

    def once(state: ToyState, event: Event) -> tuple[ToyState, tuple[Effect, ...]]:
        return ToyState(seen=(*state.seen, event)), ()

    loop = idle_loop(once, [], [], ToyState(deadline=started + 0.05))
    await run_until(loop, lambda: bool(loop.state.seen))
    (tick,) = loop.state.seen
    assert isinstance(tick, Ticked)
    assert tick.at.monotonic >= started + 0.05


async def test_a_deadline_that_the_step_leaves_standing_does_not_spin() -> None:
    """A core's bug may cost a hundred ticks a second, never the whole processor."""
    loop = idle_loop(notes, [], [], ToyState(deadline=0.0))
    begun = asyncio.get_running_loop().time()
    await run_until(loop, lambda: asyncio.get_running_loop().time() > begun + 0.1)
    assert 2 <= len(loop.state.seen) <= 12


async def test_to_come_round_is_to_have_stepped_all_that_was_posted_before() -> None:
    """Whoever posts and then waits for the disk must not wait for what came before it."""
    loop = idle_loop(notes, [], [])
    working = asyncio.ensure_future(loop.run())
    for _ in range(2 * BURST):
        loop.post(LinkUp(at=instant()))
    await loop.come_round()
    assert len(loop.state.seen) == 2 * BURST
    working.cancel()


async def test_nobody_who_went_away_holds_the_loop_up() -> None:
    """A caller that gave up waiting is passed over."""
    loop = idle_loop(notes, [], [])
    gone = asyncio.ensure_future(loop.come_round())
    await asyncio.sleep(0)
    gone.cancel()
    loop.post(LinkUp(at=instant()))
    await run_until(loop, lambda: bool(loop.state.seen))
    assert gone.cancelled()


async def test_safety_19_a_failing_step_ends_the_loop_and_changes_nothing() -> None:
    """Safety 19: bugs are crashes; a state after one would be a guess, a second try the same."""

    def broken(_state: ToyState, _event: Event) -> tuple[ToyState, tuple[Effect, ...]]:
        raise ZeroDivisionError

    loop = idle_loop(broken, [], [])
    loop.post(LinkUp(at=instant()))
    with pytest.raises(ZeroDivisionError):
        await loop.run()
    assert loop.state == ToyState()
    assert loop.turn == 1


async def test_other_threads_enter_by_their_own_door() -> None:
    """Callbacks of gpiozero come from its threads."""
    loop = idle_loop(notes, [], [])
    thread = threading.Thread(target=loop.post_threadsafe, args=(LinkUp(at=instant()),))
    thread.start()
    await run_until(loop, lambda: bool(loop.state.seen))
    thread.join()
    assert loop.state.seen == (LinkUp(at=instant()),)


async def test_crash_points_of_a_whole_step_are_passed_in_order() -> None:
    """The sweep cuts the power at each of them."""
    effects = (
        Show(connector=1, lamp=Lamp.READY),
        Write(record=Alive(at=instant())),
        Send(ticket=1, message_id="m", message=Heartbeat(), within_s=30),
    )
    async with Bench(lambda state, _event: (state, effects)) as bench:
        bench.loop.post(LinkUp(at=instant()))
        await bench.settled()
    assert bench.points == ["after_show", "before_commit", "after_commit", "before_tell"]


class Log:
    """A witness that writes everything down."""

    def __init__(self, performed: list[Effect]) -> None:
        self.performed = performed
        self.told: list[tuple[object, ...]] = []

    def stepped(self, before: Any, event: Event, effects: Sequence[Effect]) -> None:
        self.told.append((before, event, tuple(effects), tuple(self.performed)))

    def raised(self, before: Any, event: Event, error: BaseException) -> None:
        self.told.append((before, event, str(error)))


async def test_the_witness_hears_of_a_step_when_what_makes_safe_is_done() -> None:
    """Off first: not even the flight recorder comes before it."""
    cut = Cut(connector=1)
    performed: list[Effect] = []
    log = Log(performed)
    loop = idle_loop(lambda state, _event: (state, (cut,)), performed, [], witness=log)
    before, event = loop.state, LinkUp(at=instant())
    loop.post(event)
    await run_until(loop, lambda: bool(log.told))
    assert log.told == [(before, event, (cut,), (cut,))]


async def test_safety_19_the_witness_hears_of_the_event_that_ended_the_loop() -> None:
    """Safety 19: it is the one that matters most."""

    def breaks(_state: ToyState, _event: Event) -> tuple[ToyState, tuple[Effect, ...]]:
        raise ValueError("broken")

    log = Log([])
    loop = idle_loop(breaks, [], [], witness=log)
    before, event = loop.state, LinkUp(at=instant())
    loop.post(event)
    with pytest.raises(ValueError, match="broken"):
        await loop.run()
    assert log.told == [(before, event, "broken")]
