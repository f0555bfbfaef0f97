"""The core is called when it has work, and has done it then."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.commands import RemoteStopTransaction
from edge.core.deadlines import next_deadline
from edge.core.effects import Cut, Energise
from edge.core.events import Pilot, Trip
from edge.core.messages import StopTransaction
from edge.core.vocabulary import ConnectorStatus
from tests.core.bench import of
from tests.core.build import Rig

moments = st.integers(0, 10**9).map(lambda number: number / 997)  # full of rounding
few = settings(max_examples=60, deadline=None)


def at_deadline(rig: Rig, expected: float) -> None:
    """Step exactly at the next deadline, which is *expected* but for rounding."""
    due = next_deadline(rig.state)
    assert due is not None
    assert abs(due - expected) < 1e-6
    rig.tick_to(due)


def quiet(now: float) -> Rig:
    """A session in which nothing else is due for a while."""
    return Rig(now=now, serve=True).online().charging()


def test_before_the_start_nothing_is_due() -> None:
    """Nothing is waited for."""
    assert next_deadline(Rig().state) is None


@few
@given(now=moments)
def test_the_ramp_ends_at_its_deadline_whenever_it_began(now: float) -> None:
    """Ruling 2: six seconds, not six and a rounding error until the next event."""
    rig = quiet(now)
    rig.socket().stubborn = True
    rig.call(RemoteStopTransaction(transaction_id=4711))
    at_deadline(rig, rig.now + 6)
    assert of(Cut, rig.log)


@few
@given(now=moments)
def test_low_current_counts_to_its_deadline(now: float) -> None:
    """Ruling 2: half a second."""
    rig = quiet(now)
    rig.socket().stubborn = True
    rig.call(RemoteStopTransaction(transaction_id=4711))
    rig.meter(current_a=0.2)
    at_deadline(rig, rig.now + 0.5)
    assert of(Cut, rig.log)


@few
@given(now=moments)
def test_safety_06_the_rest_of_the_contactor_ends_at_its_deadline(now: float) -> None:
    """Safety 6."""
    rig = quiet(now)
    rig.see(pilot=Pilot.B)
    rig.see(pilot=Pilot.C)
    rig.log.clear()
    at_deadline(rig, rig.now + 5)
    assert of(Energise, rig.log)


@few
@given(now=moments)
def test_safety_13_a_meter_goes_stale_at_its_deadline(now: float) -> None:
    """Safety 13."""
    rig = quiet(now)
    rig.socket().meter_works = False
    began = rig.now
    rig.meter()
    at_deadline(rig, began + 10)
    assert rig.told()[-1] is ConnectorStatus.FAULTED


@few
@given(now=moments)
def test_patience_with_a_fault_ends_at_its_deadline(now: float) -> None:
    """Ruling 17."""
    rig = quiet(now)
    rig.trip(Trip.OVER_TEMPERATURE)
    ends = rig.now + 180
    while (due := next_deadline(rig.state)) is not None and due < ends - 1e-6:
        rig.tick_to(due)
    at_deadline(rig, ends)
    if not rig.messages(StopTransaction):  # a deadline of another kind may share the moment
        at_deadline(rig, ends)
    assert rig.messages(StopTransaction)
