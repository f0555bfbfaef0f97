"""The bound on what a power cut costs where no meter can be read afterwards."""

from __future__ import annotations

import pytest

from edge.core.events import JournalLost
from edge.core.power_cut import (
    at_most_wh,
    flushed_at_most_wh,
    now_at_most_wh,
    register_age_s,
)
from tests.core.bench import setup
from tests.core.build import Rig

FULL_W = 32 * 230


def rig(connectors: int = 1, refresh_s: float = 0.0, **keys: str) -> Rig:
    made = setup(connectors=connectors, refresh_s=refresh_s, keys=keys)
    return Rig(made, serve=True).online()


@pytest.mark.parametrize(
    ("interval_s", "apart_s"),
    [("10", 10), ("60", 60), ("0", 62), ("900", 62)],
)
def test_at_most_the_time_between_two_registers_on_the_disk(interval_s: str, apart_s: int) -> None:
    """Firsts 19: power x interval; without samples the register is written all the same."""
    made = rig(MeterValueSampleInterval=interval_s)
    assert at_most_wh(made.state) == pytest.approx(FULL_W * apart_s / 3600)


def test_every_connector_counts_with_what_its_meter_is_behind() -> None:
    """The worst moment of all of them at once."""
    made = rig(connectors=2, refresh_s=1.0, MeterValueSampleInterval="59")
    assert at_most_wh(made.state) == pytest.approx(2 * FULL_W * 60 / 3600)


def test_now_it_grows_from_sample_to_sample() -> None:
    """Nobody charges: nothing; then as much as can have gone through."""
    made = rig(MeterValueSampleInterval="60")
    assert now_at_most_wh(made.state, made.now) == 0
    made.charging()
    made.wait(59)
    assert now_at_most_wh(made.state, made.now) == pytest.approx(FULL_W * 59 / 3600, rel=0.01)
    made.wait(2)
    assert register_age_s(made.state, 1, made.now) == pytest.approx(1, abs=0.1)
    assert now_at_most_wh(made.state, made.now) == pytest.approx(FULL_W / 3600, rel=0.1)


def test_a_meter_that_is_silent_lets_it_grow_whatever_is_written() -> None:
    """An old register that is written anew is no newer for it."""
    made = rig(MeterValueSampleInterval="60").charging()
    made.wait(5)
    made.socket(1).meter_works = False
    made.wait(100)
    age_s = register_age_s(made.state, 1, made.now)
    assert age_s is None or age_s >= 99


def test_an_input_that_tells_in_time_leaves_the_age_of_the_newest_reading() -> None:
    """Firsts 19: the flush writes it, whenever the last sample was."""
    made = rig(connectors=2, MeterValueSampleInterval="60").charging()
    made.wait(59)
    newest = made.state.bay(1).metering.good_at
    assert newest is not None
    flushed_wh = flushed_at_most_wh(made.state, newest + 1)
    assert flushed_wh == pytest.approx(FULL_W / 3600)


def test_there_is_no_bound_while_the_disk_takes_nothing() -> None:
    """What is not said is not promised."""
    made = rig().charging()
    made.step(JournalLost(at=made.instant, kind="full"))
    assert at_most_wh(made.state) is None
    assert now_at_most_wh(made.state, made.now) is None
    assert flushed_at_most_wh(made.state, made.now) is None
