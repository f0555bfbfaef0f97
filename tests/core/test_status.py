"""What the central system hears of a status, and when."""

from __future__ import annotations

from edge.core.commands import ChangeConfiguration, RemoteStopTransaction
from edge.core.events import DriverFound, DriverLost, Pilot, Port, Trip
from edge.core.levels import error
from edge.core.messages import NoAnswer, StatusNotification
from edge.core.vocabulary import ConnectorStatus, ErrorCode
from tests.core.bench import setup
from tests.core.build import Rig

PREPARING, AVAILABLE = ConnectorStatus.PREPARING, ConnectorStatus.AVAILABLE
CHARGING, FINISHING = ConnectorStatus.CHARGING, ConnectorStatus.FINISHING
FAULTED, SUSPENDED_EV = ConnectorStatus.FAULTED, ConnectorStatus.SUSPENDED_EV
OFFLINE = {"AllowOfflineTxForUnknownId": "true"}


def patient(seconds: int) -> Rig:
    return Rig(setup(keys={"MinimumStatusDuration": str(seconds)}), serve=True).online()


def test_each_status_is_told_once() -> None:
    """4.9: a reading or a tick is no news."""
    rig = Rig(serve=True).online()
    rig.plug()
    rig.meter()
    rig.wait(5)
    rig.see()
    assert rig.told() == [PREPARING]


def test_a_status_is_stamped_when_it_began() -> None:
    """Ruling 25: timestamp = since."""
    rig = patient(5)
    began = rig.instant.wall
    rig.plug()
    rig.wait(4.9)
    assert rig.told() == []
    rig.wait(0.1)
    assert rig.messages(StatusNotification)[0].timestamp == began


def test_a_flicker_is_not_told() -> None:
    """Ruling 25: back before the time, nothing is sent."""
    rig = patient(5)
    rig.plug()
    rig.wait(3)
    rig.unplug()
    rig.wait(60)
    assert rig.told() == []


def test_a_fault_and_its_end_are_told_at_once() -> None:
    """Ruling 25."""
    rig = patient(60)
    rig.trip(Trip.RCD)
    assert rig.told() == [FAULTED]
    rig.trip()
    assert rig.told() == [FAULTED, AVAILABLE]


def test_the_end_of_a_transaction_is_told_however_short_it_shows() -> None:
    """Ruling 25: else the next session would look like the same one."""
    rig = Rig(setup(keys={"MinimumStatusDuration": "5"}), serve=True).online().charging()
    rig.wait(20)
    assert rig.told() == [CHARGING]
    rig.tap()
    assert rig.told() == [CHARGING, FINISHING]
    rig.unplug()
    assert rig.told()[-1] is FINISHING
    rig.wait(5)
    assert rig.told()[-1] is AVAILABLE


def test_a_pause_of_the_car_must_last_to_be_told() -> None:
    """Ruling 25: within a transaction nothing ends, so a flicker stays one."""
    rig = Rig(setup(keys={"MinimumStatusDuration": "5"}), serve=True).online().charging()
    rig.wait(20)
    rig.see(pilot=Pilot.B)
    rig.wait(4)
    assert rig.told()[-1] is CHARGING
    rig.wait(1)
    assert rig.told()[-1] is SUSPENDED_EV


def test_offline_nothing_is_replayed() -> None:
    """4.9, checklist 6: on return only what differs."""
    rig = Rig(setup(connectors=2), serve=True).online()
    rig.link_down()
    rig.plug(1)
    rig.unplug(1)
    rig.plug(2)
    rig.link_up()
    assert rig.told(1) == []
    assert rig.told(2) == [PREPARING]


def test_after_a_reconnect_what_has_not_changed_is_not_told() -> None:
    """Checklist 6."""
    rig = Rig(serve=True).online()
    rig.link_down()
    rig.link_up()
    assert not rig.messages(StatusNotification)


def test_a_status_lost_with_the_line_is_told_again() -> None:
    """What was not heard is news still."""
    rig = Rig().online()
    rig.plug()
    rig.link_down()
    rig.link_up()
    assert rig.told() == [PREPARING, PREPARING]


def test_an_old_notice_that_timed_out_does_not_repeat_a_newer_one() -> None:
    """Only the newest word counts."""
    rig = Rig().online()
    rig.plug()
    rig.unplug()
    oldest = rig.waiting(StatusNotification)
    rig.settle(oldest, NoAnswer(timed_out=True))
    assert rig.told() == [PREPARING, AVAILABLE]


def test_a_fault_is_told_with_its_code_and_its_end_without() -> None:
    """TC_041: NoError and the real status after clearing."""
    rig = Rig(serve=True).online()
    rig.trip(Trip.RCD)
    rig.trip()
    assert [(one.status, one.error_code) for one in rig.messages(StatusNotification)] == [
        (FAULTED, ErrorCode.GROUND_FAILURE),
        (AVAILABLE, ErrorCode.NO_ERROR),
    ]


