"""Which way a session goes, how much it took, and what of it anybody may see."""

from __future__ import annotations

import itertools

import pytest

from csms_lite.errors import Refused
from csms_lite.sessions.rules import (
    NEXT,
    Event,
    State,
    awaits_its_end,
    duration_s,
    energy_wh,
    is_overdue,
    last_charge,
    next_state,
    states_before,
)
from tests.csms_lite.shapes import session

RUNNING = session(
    connector=2,
    started_at_ms=1_714_557_600_000,
    received_at_ms=1_714_557_601_000,
    measured_at_ms=1_714_557_660_000,
    user_id=5,
)
PENDING = RUNNING._replace(state="pending", meter_start_wh=None, register_wh=None)

WAYS = {
    ("pending", "began"): "running",
    ("pending", "refused"): "rejected",
    ("pending", "lost"): "failed",
    ("failed", "began"): "running",
    ("running", "ended"): "closed",
    ("running", "closed"): "closed",
    ("closed", "ended"): "closed",
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_a_session_goes_its_ways_and_no_others(state: State, event: Event) -> None:
    """Every state with every event: it leads on, or is refused with both named."""
    if (state, event) in WAYS:
        assert next_state(state, event) == WAYS[state, event]
        assert state in states_before(event)
        return
    with pytest.raises(Refused, match=f"{state}.*{event}"):
        next_state(state, event)
    assert state not in states_before(event)


def test_nothing_leads_to_billing_yet() -> None:
    """COMPLETED and BILLING_FAILED are reserved; nobody may arrive there by accident."""
    assert set(NEXT.values()).isdisjoint({State.COMPLETED, State.BILLING_FAILED})


def test_what_has_not_begun_has_no_energy_and_no_time() -> None:
    """A wish costs nothing."""
    assert energy_wh(PENDING) == 0
    assert duration_s(PENDING, PENDING.started_at_ms + 60_000) == 0
    assert not awaits_its_end(PENDING)


@pytest.mark.parametrize(
    ("begin", "end", "energy"), [(0, 5000, 5000), (123_456, 128_456, 5000), (5000, 100, 0)]
)
def test_energy_is_the_end_less_the_beginning(begin: int, end: int, energy: int) -> None:
    """Meters that begin each session at 0, and those that count on; never less than nothing."""
    session = RUNNING._replace(meter_start_wh=begin, register_wh=end)
    assert energy_wh(session) == energy
    assert energy_wh(session._replace(register_wh=None, meter_stop_wh=end)) == energy


def test_time_ends_with_the_session() -> None:
    """The clock of the page does not run on, whoever ended it."""
    start, now = RUNNING.started_at_ms, RUNNING.started_at_ms + 3_600_000
    assert duration_s(RUNNING, now) == 3600
    assert duration_s(RUNNING._replace(stopped_at_ms=start + 60_000), now) == 60
    assert duration_s(RUNNING._replace(closed_at_ms=start + 90_000), now) == 90
    assert duration_s(RUNNING, start - 60_000) == 0


def test_only_silence_makes_a_running_session_overdue() -> None:
    """Long sessions are none of ours to end; the newest reading counts."""
    last = RUNNING.measured_at_ms or 0
    assert not is_overdue(RUNNING, last + 1000, 1000)
    assert is_overdue(RUNNING, last + 1001, 1000)
    assert is_overdue(RUNNING._replace(measured_at_ms=None), last, 1000)
    assert not is_overdue(RUNNING._replace(state="closed"), last + 10**9, 1000)


def test_the_last_charge_names_nobody_and_no_time() -> None:
    """1.6 row 9: no user, no tag, no exact times, no exact energy."""
    shown = last_charge(
        RUNNING._replace(
            meter_stop_wh=8_449, stopped_at_ms=RUNNING.started_at_ms + 37 * 60_000, state="closed"
        )
    )
    assert shown._asdict() == {
        "connector": 2,
        "day": "2024-05-01",
        "energy_wh": 7400,
        "about_min": 30,
    }
