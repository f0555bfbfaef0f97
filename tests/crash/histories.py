"""Stories, by hand and by seed, played in a `World` with deaths at chosen crash points."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from edge.core.card_roles import Role
from edge.core.commands import (
    ClearChargingProfile,
    RemoteStartTransaction,
    Reset,
)
from edge.core.events import Trip
from edge.core.messages import MeterValues, StartTransaction, StopTransaction
from edge.core.vocabulary import (
    ProfilePurpose,
    ResetType,
)
from tests.crash.asked import OTHER, TAG, limit
from tests.crash.deaths import Counter, Dice, Fall
from tests.crash.stories import (
    STORIES,
    Act,
    Story,
    give,
    refuse,
    resend,
    set_clock,
    stop_remotely,
    sulk,
    tap,
)
from tests.crash.verdict import verdict
from tests.crash.wall import Wall
from tests.crash.world import NIGHT_POLL_S, World
from tests.world.loop import VirtualLoop, elapse

__all__ = ["STORIES", "Fall", "MakeWorld", "Outcome", "Story", "play", "play_seed"]

HEAL_S = 400.0  # a night: the line is up, the cars leave, all that waits is told


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
        tap,
        tap,
        lambda w: w.tap(OTHER),
        stop_remotely,
        lambda w: w.call(RemoteStartTransaction(id_tag=TAG)),
        lambda w: w.cut_line(chance.choice((3.0, 30.0, 120.0))),
        set_clock,
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
        sulk,
        lambda w: w.fail_mains(),
        lambda w: w.mend_mains(),
        refuse(*chance.choice(((StartTransaction,), (StopTransaction, MeterValues)))),
        refuse(),
        resend,
        give(Role.OWNER),
        give(Role.BLOCKED),
        give(None),
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
    world.poll_s = NIGHT_POLL_S
    world.central.refuses = ()
    for later_s in (150.0, 250.0):  # the operator comes to see what was refused
        world.host.call_later(later_s, resend, world)
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
