"""The residual current device is tested where it can be, and one that fails sells nothing."""

from __future__ import annotations

import pytest

from edge.core import faults, levels, why
from edge.core.bay import Phase
from edge.core.commands import RemoteStartTransaction
from edge.core.effects import FireTestCoil, Lamp, Rearm, Show, Store
from edge.core.events import (
    PowerFailing,
    PowerReturned,
    Stored,
    Trip,
)
from edge.core.messages import StatusNotification
from edge.core.rcd_test import AGAIN_S, ANSWER_WITHIN_S, CLEAR_WITHIN_S, MOST_TRIES
from edge.core.records import FaultLatched, FaultReleased, Latch, RcdTested
from edge.core.saved import Saved
from edge.core.step import step
from edge.core.vocabulary import ConnectorStatus, ErrorCode
from edge.core.wishes import ReleaseAsked
from tests.core.bench import ALICE, of
from tests.core.build import Rig
from tests.core.self_tests import (
    DAY_S,
    PULSE_S,
    fired,
    is_tested,
    latches,
    passes,
    pulse,
    sound,
    station,
    with_coil,
)


def test_safety_12_what_the_test_trips_is_no_fault_and_is_not_counted() -> None:
    """No Faulted to the central system, and none of the hour's trips."""
    rig = sound()
    for _ in range(5):
        rig.wait(DAY_S)
        passes(rig)
    assert rig.told() == [ConnectorStatus.AVAILABLE] * len(rig.told())
    assert rig.bay().seen.rcd_trips == ()
    assert latches(rig) == []


def test_safety_12_a_trip_after_the_test_is_one_as_ever() -> None:
    """The same input a second later."""
    rig = sound()
    rig.trip(Trip.RCD)
    assert rig.told()[-1] is ConnectorStatus.FAULTED
    assert len(rig.bay().seen.rcd_trips) == 1


def test_safety_12_another_trip_during_the_test_is_told() -> None:
    """The test excuses its own device, nothing else."""
    rig = station()
    rig.see(pulsed=True, tripped=frozenset({Trip.RCD, Trip.EMERGENCY_STOP}))
    assert rig.told()[-1] is ConnectorStatus.FAULTED


@pytest.mark.parametrize("trips_after_s", [None, 0.35], ids=["never", "too late"])
def test_safety_12_a_device_that_does_not_trip_in_time_is_a_latched_fault(
    trips_after_s: float | None,
) -> None:
    """Nobody starts until somebody has looked; a restart changes nothing."""
    rig = station()
    pulse(rig, trips_after_s)
    rig.trip()
    rig.wait(DAY_S)
    notice = rig.messages(StatusNotification)[-1]
    assert (notice.status, notice.error_code, notice.info) == (
        ConnectorStatus.FAULTED,
        ErrorCode.GROUND_FAILURE,
        "residual current device: self-test failed",
    )
    assert (latches(rig), fired(rig)) == ([Latch.RCD_TEST], 1)
    rig.plug()
    rig.tap()
    assert rig.phase() is not Phase.CHARGING
    later = station(Saved(faults=tuple(rig.written(FaultLatched))))
    later.wait(DAY_S)
    assert later.told()[-1] is ConnectorStatus.FAULTED
    assert fired(later) == 0


def test_safety_12_a_trip_just_in_time_passes() -> None:
    """0.3 s from when the driver showed the pulse, however long it took to fire it."""
    rig = station()
    rig.wait(0.25)
    pulse(rig, 0.3)
    rig.see(tripped=frozenset())
    assert rig.bay().rcd_test.passed_at is not None
    assert latches(rig) == []


def test_safety_12_a_failed_test_is_released_by_hand_and_done_again_at_once() -> None:
    """What is not mended latches again."""
    rig = station()
    pulse(rig, None)
    rig.log.clear()
    rig.step(ReleaseAsked(at=rig.instant, connector=1))
    assert rig.written(FaultReleased) == [FaultReleased(connector=1, latch=Latch.RCD_TEST)]
    assert [one.tries for one in rig.written(RcdTested)] == [0, 1]
    assert fired(rig) == 1
    pulse(rig, None)
    assert latches(rig) == [Latch.RCD_TEST]


def test_safety_12_releasing_something_else_begins_no_test() -> None:
    """`release` is for what is latched."""
    rig = sound()
    rig.step(ReleaseAsked(at=rig.instant, connector=1))
    assert (fired(rig), rig.written(RcdTested)) == (0, [])


