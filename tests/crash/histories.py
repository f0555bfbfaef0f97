"""Stories, by hand and by seed, played in a `World` with deaths at chosen crash points."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial

from edge.core.card_roles import CardAsked, Role
from edge.core.commands import (
    CancelReservation,
    ChangeAvailability,
    ClearChargingProfile,
    RemoteStartTransaction,
    RemoteStopTransaction,
    Reset,
)
from edge.core.events import Trip
from edge.core.messages import MeterValues, StartTransaction, StopTransaction
from edge.core.vocabulary import (
    AvailabilityType,
    ProfilePurpose,
    ResetType,
)
from tests.crash.asked import CHANGE, LIST, OTHER, RESERVE, TAG, limit
from tests.crash.deaths import Counter, Dice, Fall
from tests.crash.verdict import verdict
from tests.crash.wall import Wall
from tests.crash.world import World
from tests.world.loop import VirtualLoop, elapse

__all__ = ["STORIES", "Fall", "MakeWorld", "Outcome", "Story", "play", "play_seed"]

Act = Callable[[World], None]
Story = Sequence[tuple[float, Act]]

HEAL_S = 400.0  # a night: the line is up, the cars leave, all that waits is told


def _plug(world: World) -> None:
    world.plug(1)


def _unplug(world: World) -> None:
    world.unplug(1)


def _tap(world: World) -> None:
    world.tap(TAG)


def _stop_remotely(world: World) -> None:
    for number in world.central.sessions:
        world.call(RemoteStopTransaction(transaction_id=number))


def _give(role: Role | None) -> Act:
    """Somebody at the machine says what the card is, `None`: nothing special any more."""
    return lambda world: world.post(CardAsked(at=world.now(), role=role, id_tag=TAG))


def _cut(world: World) -> None:
    world.cut_line()


def _mend(world: World) -> None:
    world.mend_line()


def _refuse(*kinds: type[StartTransaction | StopTransaction | MeterValues]) -> Act:
    """The central system takes none of *kinds* from now on."""

    def act(world: World) -> None:
        world.central.refuses = kinds

    return act


def _resend(world: World) -> None:
    world.resend()


def _sulk(world: World) -> None:
    """The central system refuses the next sample, and would have taken the one behind it."""
    world.central.moods = 1


def _set_clock(world: World) -> None:
    """Somebody sets the wall clock forward."""
    world.jump(900.0)


STORIES: dict[str, Story] = {
    "local session": ((5, _plug), (8, _tap), (80, _tap), (95, _unplug)),
    "card first": ((5, _tap), (9, _plug), (75, _unplug)),
    "remote session": (
        (5, _plug),
        (8, lambda w: w.call(RemoteStartTransaction(id_tag=TAG, connector_id=1))),
        (70, _stop_remotely),
        (85, _unplug),
    ),
    "line cut while charging": (
        (5, _plug),
        (8, _tap),
        (30, _cut),
        (160, _mend),
        (180, _tap),
        (195, _unplug),
    ),
    "whole session offline": (
        (2, _cut),
        (5, _plug),
        (8, _tap),
        (80, _tap),
        (95, _unplug),
        (120, _mend),
    ),
    "session before the time is known": (
        (0.5, _cut),
        (5, _plug),
        (8, _tap),
        (30, lambda w: w.jump(-7200.0)),
        (80, _tap),
        (95, _unplug),
        (120, _mend),
    ),
    "emergency stop": (
        (5, _plug),
        (8, _tap),
        (40, lambda w: w.press(1, down=True)),
        (60, lambda w: w.press(1, down=False)),
        (80, _unplug),
    ),
    "soft reset while charging": (
        (5, _plug),
        (8, _tap),
        (40, lambda w: w.call(Reset(type=ResetType.SOFT))),
        (100, _unplug),
    ),
    "two connectors": (
        (5, _plug),
        (8, _tap),
        (12, lambda w: w.plug(2)),
        (20, lambda w: w.tap(OTHER)),
        (70, _tap),
        (75, lambda w: w.unplug(2)),
        (90, _unplug),
    ),
    "charging profiles": (
        (5, _plug),
        (8, _tap),
        (20, lambda w: w.call(limit(10.0))),
        (30, lambda w: w.call(limit(0.0, ProfilePurpose.TX))),
        (40, lambda w: w.call(limit(9.0, ProfilePurpose.CHARGE_POINT_MAX, 0))),
        (110, lambda w: w.call(ClearChargingProfile(connector_id=0))),
        (120, _tap),
        (135, _unplug),
    ),
    "reserved and listed": (
        (4, lambda w: w.call(LIST)),
        (5, lambda w: w.call(RESERVE)),
        (8, _plug),
        (12, lambda w: w.tap(OTHER)),
        (16, _tap),
        (40, lambda w: w.call(replace(RESERVE, reservation_id=2, connector_id=0))),
        (60, lambda w: w.call(CHANGE)),
        (80, _tap),
        (90, lambda w: w.call(CancelReservation(reservation_id=2))),
        (95, _unplug),
    ),
    "security events with nobody listening": (
        (2, _cut),
        (4, _set_clock),
        (5, _plug),
        (8, _tap),
        (60, _set_clock),
        (80, _tap),
        (95, _unplug),
        (120, _mend),
        (150, _set_clock),
        (160.02, _cut),  # the meter is polled at 160: what that step told is on the wire
        (165, _plug),
        (170, _unplug),
        (190, _mend),
        (230, lambda w: w.call(Reset(type=ResetType.HARD))),
    ),
    "a sample of a backlog refused once": (
        (2, _cut),
        (5, _plug),
        (8, _tap),
        (200, _tap),
        (215, _unplug),
        (220, _sulk),
        (221, _mend),
    ),
    "mains gone, and then the back-up": (
        (5, _plug),
        (8, _tap),
        (12, lambda w: w.plug(2)),
        (20, lambda w: w.tap(OTHER)),
        (50, lambda w: w.fail_mains()),
        (50.4, lambda w: w.lose_power()),
        (90, _unplug),
    ),
    "mains gone for a minute on a back-up": (
        (2, _cut),
        (5, _plug),
        (8, _tap),
        (50, lambda w: w.fail_mains()),
        (60, _tap),
        (110, lambda w: w.mend_mains()),
        (125, _tap),
        (150, _mend),
        (170, _unplug),
    ),
    "refused for good and resent while charging": (
        (2, _refuse(StartTransaction)),
        (5, _plug),
        (8, _tap),
        (72, _refuse()),
        (75, _resend),
        (100, _tap),
        (115, _unplug),
    ),
    "refused for good and resent when it was over": (
        (2, _refuse(StartTransaction, MeterValues)),
        (5, _plug),
        (8, _tap),
        (80, _tap),
        (95, _unplug),
        (100, _refuse()),
        (110, _resend),
    ),
    "residual current again and again": (
        (5, _plug),
        (8, _tap),
        *(
            (moment, partial(World.press, number=1, down=down, trip=Trip.RCD))
            for at in (30, 40, 50, 60)
            for moment, down in ((at, True), (at + 4, False))
        ),
        (70, _tap),
        (85, _unplug),
    ),
    "more current than offered": (
        (5, _plug),
        (8, _tap),
        (30, lambda w: w.overdraw(1)),
        (75, _unplug),
    ),
    "an owner's card, lost while it charges": (
        (1, _cut),
        (2, _give(Role.OWNER)),
        (5, _plug),
        (8, _tap),
        (60, _give(Role.BLOCKED)),
        (75, _unplug),
        (80, _plug),
        (82, _tap),
        (90, _give(None)),
        (95, _mend),
        (120, _unplug),
    ),
    "taken out of service": (
        (5, _plug),
        (8, _tap),
        (
            30,
            lambda w: w.call(ChangeAvailability(connector_id=0, type=AvailabilityType.INOPERATIVE)),
        ),
        (60, _tap),
        (75, _unplug),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a history."""

    breaches: tuple[str, ...]
    points: int
    sessions: int
    deaths: int


