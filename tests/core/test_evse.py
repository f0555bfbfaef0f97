"""What the inputs show, and the faults that follow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.core.bay import Phase
from edge.core.commands import RemoteStopTransaction
from edge.core.effects import Cut, Rearm, Show
from edge.core.events import DriverFound, DriverLost, Pilot, Port, StopPressed, Trip
from edge.core.messages import StatusNotification, StopTransaction
from edge.core.records import FaultLatched, FaultReleased
from edge.core.saved import Saved
from edge.core.vocabulary import ConnectorStatus, ErrorCode, StopReason
from tests.core.bench import of, setup
from tests.core.build import Rig
from tests.core.restarts import interrupted


def reasons(rig: Rig) -> list[StopReason]:
    return [one.reason for one in rig.messages(StopTransaction)]


@pytest.mark.parametrize(
    ("trip", "code"),
    [
        (Trip.EMERGENCY_STOP, ErrorCode.OTHER_ERROR),
        (Trip.RCD, ErrorCode.GROUND_FAILURE),
        (Trip.WELDED, ErrorCode.POWER_SWITCH_FAILURE),
        (Trip.NOT_CLOSED, ErrorCode.POWER_SWITCH_FAILURE),
        (Trip.OVER_TEMPERATURE, ErrorCode.HIGH_TEMPERATURE),
        (Trip.PILOT_LOST, ErrorCode.OTHER_ERROR),
        (Trip.DEAD_MAN, ErrorCode.INTERNAL_ERROR),
    ],
)
def test_every_trip_has_its_error_code(trip: Trip, code: ErrorCode) -> None:
    """Checklist 7."""
    rig = Rig(serve=True).online()
    rig.trip(trip)
    notice = rig.messages(StatusNotification)[-1]
    assert (notice.status, notice.error_code) == (ConnectorStatus.FAULTED, code)


@pytest.mark.parametrize("pilot", [Pilot.E, Pilot.F])
def test_safety_08_a_short_or_dead_pilot_is_a_fault(pilot: Pilot) -> None:
    """Safety 8."""
    rig = Rig(serve=True).online()
    rig.see(plugged=True, pilot=pilot)
    assert rig.told()[-1] is ConnectorStatus.FAULTED


@pytest.mark.parametrize(
    ("trip", "reason"),
    [
        (Trip.EMERGENCY_STOP, StopReason.EMERGENCY_STOP),
        (Trip.RCD, StopReason.OTHER),
        (Trip.WELDED, StopReason.OTHER),
        (Trip.NOT_CLOSED, StopReason.OTHER),
    ],
)
def test_a_lasting_fault_ends_the_session_at_once(trip: Trip, reason: StopReason) -> None:
    """Ruling 17."""
    rig = Rig(serve=True).online().charging()
    rig.trip(trip)
    assert of(Cut, rig.log)
    assert reasons(rig) == [reason]


def test_a_contactor_that_did_not_close_bills_nothing() -> None:
    """Ruling 12: meterStop = meterStart."""
    rig = Rig(serve=True).online()
    rig.socket().deaf = True
    rig.plug()
    rig.tap()
    rig.trip(Trip.NOT_CLOSED)
    stop = rig.messages(StopTransaction)[0]
    assert (stop.meter_stop, stop.reason) == (1000, StopReason.OTHER)


def test_a_passing_fault_is_waited_out_and_the_session_goes_on() -> None:
    """Ruling 17, I3/I4: resumed after the reclose delay."""
    rig = Rig(serve=True).online().charging()
    rig.trip(Trip.OVER_TEMPERATURE)
    assert rig.told()[-1] is ConnectorStatus.FAULTED
    rig.wait(179)
    assert reasons(rig) == []
    rig.trip()
    rig.see(pilot=Pilot.C)
    rig.wait(5)
    assert rig.told()[-1] is ConnectorStatus.CHARGING


def test_a_passing_fault_that_stays_ends_the_session() -> None:
    """Ruling 17: `fault_hold`, then Other; Finishing once it is clear, never Charging."""
    rig = Rig(serve=True).online().charging()
    rig.trip(Trip.OVER_TEMPERATURE)
    rig.wait(179.9)
    assert reasons(rig) == []
    rig.wait(0.2)
    assert reasons(rig) == [StopReason.OTHER]
    rig.trip()
    assert rig.told()[-1] is ConnectorStatus.FINISHING


def test_two_faults_in_a_row_have_each_their_time() -> None:
    """The hold counts from the fault that lasts."""
    rig = Rig(serve=True).online().charging()
    rig.trip(Trip.OVER_TEMPERATURE)
    rig.wait(100)
    rig.trip()
    rig.trip(Trip.OVER_TEMPERATURE)
    rig.wait(100)
    assert reasons(rig) == []


def test_a_tripped_reflex_is_asked_again_until_it_is_clear() -> None:
    """Ruling 1: only a later step clears the latch."""
    rig = Rig(serve=True).online()
    rig.trip(Trip.EMERGENCY_STOP)
    rig.wait(6)
    assert len(of(Rearm, rig.log)) == 3
    rig.trip()
    rig.wait(60)
    assert len(of(Rearm, rig.log)) == 3


def test_safety_09_a_weld_is_written_once_and_released_by_feedback() -> None:
    """Safety 9: latched over reboots until the contactor is seen open."""
    rig = Rig(serve=True).online().charging()
    rig.socket().deaf = True
    rig.see(tripped=frozenset({Trip.WELDED}))
    rig.see()
    assert len(rig.written(FaultLatched)) == 1
    rig.see(tripped=frozenset())
    assert not rig.written(FaultReleased)
    assert rig.told()[-1] is ConnectorStatus.FAULTED
    rig.see(closed=False)
    assert rig.written(FaultReleased) == [FaultReleased(connector=1)]
    assert rig.told()[-1] is not ConnectorStatus.FAULTED


def test_safety_21_a_weld_outlives_the_process() -> None:
    """Safety 9, 21."""
    latched = FaultLatched(connector=1, code=ErrorCode.POWER_SWITCH_FAILURE, info="x")
    rig = Rig(saved=Saved(faults=(latched,)), serve=True)
    rig.socket().closed = True
    rig.socket().deaf = True
    rig.start()
    rig.link_up()
    assert rig.told()[-1] is ConnectorStatus.FAULTED
    rig.plug()
    rig.tap()
    assert rig.phase() is Phase.PREPARING


def test_safety_21_a_session_found_open_behind_a_weld_is_not_taken_up() -> None:
    """Ruling 17: a weld ends it at once, in the next process too, not after the hold."""
    latched = FaultLatched(connector=1, code=ErrorCode.POWER_SWITCH_FAILURE, info="x")
    rig = Rig(saved=replace(interrupted(), faults=(latched,)), serve=True)
    socket = rig.socket()
    socket.plugged = socket.closed = socket.deaf = True
    socket.pilot, socket.energy_wh = Pilot.B, 1420
    rig.start()
    rig.link_up()
    rig.wait(30)
    assert reasons(rig) == [StopReason.OTHER]


def test_safety_19_a_lost_charging_point_is_a_fault_until_it_speaks_again() -> None:
    """Architecture 5: DriverLost; it says what it sees by itself."""
    rig = Rig(serve=True).online().charging()
    rig.socket().deaf = rig.socket().stubborn = True
    rig.step(DriverLost(at=rig.instant, port=Port.EVSE, connector=1, why="gone"))
    assert of(Cut, rig.last)
    notice = rig.messages(StatusNotification)[-1]
    assert (notice.status, notice.error_code) == (
        ConnectorStatus.FAULTED,
        ErrorCode.INTERNAL_ERROR,
    )
    rig.step(DriverFound(at=rig.instant, port=Port.EVSE, connector=1))
    assert of(Show, rig.last)
    rig.socket().deaf = rig.socket().stubborn = False
    rig.see(closed=False)
    rig.wait(5)
    assert rig.told()[-1] is ConnectorStatus.CHARGING


def test_safety_13_a_lost_meter_is_a_fault_when_its_last_word_is_old() -> None:
    """Ruling 12: ten seconds."""
    rig = Rig(serve=True).online()
    rig.step(DriverLost(at=rig.instant, port=Port.METER, connector=1, why="no bus"))
    rig.wait(9.9)
    assert rig.told() == []
    rig.wait(0.1)
    notice = rig.messages(StatusNotification)[-1]
    assert notice.error_code is ErrorCode.POWER_METER_FAILURE
    rig.meter()
    assert rig.told()[-1] is ConnectorStatus.AVAILABLE


def test_safety_13_a_meter_that_never_spoke_is_a_fault_when_it_had_time_to() -> None:
    """Safety 13, ruling 12: ten seconds without a reading; a slow bus at the start is no fault."""
    rig = Rig(serve=True)
    rig.socket().meter_works = False
    rig.start()
    rig.link_up()
    assert rig.told()[-1] is ConnectorStatus.AVAILABLE
    rig.wait(10)
    assert rig.told()[-1] is ConnectorStatus.FAULTED


def test_safety_13_a_meter_lost_while_charging_ends_the_session_after_the_hold() -> None:
    """Safety 13: never re-stamp old values; ruling 17's patience."""
    rig = Rig(serve=True).online().charging()
    rig.socket().meter_works = False
    rig.meter()
    rig.wait(10)
    assert rig.told()[-1] is ConnectorStatus.FAULTED
    rig.wait(180.1)
    assert reasons(rig) == [StopReason.OTHER]


