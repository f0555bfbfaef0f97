"""Expected failures are events, bugs are crashes, contactors first."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import get_args

import pytest

from edge.app.hardware import EVSE_RETRY_MOST_S, Hardware, at_work, backoff_of
from edge.config.settings import Supervision
from edge.core.effects import Effect, ReadMeter, Store, Write
from edge.core.events import DriverFound, DriverLost, Event, LinkUp, MeterFailed, Port
from edge.core.instant import Instant
from edge.errors import EvseFailed, MeterSilent, ReaderSilent
from edge.notifier import Notifier, feed_watchdog
from edge.ports import Post
from edge.runtime.beats import DEEDS, Outfit, perform
from edge.runtime.supervise import (
    Backoff,
    Worker,
    cut_all,
    endured,
    guarded,
    spared,
    supervise,
)
from tests.runtime.toy import NOON, LoopClock
from tests.waiting import until

AT = Instant(wall=NOON, monotonic=0.0)
SWIFT = Backoff(first_s=0.001, most_s=0.004)


def ignore(_anything: object) -> None:
    """Nobody listens."""


class Contactor:
    """Counts what it was told; refuses as a broken pin does when *broken*."""

    def __init__(self, *, broken: bool = False) -> None:
        self.told: list[str] = []
        self._broken = broken

    def cut(self) -> None:
        self.told.append("cut")
        if self._broken:
            raise EvseFailed("the pin does not answer")

    def offer(self, limit_a: float) -> None:
        self.told.append(f"offer {limit_a:g}")


async def heard(runs: list[Exception | Event], port: Port = Port.METER) -> list[Event]:
    """Supervise a driver that on each run does the next of *runs*; what the core hears."""
    events: list[Event] = []
    over = asyncio.Event()

    async def run(post: Post) -> None:
        if not runs:
            over.set()
            await asyncio.Event().wait()
        deed = runs.pop(0)
        if isinstance(deed, Exception):
            raise deed
        post(deed)
        raise MeterSilent("silent again")

    worker = Worker(port=port, connector=1, run=run)
    task = asyncio.ensure_future(supervise(worker, events.append, clock=LoopClock(), backoff=SWIFT))
    waiter = asyncio.ensure_future(over.wait())
    await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED, timeout=2)
    task.cancel()
    waiter.cancel()
    await asyncio.gather(task, waiter, return_exceptions=True)
    return events


async def test_a_lost_driver_is_told_once_and_tried_again() -> None:
    """One sentence per loss, not one per attempt."""
    events = await heard([MeterSilent("check A/B"), MeterSilent("check A/B")])
    assert [type(event) for event in events] == [DriverLost]
    assert isinstance(events[0], DriverLost)
    assert (events[0].port, events[0].connector, events[0].why) == (Port.METER, 1, "check A/B")


async def test_each_reader_is_supervised_and_told_by_its_number() -> None:
    """Two readers are two workers: neither takes the other's place, in work or in words."""
    events: list[Event] = []

    class Silent:
        def __init__(self, why: str) -> None:
            self._why = why

        async def run(self, _post: Post) -> None:
            raise ReaderSilent(self._why)

    hardware = Hardware(
        evses={}, meters={}, readers={0: Silent("zero"), 3: Silent("three")}, reader_connectors=()
    )
    works = at_work(hardware, Supervision(), LoopClock(), events.append, str)
    tasks = [asyncio.ensure_future(work) for work in works.values()]
    await until(lambda: len(events) == 2)
    for task in tasks:
        task.cancel()
    lost = [event for event in events if isinstance(event, DriverLost)]
    assert {(event.reader, event.why) for event in lost} == {(0, "zero"), (3, "three")}


async def test_a_driver_that_speaks_again_is_found() -> None:
    """The core learns of the return before the event that proves it."""
    sign = LinkUp(at=AT)
    events = await heard([MeterSilent("gone"), sign])
    assert [type(event) for event in events] == [DriverLost, DriverFound, LinkUp, DriverLost]


async def test_a_failed_reading_is_no_sign_of_recovery() -> None:
    """A meter that answers nothing but errors is not back."""
    bad = MeterFailed(at=AT, connector=1, why="crc")
    events = await heard([MeterSilent("gone"), bad])
    assert DriverFound not in [type(event) for event in events]


async def test_a_bug_in_a_driver_is_not_swallowed() -> None:
    """Only `DriverError` is expected; the rest ends the process."""

    async def run(_post: Post) -> None:
        raise ZeroDivisionError

    worker = Worker(port=Port.METER, connector=1, run=run)
    with pytest.raises(ZeroDivisionError):
        await supervise(worker, ignore, clock=LoopClock(), backoff=SWIFT)


