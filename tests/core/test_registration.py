"""Boot, heartbeat, and silence where the standard demands it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edge.core.commands import (
    ChangeConfiguration,
    GetConfiguration,
    GetConfigurationConf,
    RemoteStartTransaction,
    RemoteStopTransaction,
    TriggerMessage,
)
from edge.core.effects import LearnTime, Reply
from edge.core.key_kinds import MOST_SILENCE_S
from edge.core.messages import (
    Authorize,
    BootNotification,
    CallError,
    Heartbeat,
    HeartbeatConf,
    MeterValues,
    NoAnswer,
    StartTransaction,
    StatusNotification,
)
from edge.core.vocabulary import ConnectorStatus, RegistrationStatus
from tests.core.bench import NOON, of, setup
from tests.core.build import Rig, booted

TIMED_OUT = NoAnswer(timed_out=True)


def boot_answered(rig: Rig, status: RegistrationStatus, interval: int = 60) -> None:
    rig.answer(BootNotification, booted(rig.instant.wall, status, interval))


def test_the_first_and_only_message_is_boot_notification() -> None:
    """TC_001: before the answer nothing else is on the wire."""
    rig = Rig(setup(connectors=2)).start()
    rig.link_up()
    assert [type(one.message) for one in rig.sent] == [BootNotification]


def test_acceptance_tells_the_status_of_the_station_and_every_connector() -> None:
    """TC_001: StatusNotification for 0, 1, 2."""
    rig = Rig(setup(connectors=2)).start()
    rig.link_up()
    rig.answer(BootNotification)
    notices = rig.messages(StatusNotification)
    assert [one.connector_id for one in notices] == [0, 1, 2]
    assert {one.status for one in notices} == {ConnectorStatus.AVAILABLE}


def test_a_rejected_boot_is_tried_again_after_its_interval_and_not_before() -> None:
    """TC_001: at least the interval."""
    rig = Rig().start()
    rig.link_up()
    boot_answered(rig, RegistrationStatus.REJECTED, 40)
    rig.wait(39.9)
    assert not rig.sent
    rig.wait(0.2)
    assert rig.is_waiting(BootNotification)


def test_while_rejected_no_call_is_answered() -> None:
    """4.2, ruling 8: silence, which the link is told by an empty reply."""
    rig = Rig().start()
    rig.link_up()
    boot_answered(rig, RegistrationStatus.REJECTED)
    assert rig.call(GetConfiguration()) is None
    assert of(Reply, rig.last) == [Reply(call_id=1, answer=None)]


def test_while_rejected_a_reconnect_keeps_silent_until_the_interval_ends() -> None:
    """Ruling 26: the silence lasts over a new line."""
    rig = Rig().start()
    rig.link_up()
    boot_answered(rig, RegistrationStatus.REJECTED, 40)
    rig.link_down()
    rig.wait(10)
    rig.link_up()
    assert not rig.sent
    rig.wait(31)
    assert rig.is_waiting(BootNotification)


def test_an_interval_that_ends_while_offline_boots_on_the_next_line() -> None:
    """Ruling 26."""
    rig = Rig().start()
    rig.link_up()
    boot_answered(rig, RegistrationStatus.PENDING, 40)
    rig.link_down()
    rig.wait(60)
    assert not rig.is_waiting(BootNotification)
    rig.link_up()
    assert rig.is_waiting(BootNotification)


def test_while_pending_configuration_is_served_and_nothing_is_sent_unasked() -> None:
    """TC_002."""
    rig = Rig().start()
    rig.link_up()
    boot_answered(rig, RegistrationStatus.PENDING)
    shown = rig.call(GetConfiguration())
    assert isinstance(shown, GetConfigurationConf)
    assert len(shown.configuration_key) > 20
    rig.call(ChangeConfiguration(key="ConnectionTimeOut", value="300"))
    rig.plug()
    assert not rig.sent
    rig.wait(61)
    assert [type(one.message) for one in rig.sent] == [BootNotification]
    rig.answer(BootNotification)
    assert rig.told()[-1] is ConnectorStatus.PREPARING


def test_while_pending_remote_start_and_stop_are_rejected() -> None:
    """Checklist 1: no command may move energy before acceptance."""
    rig = Rig().start()
    rig.link_up()
    boot_answered(rig, RegistrationStatus.PENDING)
    assert rig.call(RemoteStartTransaction(id_tag="X", connector_id=1)).status == "Rejected"
    assert rig.call(RemoteStopTransaction(transaction_id=1)).status == "Rejected"


def test_while_pending_the_outbox_waits() -> None:
    """Ruling 26: no StartTransaction before acceptance."""
    rig = Rig(setup(keys={"AllowOfflineTxForUnknownId": "true"})).start()
    rig.charging()
    rig.link_up()
    boot_answered(rig, RegistrationStatus.PENDING)
    rig.wait(30)
    assert not rig.messages(StartTransaction)
    rig.wait(31)
    rig.answer(BootNotification)
    assert rig.messages(StartTransaction)


@pytest.mark.parametrize(
    "message",
    [
        "BootNotification",
        "Heartbeat",
        "StatusNotification",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "MeterValues",
    ],
)
def test_while_pending_triggers_are_honoured(message: str) -> None:
    """Checklist 1, 4.2: a triggered message is not unasked."""
    rig = Rig().start()
    rig.link_up()
    boot_answered(rig, RegistrationStatus.PENDING)
    assert rig.call(TriggerMessage(requested_message=message)).status == "Accepted"
    assert message in {type(one.message).__name__ for one in rig.sent}


def test_a_boot_triggered_while_one_is_open_is_not_sent_twice() -> None:
    """One introduction at a time, however often it is asked for."""
    rig = Rig().start()
    rig.link_up()
    boot_answered(rig, RegistrationStatus.PENDING)
    for _ in range(3):
        rig.call(TriggerMessage(requested_message="BootNotification"))
    assert len(rig.sent) == 1


def test_interval_zero_with_pending_does_not_flood() -> None:
    """Checklist 1: our own delay."""
    rig = Rig().start()
    rig.link_up()
    boot_answered(rig, RegistrationStatus.PENDING, 0)
    rig.wait(59)
    assert not rig.sent
    rig.wait(2)
    assert rig.is_waiting(BootNotification)


@pytest.mark.parametrize("answer", [CallError(code="InternalError"), TIMED_OUT])
def test_a_boot_refused_or_unanswered_is_tried_again(answer: CallError | NoAnswer) -> None:
    """Checklist 1: seen within 100 s."""
    rig = Rig().start()
    rig.link_up()
    rig.answer(BootNotification, answer)
    assert not rig.sent
    rig.wait(100)
    assert rig.is_waiting(BootNotification)


def test_a_boot_lost_with_the_line_is_made_again_on_the_next() -> None:
    """Checklist 1: also after a reconnect."""
    rig = Rig().start()
    rig.link_up()
    rig.link_down()
    rig.wait(5)
    rig.link_up()
    assert rig.is_waiting(BootNotification)


def test_a_reconnect_sends_no_boot_notification() -> None:
    """Ruling 26: boot is said once per process."""
    rig = Rig(serve=True).online()
    rig.link_down()
    rig.link_up()
    rig.wait(10)
    assert not rig.messages(BootNotification)


def test_heartbeats_come_after_the_interval_of_silence() -> None:
    """TC_001: the interval of the answer is the HeartbeatInterval."""
    rig = Rig().start()
    rig.link_up()
    boot_answered(rig, RegistrationStatus.ACCEPTED, 20)
    rig.answer_all()
    rig.wait(19.9)
    assert not rig.sent
    rig.wait(0.1)
    assert rig.is_waiting(Heartbeat)
    rig.answer(Heartbeat)
    rig.wait(20)
    assert rig.is_waiting(Heartbeat)


def test_other_traffic_puts_the_heartbeat_off() -> None:
    """Ruling 26: HeartbeatInterval counts inactivity (9.1.10)."""
    rig = Rig().online()
    rig.call(ChangeConfiguration(key="HeartbeatInterval", value="20"))
    rig.wait(15)
    rig.call(GetConfiguration(key=("HeartbeatInterval",)))
    rig.wait(15)
    assert not rig.sent
    rig.wait(5)
    assert rig.is_waiting(Heartbeat)


def test_heartbeats_go_on_after_a_reconnect() -> None:
    """Checklist 1: same interval before and after."""
    rig = Rig(serve=True).online()
    rig.call(ChangeConfiguration(key="HeartbeatInterval", value="10"))
    rig.link_down()
    rig.wait(100)
    assert not rig.messages(Heartbeat)
    rig.link_up()
    rig.wait(10)
    assert len(rig.messages(Heartbeat)) == 1


def test_heartbeat_interval_zero_means_never() -> None:
    """9.1.10: nothing is due."""
    rig = Rig(serve=True).online()
    rig.call(ChangeConfiguration(key="HeartbeatInterval", value="0"))
    rig.wait(5000)
    assert not rig.messages(Heartbeat)


def test_the_interval_of_an_accepted_boot_is_readable_as_heartbeat_interval() -> None:
    """4.2: and survives a restart."""
    rig = Rig().start()
    rig.link_up()
    boot_answered(rig, RegistrationStatus.ACCEPTED, 77)
    shown = rig.call(GetConfiguration(key=("HeartbeatInterval",)))
    assert shown.configuration_key[0].value == "77"


@pytest.mark.parametrize("interval", [0, 9])
def test_an_accepted_boot_with_a_bad_interval_keeps_the_last_good_one(interval: int) -> None:
    """Ruling 26: 0 or less than 10 s is no interval."""
    rig = Rig(setup(keys={"HeartbeatInterval": "45"})).start()
    rig.link_up()
    boot_answered(rig, RegistrationStatus.ACCEPTED, interval)
    shown = rig.call(GetConfiguration(key=("HeartbeatInterval",)))
    assert shown.configuration_key[0].value == "45"


def test_the_clock_is_learnt_from_boot_and_heartbeat() -> None:
    """Checklist 1: currentTime of both."""
    rig = Rig().start()
    rig.link_up()
    later = NOON + timedelta(days=1)
    rig.answer(BootNotification, booted(later))
    assert of(LearnTime, rig.last) == [LearnTime(wall=later, monotonic=rig.now)]
    rig.answer_all()
    rig.wait(300)
    rig.answer(Heartbeat, HeartbeatConf(current_time=later))
    assert of(LearnTime, rig.last)[0].wall == later


def test_an_unanswered_heartbeat_is_followed_by_another() -> None:
    """A lost heartbeat ends nothing."""
    rig = Rig().online()
    rig.wait(300)
    rig.answer(Heartbeat, TIMED_OUT)
    assert len(rig.sent) == 1
    assert rig.is_waiting(Heartbeat)


def test_what_was_told_before_a_rejection_stays_quiet_without_meter_values() -> None:
    """Ruling 26: Rejected is silence, samples included."""
    rig = Rig().start()
    rig.link_up()
    boot_answered(rig, RegistrationStatus.REJECTED, 1000)
    rig.plug()
    rig.tap()
    rig.wait(300)
    assert not rig.sent
    assert not rig.messages(MeterValues)


SECURITY_ERROR = CallError(code="SecurityError", description="send BootNotification first")


def test_a_central_system_that_lost_its_memory_hears_boot_again() -> None:
    """J errata 3.10: SecurityError is its word for a station that has not booted."""
    rig = Rig().online()
    rig.wait(100)
    rig.plug()
    rig.answer(StatusNotification, SECURITY_ERROR)
    rig.answer(BootNotification)
    rig.answer_all()
    assert rig.told()[-1] is ConnectorStatus.PREPARING
    assert len(rig.messages(BootNotification)) == 1


def test_boot_is_not_said_again_to_one_that_has_just_accepted_it() -> None:
    """It means something else, then; nobody is flooded."""
    rig = Rig().online()
    rig.plug()
    rig.answer(StatusNotification, SECURITY_ERROR)
    rig.wait(59)
    rig.unplug()
    rig.answer(StatusNotification, SECURITY_ERROR)
    assert not rig.messages(BootNotification)


def test_a_boot_in_between_takes_no_answer_from_a_transaction_message() -> None:
    """I2: the answer on its way finds its message, and nothing else is sent before the boot's."""
    rig = Rig().online()
    rig.wait(100)
    rig.tap()
    rig.answer(Authorize)
    rig.plug()
    assert rig.is_waiting(StartTransaction)
    rig.answer(StatusNotification, SECURITY_ERROR)
    assert rig.is_waiting(BootNotification)
    rig.answer(StartTransaction)
    rig.wait(60)
    assert not rig.is_waiting(MeterValues)
    rig.answer(BootNotification)
    assert rig.is_waiting(MeterValues)
    transaction = rig.bay().transaction
    assert transaction is not None
    assert transaction.transaction_id == 4711