def test_safety_10_a_welded_contactor_is_told_to_open_once() -> None:
    """Safety 10: the off command is not hammered, however often it is seen to be closed."""
    rig = Rig(serve=True).online().charging()
    rig.socket().deaf = True
    rig.see(tripped=frozenset({Trip.WELDED}))
    for _ in range(60):
        rig.wait(60)
        rig.see()
        rig.meter()
    assert len(of(Cut, rig.log)) == 1


def test_a_lock_failure_lasts_until_the_plug_is_out() -> None:
    """TC_024."""
    rig = Rig(setup(lock=True), serve=True).online()
    rig.socket().jammed = True
    rig.plug()
    rig.tap()
    rig.wait(4)
    rig.see()
    assert rig.told()[-1] is ConnectorStatus.FAULTED
    rig.unplug()
    assert rig.told()[-1] is ConnectorStatus.AVAILABLE


def test_a_car_that_leaves_may_keep_its_session() -> None:
    """TC_005_3, ruling 37: SuspendedEV with its info; a remote stop ends it."""
    keys = {"StopTransactionOnEVSideDisconnect": "false"}
    rig = Rig(setup(keys=keys), serve=True).online().charging()
    rig.see(pilot=Pilot.A)
    assert of(Cut, rig.log)
    notice = rig.messages(StatusNotification)[-1]
    assert (notice.status, notice.error_code, notice.info) == (
        ConnectorStatus.SUSPENDED_EV,
        ErrorCode.NO_ERROR,
        "EV side disconnected",
    )
    assert reasons(rig) == []
    rig.call(RemoteStopTransaction(transaction_id=4711))
    assert reasons(rig) == [StopReason.REMOTE]


def test_the_stop_button_ends_the_session_gently() -> None:
    """Whoever stands there may stop it: Local, with the ramp."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    rig.step(StopPressed(at=rig.instant, connector=1))
    assert not of(Cut, rig.log)
    rig.wait(6)
    assert reasons(rig) == [StopReason.LOCAL]