def test_nothing_begins_on_a_faulted_connector() -> None:
    """TC_041: neither by card nor by plug; after clearing the real status."""
    rig = Rig(serve=True).online()
    rig.trip(Trip.RCD)
    rig.plug()
    rig.tap()
    assert rig.told() == [FAULTED]
    rig.trip()
    assert rig.told() == [FAULTED, PREPARING]


def test_while_stopping_the_last_status_stays() -> None:
    """Ruling 13: until the transaction is closed."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    rig.call(RemoteStopTransaction(transaction_id=4711))
    rig.wait(3)
    assert rig.told()[-1] is CHARGING
    rig.wait(3)
    assert rig.told()[-2:] == [CHARGING, FINISHING]


def test_a_fault_that_passes_while_stopping_is_not_kept() -> None:
    """Ruling 17: Faulted is never told without its code."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    rig.call(RemoteStopTransaction(transaction_id=4711))
    rig.socket().deaf = True
    rig.trip(Trip.OVER_TEMPERATURE)
    rig.trip()
    pairs = {(one.status, one.error_code) for one in rig.messages(StatusNotification)}
    assert (FAULTED, ErrorCode.HIGH_TEMPERATURE) in pairs
    assert (FAULTED, ErrorCode.NO_ERROR) not in pairs


def test_a_contactor_not_seen_closed_yet_keeps_the_status() -> None:
    """Ruling 13, 7.7: only what the feedback shows is Charging."""
    rig = Rig(serve=True).online()
    rig.socket().deaf = True
    rig.plug()
    rig.tap()
    assert rig.told() == [PREPARING, SUSPENDED_EV]
    rig.see(closed=True)
    assert rig.told()[-1] is CHARGING


def test_offline_from_the_start_the_session_is_shown_by_what_it_is() -> None:
    """Ruling 13: what was told is not what is."""
    rig = Rig(setup(keys=OFFLINE)).start().charging()
    rig.socket().stubborn = True
    rig.wait(20)
    rig.tap()
    candidate = rig.bay().notice.candidate
    assert candidate is not None
    assert candidate[0] is CHARGING


def test_a_car_that_pauses_is_suspended_ev() -> None:
    """Ruling 13: pilot B."""
    rig = Rig(serve=True).online().charging()
    rig.see(pilot=Pilot.B)
    assert rig.told()[-1] is SUSPENDED_EV


def test_a_car_without_pilot_is_suspended_when_it_draws_nothing_for_a_minute() -> None:
    """Ruling 3: less than 100 W for 60 s; a car that draws again is Charging."""
    rig = Rig(setup(pilot=False), serve=True).online().charging()
    assert rig.told()[-1] is CHARGING
    rig.meter(current_a=0.1)
    rig.wait(59)
    rig.meter()
    assert rig.told()[-1] is CHARGING
    rig.wait(1)
    rig.meter()
    assert rig.told()[-1] is SUSPENDED_EV
    rig.meter(current_a=10.0)
    assert rig.told()[-1] is CHARGING


def test_no_reading_yet_is_charging() -> None:
    """Ruling 13: with a pilot whatever the current."""
    rig = Rig(serve=True).online()
    rig.plug()
    rig.tap()
    assert rig.told()[-1] is CHARGING


def test_a_lost_reader_is_told_of_the_station() -> None:
    """ReaderFailure is no reason to be out of service."""
    rig = Rig(serve=True).online()
    rig.step(DriverLost(at=rig.instant, port=Port.READER, connector=0, why="unplugged"))
    notice = rig.messages(StatusNotification)[-1]
    assert (notice.connector_id, notice.status) == (0, AVAILABLE)
    assert notice.error_code is ErrorCode.READER_FAILURE
    rig.step(DriverFound(at=rig.instant, port=Port.READER, connector=0))
    assert rig.messages(StatusNotification)[-1].error_code is ErrorCode.NO_ERROR


def test_each_of_two_readers_is_lost_and_found_by_itself() -> None:
    """One that comes back does not hide that the other is still away."""
    rig = Rig(setup(connectors=2, readers=((1,), (2,))), serve=True).online()
    for reader in (0, 1):
        rig.step(
            DriverLost(at=rig.instant, port=Port.READER, connector=0, reader=reader, why="silent")
        )
    assert error(rig.state, 0, rig.now)[1] == "card reader 0 does not answer"
    rig.step(DriverFound(at=rig.instant, port=Port.READER, connector=0, reader=0))
    assert error(rig.state, 0, rig.now)[1] == "card reader 1 does not answer"
    assert rig.messages(StatusNotification)[-1].error_code is ErrorCode.READER_FAILURE
    rig.step(DriverFound(at=rig.instant, port=Port.READER, connector=0, reader=1))
    assert rig.messages(StatusNotification)[-1].error_code is ErrorCode.NO_ERROR


def test_a_new_duration_applies_to_what_is_waiting() -> None:
    """5.3: at once."""
    rig = patient(600)
    rig.plug()
    rig.call(ChangeConfiguration(key="MinimumStatusDuration", value="0"))
    assert rig.told() == [PREPARING]