MakeWorld = Callable[..., World]


def play(
    story: Story,
    *,
    fall: Fall | None = None,
    latency_s: float = 0.0,
    make: MakeWorld = World,
    kept: bool = True,
) -> Outcome:
    """Play *story* with at most one death, then let all come to rest, and judge."""
    counter = Counter(fall)
    wall = Wall(kept=kept)
    return _run(
        lambda: _history(story, counter, make, latency_s=latency_s, probe=counter, wall=wall)
    )


def play_seed(seed: int, *, make: MakeWorld = World) -> Outcome:
    """Play a random history: taps, cars, cuts and deaths, as *seed* has it."""
    chance = random.Random(seed)
    story = _random_story(chance)
    dice = Dice(chance, share=chance.choice((0.0, 0.004, 0.02)))
    latency_s = chance.choice((0.0, 0.0, 0.02, 0.3, 2.0))
    cut_share = chance.choice((0.0, 0.03, 0.15))
    wall = Wall(kept=chance.random() < 0.5)
    return _run(
        lambda: _history(
            story,
            dice,
            make,
            latency_s=latency_s,
            probe=dice,
            chance=chance,
            cut_share=cut_share,
            wall=wall,
        )
    )


def _random_story(chance: random.Random) -> Story:
    acts: list[Act] = [
        lambda w: w.plug(1),
        lambda w: w.plug(2),
        lambda w: w.unplug(1),
        lambda w: w.unplug(2),
        _tap,
        _tap,
        lambda w: w.tap(OTHER),
        _stop_remotely,
        lambda w: w.call(RemoteStartTransaction(id_tag=TAG)),
        lambda w: w.cut_line(chance.choice((3.0, 30.0, 120.0))),
        _set_clock,
        lambda w: w.press(1, down=True),
        lambda w: w.press(1, down=False),
        lambda w: w.press(2, down=True, trip=Trip.RCD),
        lambda w: w.press(2, down=False, trip=Trip.RCD),
        lambda w: w.call(limit(chance.choice((0.0, 10.0)), chance.choice(list(ProfilePurpose)), 1)),
        lambda w: w.call(limit(9.0, ProfilePurpose.CHARGE_POINT_MAX, 0)),
        lambda w: w.call(ClearChargingProfile()),
        lambda w: w.call(Reset(type=chance.choice((ResetType.SOFT, ResetType.HARD)))),
        lambda w: w.jump(chance.choice((-86_400.0, -30.0, -0.5, 0.5, 30.0, 86_400.0))),
        lambda w: w.stand(still=chance.choice((True, False))),
        _sulk,
        lambda w: w.fail_mains(),
        lambda w: w.mend_mains(),
        _refuse(*chance.choice(((StartTransaction,), (StopTransaction, MeterValues)))),
        _refuse(),
        _resend,
        _give(Role.OWNER),
        _give(Role.BLOCKED),
        _give(None),
    ]
    moment = 2.0
    story: list[tuple[float, Act]] = []
    if chance.random() < 0.3:
        dark_s = chance.choice((20.0, 150.0, 400.0))
        story.append((0.5, lambda w: w.cut_line(dark_s)))
    for _ in range(chance.randint(6, 18)):
        moment += chance.choice((0.1, 1.0, 6.0, 15.0, 40.0))
        story.append((moment, chance.choice(acts)))
    return story


