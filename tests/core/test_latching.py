"""Faults that only somebody who has looked can release."""

from __future__ import annotations

import pytest

from edge.core.bay import Phase
from edge.core.effects import Energise
from edge.core.events import Trip
from edge.core.messages import StopTransaction
from edge.core.records import FaultLatched, FaultReleased, Latch
from edge.core.restore import restore
from edge.core.saved import Saved
from edge.core.setup import Policy
from edge.core.vocabulary import ConnectorStatus, ErrorCode, StopReason
from edge.core.wishes import ReleaseAsked
from tests.core.bench import at, of, setup
from tests.core.build import Rig


def trip_and_mend(rig: Rig, *trips: Trip) -> None:
    """It trips, and the device itself is reset ten seconds later."""
    rig.trip(*trips)
    rig.wait(10)
    rig.trip()


def faulted(rig: Rig) -> bool:
    return rig.told()[-1] is ConnectorStatus.FAULTED


def test_safety_12_residual_current_again_and_again_wants_somebody_to_look() -> None:
    """Safety 12: three times an hour by itself; the fourth stays, over a restart too."""
    rig = Rig(serve=True).online()
    for _ in range(3):
        trip_and_mend(rig, Trip.RCD)
        assert not faulted(rig)
    trip_and_mend(rig, Trip.RCD)
    rig.wait(7200)
    assert faulted(rig)
    (latched,) = rig.written(FaultLatched)
    assert (latched.latch, latched.code) == (Latch.RCD, ErrorCode.GROUND_FAILURE)
    later = Rig(saved=Saved(faults=(latched,)), serve=True).start()
    later.link_up()
    assert faulted(later)


def test_safety_12_trips_of_more_than_an_hour_ago_are_forgotten() -> None:
    """Safety 12: an hour, not a life."""
    rig = Rig(serve=True).online()
    for _ in range(9):
        trip_and_mend(rig, Trip.RCD)
        rig.wait(1300)
    assert not faulted(rig)


def test_safety_12_after_a_release_trips_count_anew() -> None:
    """Safety 12: somebody has looked."""
    rig = Rig(serve=True).online()
    for _ in range(4):
        trip_and_mend(rig, Trip.RCD)
    rig.step(ReleaseAsked(at=rig.instant, connector=1))
    assert rig.written(FaultReleased) == [FaultReleased(connector=1, latch=Latch.RCD)]
    assert not faulted(rig)
    trip_and_mend(rig, Trip.RCD)
    assert not faulted(rig)


def test_safety_12_an_owner_may_want_to_look_at_once() -> None:
    """Safety 12: no trip is excused."""
    rig = Rig(setup(policy=Policy(rcd_trips_an_hour=0)), serve=True).online()
    trip_and_mend(rig, Trip.RCD)
    assert faulted(rig)


def test_safety_12_other_trips_are_not_counted() -> None:
    """A hot day is no residual current."""
    rig = Rig(serve=True).online()
    for _ in range(9):
        trip_and_mend(rig, Trip.OVER_TEMPERATURE)
    assert not faulted(rig)


def test_safety_18_the_emergency_stop_holds_until_it_is_let_go_and_nothing_goes_on_then() -> None:
    """Safety 18: released by hand, at the button; the session is over, a card begins another."""
    rig = Rig(serve=True).online().charging()
    rig.trip(Trip.EMERGENCY_STOP)
    rig.wait(3600)
    assert faulted(rig)
    rig.log.clear()
    rig.trip()
    rig.wait(3600)
    assert rig.phase() is Phase.FINISHING
    assert not of(Energise, rig.log)


def test_safety_18_a_stop_pressed_while_we_were_away_ends_the_session_by_its_name() -> None:
    """Ruling 17: EmergencyStop, in the next process too."""
    rig = Rig(serve=True).online().charging()
    rig.trip(Trip.WELDED, Trip.EMERGENCY_STOP)
    assert [one.reason for one in rig.messages(StopTransaction)] == [StopReason.EMERGENCY_STOP]


def test_safety_21_a_latch_of_a_connector_that_is_gone_stops_the_start() -> None:
    """The journal and the configuration must agree."""
    latched = FaultLatched(connector=2, code=ErrorCode.GROUND_FAILURE, info="x", latch=Latch.RCD)
    with pytest.raises(ValueError, match="configure it again"):
        restore(Saved(faults=(latched,)), setup(), at(0))