async def test_safety_19_contactors_open_before_any_sibling_is_cancelled() -> None:
    """Safety 19: an internal error is the safe state first."""
    order: list[str] = []
    sibling_ready = asyncio.Event()

    async def sibling() -> None:
        try:
            sibling_ready.set()
            await asyncio.Event().wait()
        finally:
            order.append("sibling cancelled")

    async def faulty() -> None:
        await sibling_ready.wait()
        raise ZeroDivisionError

    def cut() -> None:
        order.append("cut")

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(guarded("sibling", sibling(), cut_all=cut))
            group.create_task(guarded("faulty", faulty(), cut_all=cut))

    with pytest.raises(ExceptionGroup):
        await both()
    assert order == ["cut", "sibling cancelled"]


async def test_safety_19_a_task_that_just_ends_is_a_failure_too() -> None:
    """A loop that returned would leave the contactor without a master."""

    async def ends() -> None:
        return

    cuts: list[str] = []
    with pytest.raises(RuntimeError, match="recorder ended"):
        await guarded("recorder", ends(), cut_all=lambda: cuts.append("cut"))
    assert cuts == ["cut"]


def test_safety_19_one_broken_pin_does_not_keep_the_others_closed() -> None:
    """All contactors, whatever one of them says."""
    broken, sound = Contactor(broken=True), Contactor()
    cut_all([broken, sound])  # type: ignore[list-item]  # half a driver is all that it touches
    assert broken.told == ["cut", "offer 0"]
    assert sound.told == ["cut", "offer 0"]


def test_every_effect_has_its_driver_call() -> None:
    """An effect without a deed would be a decision that nobody carries out."""
    assert set(DEEDS) == set(get_args(Effect)) - {Write, Store}


def test_a_connector_without_meter_answers_at_once() -> None:
    """No meter: no new session, and one sentence that says what to do."""
    posted: list[Event] = []

    class FixedClock:
        def now(self) -> Instant:
            return AT

        def learn(self, wall_at: Instant) -> None:
            raise AssertionError(wall_at)

    outfit = Outfit(
        clock=FixedClock(),
        evses={},
        meters={},
        central=None,  # type: ignore[arg-type]  # must not be touched
        post=posted.append,
        look_up=ignore,
        restart=ignore,
        errand=ignore,
        inquire=ignore,
        hand_back=ignore,
    )
    perform(outfit, ReadMeter(ticket=4, connector=2))
    (failed,) = posted
    assert isinstance(failed, MeterFailed)
    assert (failed.ticket, failed.connector) == (4, 2)
    assert "[connectors.2.meter]" in failed.why


async def test_the_watchdog_is_fed_only_by_a_loop_that_ran(tmp_path: Path) -> None:
    """A hung loop must not look alive."""
    address = str(tmp_path / "notify")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(address)
    manager.setblocking(False)
    notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000"})
    rounds = asyncio.Semaphore(2)

    async def come_round() -> None:
        await rounds.acquire()

    notifier.say("READY=1")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await feed_watchdog(notifier, come_round)
    said = [manager.recv(100) for _ in range(3)]
    assert said == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
    with pytest.raises(BlockingIOError):
        manager.recv(100)
    manager.close()


def test_without_a_manager_nothing_is_said() -> None:
    """On a developer's machine there is no systemd."""
    notifier = Notifier({})
    notifier.say("READY=1")
    assert notifier.watchdog_s is None


def test_who_only_watches_ends_nothing_by_a_bug_of_his_own() -> None:
    """A flight recorder that cannot write an event down must not open a contactor."""
    seen: list[int] = []

    def watch(number: int) -> None:
        seen.append(number)
        raise TypeError(number)

    watched = spared("flight", watch)
    watched(1)
    watched(2)
    assert seen == [1]


async def test_a_bystander_that_fails_is_begun_anew() -> None:
    """The page may be broken in any way: nobody's charging ends by it."""
    ends: list[Exception | None] = [TypeError("a bug"), EvseFailed("a device"), None]
    well = asyncio.Event()

    async def run() -> None:
        if not ends:
            well.set()
            await asyncio.Event().wait()
        if (failure := ends.pop(0)) is not None:
            raise failure

    async with asyncio.TaskGroup() as tasks:
        work = guarded("page", endured("page", run, backoff=SWIFT), cut_all=lambda: None)
        task = tasks.create_task(work)
        async with asyncio.timeout(5):
            await well.wait()
        task.cancel()


def test_safety_02_a_lost_charging_point_is_tried_again_soon() -> None:
    """Until somebody writes to it again, a controller goes on with its last order (safety 2)."""
    patient = Supervision(retry_first_s=5.0, retry_most_s=30.0)
    assert backoff_of(Port.READER, patient) == Backoff(first_s=5.0, most_s=30.0)
    soon = backoff_of(Port.EVSE, patient)
    assert (soon.first_s, soon.most_s) == (EVSE_RETRY_MOST_S, EVSE_RETRY_MOST_S)
