"""Registers that go back, leap, or say the same impossible thing until it is true."""

from __future__ import annotations

import pytest

from edge.core.instant import Instant
from edge.core.quantities import Reading
from edge.drivers.meter_judge import Judge
from edge.drivers.system_clock import SystemClock
from edge.errors import MeterImplausible


def reading(energy_wh: int, second: float) -> Reading:
    start = SystemClock().now()
    return Reading(at=Instant(wall=start.wall, monotonic=second), energy_wh=energy_wh)


def test_growth_within_the_rating_is_believed() -> None:
    """25 kW for a minute is 417 Wh, and a fifth more for clocks that disagree."""
    judge = Judge(rated_w=25_000, step_wh=10, refresh_s=1)
    judge.weigh(reading(1000, 0))
    judge.weigh(reading(1500, 60))


def test_a_leap_beyond_the_rating_is_refused() -> None:
    """A stale or garbled register."""
    judge = Judge(rated_w=25_000, step_wh=10, refresh_s=1)
    judge.weigh(reading(1000, 0))
    with pytest.raises(MeterImplausible, match=r"leapt 600 Wh in 60\.0 s"):
        judge.weigh(reading(1600, 60))
    judge.weigh(reading(1100, 61))


def test_steady_growth_beyond_the_rating_raises_it() -> None:
    """The installer wrote 25 kW on a 43 kW outlet: two readings are refused, then all is billed."""
    judge = Judge(rated_w=25_000, step_wh=1, refresh_s=1)
    judge.weigh(reading(0, 0))
    for second in (60, 120):
        with pytest.raises(MeterImplausible):
            judge.weigh(reading(717 * second // 60, second))
    for second in (180, 240, 300, 360):
        judge.weigh(reading(717 * second // 60, second))
    with pytest.raises(MeterImplausible):
        judge.weigh(reading(100_000, 361))


def test_a_register_that_cannot_make_up_its_mind_is_never_believed() -> None:
    """Only three that agree with each other are."""
    judge = Judge(rated_w=25_000, step_wh=10, refresh_s=1)
    judge.weigh(reading(1000, 0))
    for second, energy_wh in enumerate((90_000, 50_000, 70_000, 30_000, 80_000), 1):
        with pytest.raises(MeterImplausible):
            judge.weigh(reading(energy_wh, second))