def test_safety_12_an_admins_card_does_not_release_a_failed_test() -> None:
    """Somebody has to look at the device, not only to stand there."""
    rig = station()
    pulse(rig, None)
    rig.tap()
    assert rig.bay().latches == {Latch.RCD_TEST}


def test_safety_12_the_trip_is_rearmed_until_it_has_cleared() -> None:
    """The reflex latches as ever; the device may take a moment to let go."""
    rig = station()
    pulse(rig)
    assert len(of(Rearm, rig.log)) == 1
    rig.wait(0.5)
    assert len(of(Rearm, rig.log)) == 3
    rig.see(tripped=frozenset({Trip.RCD}))
    assert is_tested(rig)
    rig.see(tripped=frozenset())
    assert not is_tested(rig)
    assert ConnectorStatus.FAULTED not in rig.told()


def test_safety_12_a_trip_that_does_not_clear_is_a_real_one() -> None:
    """A second after the pulse; the test is done again once it has cleared."""
    rig = station()
    pulse(rig)
    rig.wait(CLEAR_WITHIN_S)
    assert rig.told()[-1] is ConnectorStatus.FAULTED
    assert latches(rig) == []
    rig.trip()
    assert rig.told()[-1] is ConnectorStatus.AVAILABLE
    assert fired(rig) == 1
    rig.wait(AGAIN_S)
    assert fired(rig) == 2


def test_safety_12_a_driver_that_shows_no_pulse_tells_nothing_and_not_for_ever() -> None:
    """Three times in a row, a minute apart; then the device is not known to work."""
    rig = station()
    rig.see(plugged=False)
    rig.wait(ANSWER_WITHIN_S)
    assert not is_tested(rig)
    assert latches(rig) == []
    rig.wait(AGAIN_S * (MOST_TRIES + 1))
    assert fired(rig) == MOST_TRIES
    assert latches(rig) == [Latch.RCD_TEST]


def test_safety_12_mains_that_go_during_the_pulse_condemn_no_device() -> None:
    """It lives on them; the test is done again when they are back."""
    rig = station()
    rig.see(pulsed=True)
    rig.step(PowerFailing(at=rig.instant))
    rig.wait(PULSE_S)
    rig.see(pulsed=False)
    assert (latches(rig), is_tested(rig)) == ([], False)
    rig.wait(10 * AGAIN_S)
    assert fired(rig) == 1
    rig.step(PowerReturned(at=rig.instant))
    assert fired(rig) == 2


def test_safety_12_what_happens_before_the_disk_has_it_calls_the_test_off() -> None:
    """The announcement is one thing, the pulse another; a card starts nothing in between."""
    rig = Rig(with_coil())
    rig.state, effects = step(rig.state, rig.inputs())
    (store,) = of(Store, effects)
    assert not levels.may_begin(rig.state, 1, rig.now)
    rig.trip(Trip.RCD)
    assert faults.fault(rig.state, 1, rig.now) is faults.RCD
    rig.step(Stored(at=rig.instant, ticket=store.ticket))
    assert (of(FireTestCoil, rig.last), is_tested(rig)) == ([], False)


def test_a_tap_during_the_test_is_refused_by_the_lamp() -> None:
    """Under two seconds: the same card works when it is laid there again."""
    rig = station()
    rig.plug()
    rig.tap()
    assert of(Show, rig.last) == [Show(connector=1, lamp=Lamp.REFUSED)]
    assert rig.phase() is Phase.PREPARING
    passes(rig)
    rig.tap()
    assert rig.phase() is Phase.CHARGING


def test_a_remote_start_during_the_test_is_rejected() -> None:
    """It starts nothing behind a device that is not known to work."""
    rig = station()
    reply = rig.call(RemoteStartTransaction(id_tag=ALICE, connector_id=1))
    assert reply.status == "Rejected"


def test_the_test_is_named_and_the_central_system_hears_nothing() -> None:
    """`why` says what keeps everybody for the moment; the status stays."""
    rig = station()
    (cause,) = why.causes(rig.state, 1, rig.now)
    assert cause.what == "the residual current device is being tested"
    assert (cause.since, cause.until) == (rig.now, rig.now + ANSWER_WITHIN_S)
    assert rig.told()[-1] is ConnectorStatus.AVAILABLE
    pulse(rig, None)
    (cause,) = why.causes(rig.state, 1, rig.now)
    assert cause.what == "residual current device: self-test failed"
    assert "tapwatt edge release" in cause.remedy
