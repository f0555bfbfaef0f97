"""Stories, by hand and by seed, played in a `World` with deaths at chosen crash points."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace

from edge.core.commands import (
    CancelReservation,
    ChangeAvailability,
    ClearChargingProfile,
    RemoteStartTransaction,
    RemoteStopTransaction,
    Reset,
    SetChargingProfile,
)
from edge.core.profiles import Period, Profile, Schedule
from edge.core.vocabulary import (
    AvailabilityType,
    ProfileKind,
    ProfilePurpose,
    RateUnit,
    ResetType,
)
from tests.crash.asked import CHANGE, LIST, OTHER, RESERVE, TAG
from tests.crash.life import Death
from tests.crash.verdict import verdict
from tests.crash.wall import Wall
from tests.crash.world import World
from tests.world.loop import VirtualLoop, elapse

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


def _cut(world: World) -> None:
    world.cut_line()


def _mend(world: World) -> None:
    world.mend_line()


def _set_clock(world: World) -> None:
    """Somebody sets the wall clock forward."""
    world.jump(900.0)


def _limit(
    limit_a: float, purpose: ProfilePurpose = ProfilePurpose.TX_DEFAULT, connector: int = 1
) -> SetChargingProfile:
    """This limit for a minute, none after it."""
    periods = (Period(start_period=0, limit=limit_a), Period(start_period=60, limit=32.0))
    return SetChargingProfile(
        connector_id=connector,
        cs_charging_profiles=Profile(
            charging_profile_id=len(purpose),
            stack_level=0,
            charging_profile_purpose=purpose,
            charging_profile_kind=ProfileKind.RELATIVE,
            charging_schedule=Schedule(
                charging_rate_unit=RateUnit.A, charging_schedule_period=periods
            ),
        ),
    )


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
        (20, lambda w: w.call(_limit(10.0))),
        (30, lambda w: w.call(_limit(0.0, ProfilePurpose.TX))),
        (40, lambda w: w.call(_limit(9.0, ProfilePurpose.CHARGE_POINT_MAX, 0))),
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
class Fall:
    """Where the process dies: at crash point number *point*, *with_power* or without."""

    point: int
    with_power: bool = True
    again_after_s: float = 3.0


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
    counter = _Counter(fall)
    wall = Wall(kept=kept)
    return _run(
        lambda: _history(story, counter, make, latency_s=latency_s, probe=counter, wall=wall)
    )


def play_seed(seed: int, *, make: MakeWorld = World) -> Outcome:
    """Play a random history: taps, cars, cuts and deaths, as *seed* has it."""
    chance = random.Random(seed)
    story = _random_story(chance)
    dice = _Dice(chance, share=chance.choice((0.0, 0.004, 0.02)))
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


class _Counter:
    """Counts crash points, and is the death at one of them."""

    def __init__(self, fall: Fall | None) -> None:
        self.fall = fall
        self.points = 0
        self.deaths = 0
        self.world: World | None = None

    def __call__(self, _point: str) -> None:
        self.points += 1
        if self.fall is not None and self.points == self.fall.point:
            self.die(with_power=self.fall.with_power)

    def die(self, *, with_power: bool) -> None:
        """End this life here and now."""
        self.deaths += 1
        assert self.world is not None
        if with_power:
            self.world.lose_power()
        raise Death

    @property
    def again_after_s(self) -> float:
        """How long the process is away."""
        return 3.0 if self.fall is None else self.fall.again_after_s


class _Dice(_Counter):
    """Dies by chance, until the night comes."""

    def __init__(self, chance: random.Random, share: float) -> None:
        super().__init__(None)
        self.chance = chance
        self.share = share

    def __call__(self, _point: str) -> None:
        self.points += 1
        if self.share and self.chance.random() < self.share:
            self.die(with_power=self.chance.random() < 0.6)

    @property
    def again_after_s(self) -> float:
        return self.chance.choice((0.5, 3.0, 90.0))


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
        lambda w: w.call(
            _limit(chance.choice((0.0, 10.0)), chance.choice(list(ProfilePurpose)), 1)
        ),
        lambda w: w.call(_limit(9.0, ProfilePurpose.CHARGE_POINT_MAX, 0)),
        lambda w: w.call(ClearChargingProfile()),
        lambda w: w.call(Reset(type=chance.choice((ResetType.SOFT, ResetType.HARD)))),
        lambda w: w.jump(chance.choice((-86_400.0, -30.0, -0.5, 0.5, 30.0, 86_400.0))),
        lambda w: w.stand(still=chance.choice((True, False))),
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


async def _history(story: Story, counter: _Counter, make: MakeWorld, **options: object) -> Outcome:
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


def _rest(world: World, counter: _Counter) -> None:
    """Evening: no more chance faults, the cars leave, the line is up."""
    if isinstance(counter, _Dice):
        counter.share = 0.0
    world.cut_share = 0.0
    world.wall.stand(world.host.time(), still=False)
    world.mend_line()
    for number in world.outlets:
        world.press(number, down=False)
        world.unplug(number)


def _run(main: Callable[[], Coroutine[None, None, Outcome]]) -> Outcome:
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()
