"""A power cut, or a dead daemon, at every crash point around the self-tests of a device.

Checked: nothing is fired that the disk does not know of, no test is skipped or repeated for ever,
and a device that does not trip, or takes us with it each time, ends in a fault that stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from edge.core.effects import Effect, FireTestCoil
from edge.core.events import Event, EvseSeen, Trip
from edge.core.rcd_test import MOST_TRIES
from edge.core.records import Latch
from tests.crash.asked import TAG
from tests.crash.histories import Fall, Story, play
from tests.crash.life import Life
from tests.crash.world import CONNECTORS, World

Figure = Callable[[str, int], None]

PULSE_S: Final = 0.5
LETS_GO_S: Final = 0.1
SESSION: Final[Story] = (
    (5, lambda world: world.plug(1)),
    (8, lambda world: world.tap(TAG)),
    (60, lambda world: world.tap(TAG)),
    (70, lambda world: world.unplug(1)),
)


class CoilWorld(World):
    """A world with test coils; a device may be *dead*, or the pulse *take* the mains."""

    def __init__(self, *, dead: bool = False, takes: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.dead = dead
        self.takes = takes
        self.pulsed: set[int] = set()
        self.fired: list[int] = []

    def _born(self, state: Any) -> Life:
        traits = tuple(replace(one, has_rcd_test=True) for one in state.setup.traits)
        return super()._born(replace(state, setup=replace(state.setup, traits=traits)))

    def post(self, event: Event) -> None:
        if isinstance(event, EvseSeen):
            event = replace(event, rcd_pulsed=event.connector in self.pulsed)
        super().post(event)

    def _perform(self, life: Life, effect: Effect) -> None:
        if isinstance(effect, FireTestCoil):
            self._fire(effect.connector)
        else:
            super()._perform(life, effect)

    def _fire(self, number: int) -> None:
        self.fired.append(number)
        announced = self.journal.rows.rcd_tests.get(number)
        if announced is None or announced.tries == 0:
            self.breaches.append(f"safety 12: {number} is fired, and the disk knows nothing")
        if self.outlets[number].coil:
            self.breaches.append(f"safety 12: {number} is fired behind a closed contactor")
        self.pulsed.add(number)
        if self.takes:
            self.host.call_later(0.01, self.lose_power)
        if not self.dead:
            self.press(number, down=True, trip=Trip.RCD)
        self.show(number)
        self.host.call_later(PULSE_S, self._end, number)

    def _end(self, number: int) -> None:
        self.pulsed.discard(number)
        self.show(number)
        self.host.call_later(LETS_GO_S, self._let_go, number)

    def _let_go(self, number: int) -> None:
        self.press(number, down=False, trip=Trip.RCD)


class Played:
    """One history, its world kept to be looked at."""

    def __init__(self, *, fall: Fall | None = None, latency_s: float = 0.0, **ills: bool) -> None:
        def make(**options: Any) -> CoilWorld:
            self.world = CoilWorld(**ills, **options)
            return self.world

        self.outcome = play(SESSION, fall=fall, latency_s=latency_s, make=make)

    @property
    def latched(self) -> set[tuple[int, str]]:
        return set(self.world.journal.rows.faults)

    def breaches(self) -> list[str]:
        """What went wrong with sound devices; an empty list is what we promise."""
        rows = self.world.journal.rows
        found = list(self.outcome.breaches)
        found += [f"latched: {one}" for one in self.latched]
        for number in CONNECTORS:
            tested = rows.rcd_tests.get(number)
            begun = rows.last_starts.get(number)
            if tested is None or tested.passed_at is None or tested.tries:
                found.append(f"{number} came to rest untested: {tested}")
            elif begun is not None and tested.passed_at.order < begun.order:
                found.append(f"{number} is not tested since its session")
            most = 2 * (1 + self.outcome.deaths)  # at the start and after the session, each life
            if self.world.fired.count(number) > most:
                found.append(f"{number} is fired {self.world.fired.count(number)} times")
        return found


def test_safety_12_a_session_has_a_test_before_and_after_it() -> None:
    """The model itself is sound."""
    played = Played()
    assert played.outcome.sessions == 1
    assert played.breaches() == []
    assert played.world.fired == [1, 2, 1]


@pytest.mark.sweep
@pytest.mark.parametrize("with_power", [True, False], ids=["power-cut", "kill"])
@pytest.mark.parametrize("latency_s", [0.0, 0.3, 2.0], ids=["fast-disk", "slow-disk", "stalled"])
def test_safety_12_no_crash_point_skips_a_test_or_repeats_it_for_ever(
    latency_s: float, *, with_power: bool, record_figure: Figure
) -> None:
    """One death each; a device that is sound is never held for a dead one."""
    points = Played(latency_s=latency_s).outcome.points
    breaches = []
    for point in range(1, points + 1):
        played = Played(fall=Fall(point=point, with_power=with_power), latency_s=latency_s)
        breaches += [f"point {point}: {breach}" for breach in played.breaches()]
    record_figure("crash points swept", points)
    assert breaches == []


@pytest.mark.sweep
@pytest.mark.parametrize("with_power", [True, False], ids=["power-cut", "kill"])
def test_safety_12_no_crash_point_lets_a_dead_device_sell(*, with_power: bool) -> None:
    """No session, and the fault is on the disk, wherever we died."""
    points = Played(dead=True).outcome.points
    for point in range(1, points + 1):
        played = Played(dead=True, fall=Fall(point=point, with_power=with_power))
        assert played.outcome.sessions == 0, f"point {point}"
        assert (1, Latch.RCD_TEST) in played.latched, f"point {point}"


def test_safety_12_a_test_that_takes_the_mains_each_time_ends_in_a_fault() -> None:
    """Three times, then somebody has to look."""
    played = Played(takes=True)
    assert played.latched == {(number, Latch.RCD_TEST) for number in CONNECTORS}
    assert [played.world.fired.count(number) for number in CONNECTORS] == [MOST_TRIES] * 2
    assert played.outcome.sessions == 0
