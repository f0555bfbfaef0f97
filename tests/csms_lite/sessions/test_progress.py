"""What a driver sees: energy, money, how long still, and how old that is."""

from __future__ import annotations

import pytest

from csms_lite.sessions.progress import Charge, progress
from csms_lite.sessions.rules import Session
from tests.csms_lite.sessions.test_rules import RUNNING

START = RUNNING.started_at_ms
CAR = RUNNING._replace(soc_percent=40, measured_at_ms=START + 600_000, received_at_ms=START)
NOW = START + 610_000


def left(session: Session, earlier: Charge | None = None, now_ms: int = NOW) -> object:
    found = progress(session, earlier, now_ms).remaining
    return found.seconds if found.why is None else found.why


def test_a_running_session_shows_what_it_took_and_costs_so_far() -> None:
    """1500 Wh at 45 cent are 67.5, rounded once, half up (B61)."""
    shown = progress(CAR, None, NOW)
    assert (shown.energy_wh, shown.cost_minor, shown.duration_s) == (1500, 68, 610)
    assert progress(CAR._replace(per_kwh_minor=None), None, NOW).cost_minor is None


@pytest.mark.parametrize(("age_s", "is_fresh"), [(0, True), (20, True), (21, False), (-5, True)])
def test_the_age_of_a_reading_is_told(age_s: int, is_fresh: bool) -> None:
    """Decision 20; a charger whose clock is ahead is as fresh as can be."""
    shown = progress(CAR, None, START + 600_000 + age_s * 1000)
    assert (shown.age_s, shown.is_fresh) == (max(0, age_s), is_fresh)


def test_what_was_never_measured_is_not_fresh_while_it_runs() -> None:
    """An ended session is as fresh as it will ever be."""
    unmeasured = CAR._replace(measured_at_ms=None)
    assert (progress(unmeasured, None, NOW).age_s, progress(unmeasured, None, NOW).is_fresh) == (
        None,
        False,
    )
    assert progress(CAR._replace(state="closed"), None, NOW + 10**9).is_fresh


@pytest.mark.parametrize(
    ("session", "earlier", "expected"),
    [
        (CAR._replace(goal_wh=5200, soc_percent=None), None, 1800),
        (CAR._replace(goal_wh=1500, soc_percent=None), None, 0),
        (CAR._replace(goal_wh=5200, soc_percent=None, power_w=0), None, "no power flows now"),
        (CAR._replace(goal_wh=5200, soc_percent=None, power_w=None), None, "no power flows now"),
        (CAR._replace(goal_wh=5200, soc_percent=None, power_w=-9), None, "no power flows now"),
        (CAR, Charge(START, 30), 3600),
        (CAR._replace(goal_soc_percent=80), Charge(START, 30), 2400),
        (CAR._replace(goal_soc_percent=40), Charge(START, 30), 0),
        (CAR, Charge(START, 40), "the state of charge has not risen yet"),
        (CAR, None, "the state of charge has not risen yet"),
        (CAR._replace(goal_wh=5200), Charge(START, 30), 1800),
        (CAR._replace(goal_wh=5200), None, 1800),
        (CAR._replace(goal_wh=50_000_000), None, "more than a week at the power of now"),
        (
            CAR._replace(soc_percent=None),
            None,
            "there is no goal, and the car tells no state of charge",
        ),
        (
            CAR._replace(soc_percent=None, goal_soc_percent=80),
            None,
            "the car tells no state of charge",
        ),
        (CAR._replace(state="closed"), Charge(START, 30), "it does not run"),
        (CAR._replace(measured_at_ms=None), None, "nothing was measured yet"),
    ],
)
def test_time_left_is_reckoned_or_said_why_not(
    session: Session, earlier: Charge | None, expected: object
) -> None:
    """A26: by energy and power, by the rise of the state of charge, the sooner of both."""
    assert left(session, earlier) == expected


def test_nothing_is_reckoned_from_an_old_reading() -> None:
    """Five minutes later the power of then says nothing."""
    assert left(CAR._replace(goal_wh=5200), None, NOW + 300_000) == "the last reading is too old"