def test_no_interval_of_a_boot_silences_the_station_for_ever() -> None:
    """A central system that means milliseconds, or harm, is heard again within a week."""
    rig = Rig().start()
    rig.link_up()
    boot_answered(rig, RegistrationStatus.PENDING, 10**17)
    rig.wait(MOST_SILENCE_S)
    boot_answered(rig, RegistrationStatus.ACCEPTED, 10**17)
    shown = rig.call(GetConfiguration(key=("HeartbeatInterval",)))
    assert shown.configuration_key[0].value == str(MOST_SILENCE_S)


def test_a_request_is_waited_for_as_long_as_message_timeout_says() -> None:
    """Errata 3.83: a request of ours is timed out then; a new value holds for the next one."""
    rig = Rig(setup(keys={"MessageTimeout": "7"})).start()
    rig.link_up()
    assert rig.waiting(BootNotification).within_s == 7
    rig.answer_all()
    rig.call(ChangeConfiguration(key="MessageTimeout", value="20"))
    rig.plug()
    assert rig.waiting(StatusNotification).within_s == 20


def test_a_triggered_heartbeat_tells_the_time_too() -> None:
    """4.6: every answer does."""
    rig = Rig().online()
    rig.call(TriggerMessage(requested_message="Heartbeat"))
    later = NOON + timedelta(hours=2)
    rig.answer(Heartbeat, HeartbeatConf(current_time=later))
    assert of(LearnTime, rig.log)[-1].wall == later