async def _history(story: Story, counter: Counter, make: MakeWorld, **options: object) -> Outcome:
    world = make(**options)
    counter.world = world
    end = (story[-1][0] if story else 0.0) + 30.0
    for moment, act in story:
        world.host.call_later(moment, act, world)
    world.host.call_later(end, _rest, world, counter)
    while world.host.time() < end + HEAL_S:
        left_s = end + HEAL_S - world.host.time()
        try:
            async with asyncio.timeout(left_s):
                await world.live()
            await elapse(counter.again_after_s)
        except TimeoutError:
            break
    return Outcome(
        breaches=tuple(verdict(world)),
        points=counter.points,
        sessions=len(world.central.sessions),
        deaths=counter.deaths,
    )


def _rest(world: World, counter: Counter) -> None:
    """Evening: no more chance faults, the cars leave, the line is up."""
    if isinstance(counter, Dice):
        counter.share = 0.0
    world.cut_share = 0.0
    world.central.refuses = ()
    for later_s in (150.0, 250.0):  # the operator comes to see what was refused
        world.host.call_later(later_s, _resend, world)
    world.wall.stand(world.host.time(), still=False)
    world.mend_line()
    world.mend_mains()
    for number in world.outlets:
        for trip in (Trip.EMERGENCY_STOP, Trip.RCD):
            world.press(number, down=False, trip=trip)
        world.unplug(number)


def _run(main: Callable[[], Coroutine[None, None, Outcome]]) -> Outcome:
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()
