"""Every command of the central system, one reply each."""

from __future__ import annotations

from typing import get_args

import pytest

from edge.core.bay import Phase
from edge.core.commands import (
    ChangeAvailability,
    Command,
    ExtendedTriggerMessage,
    ExtendedTriggerMessageConf,
    IncomingTransfer,
    RemoteStartTransaction,
    RemoteStopTransaction,
    TriggerMessage,
)
from edge.core.effects import Reply, Send
from edge.core.events import Trip
from edge.core.messages import (
    Authorize,
    BootNotification,
    DiagnosticsStatusNotification,
    FirmwareStatusNotification,
    Heartbeat,
    LogStatusNotification,
    MeterValues,
    SignedFirmwareStatusNotification,
    StartTransaction,
    StatusNotification,
    StopTransaction,
)
from edge.core.records import Alive, Metered
from edge.core.remote import COMMANDS
from edge.core.vocabulary import AvailabilityType, ConnectorStatus, ReadingContext, StopReason
from tests.core.bench import ALICE, BOB, of, setup
from tests.core.build import Rig

PREPARING = ConnectorStatus.PREPARING


def start(rig: Rig, id_tag: str = ALICE, connector: int | None = 1) -> str:
    status: str = rig.call(RemoteStartTransaction(id_tag=id_tag, connector_id=connector)).status
    return status


def stop(rig: Rig, transaction_id: int = 4711) -> str:
    status: str = rig.call(RemoteStopTransaction(transaction_id=transaction_id)).status
    return status


def trigger(rig: Rig, message: str, connector: int | None = None) -> str:
    command = TriggerMessage(requested_message=message, connector_id=connector)
    status: str = rig.call(command).status
    return status


def trigger_more(rig: Rig, message: str, connector: int | None = None) -> str:
    command = ExtendedTriggerMessage(requested_message=message, connector_id=connector)
    status: str = rig.call(command).status
    return status


def test_every_command_has_its_row() -> None:
    """Architecture 9: a command without a row would never be answered."""
    assert set(COMMANDS) == set(get_args(Command))


def test_plug_then_remote_start_charges() -> None:
    """TC_010."""
    rig = Rig(serve=True).online()
    rig.plug()
    assert start(rig) == "Accepted"
    assert rig.messages(StartTransaction)[0].id_tag == ALICE
    assert rig.told()[0] is PREPARING
    assert rig.told()[-1] is ConnectorStatus.CHARGING


def test_remote_start_then_plug_charges() -> None:
    """TC_011_1."""
    rig = Rig(serve=True).online()
    assert start(rig) == "Accepted"
    assert rig.told() == [PREPARING]
    rig.plug()
    assert len(rig.messages(StartTransaction)) == 1
    assert rig.told()[-1] is ConnectorStatus.CHARGING


def test_a_remote_start_without_a_plug_runs_out() -> None:
    """TC_011_2."""
    rig = Rig(setup(keys={"ConnectionTimeOut": "30"}), serve=True).online()
    start(rig)
    rig.wait(30)
    assert rig.told() == [PREPARING, ConnectorStatus.AVAILABLE]


def test_remote_stop_ends_the_transaction() -> None:
    """TC_012: Remote, Finishing, Available after the unplug."""
    rig = Rig(serve=True).online().charging()
    assert stop(rig) == "Accepted"
    assert rig.messages(StopTransaction)[0].reason is StopReason.REMOTE
    assert rig.told()[-1] is ConnectorStatus.FINISHING
    rig.unplug()
    assert rig.told()[-1] is ConnectorStatus.AVAILABLE


def test_the_reply_to_a_stop_comes_before_its_consequences() -> None:
    """Architecture 8c: the conf is told first."""
    rig = Rig(serve=True).online().charging()
    stop(rig)
    told = [one for one in rig.last if isinstance(one, Reply | Send)]
    assert isinstance(told[0], Reply)


def test_a_remote_start_on_a_running_connector_is_rejected() -> None:
    """TC_026."""
    rig = Rig(serve=True).online().charging()
    assert start(rig, BOB) == "Rejected"


@pytest.mark.parametrize("connector", [0, 2, -1])
def test_a_remote_start_on_no_connector_of_ours_is_rejected(connector: int) -> None:
    """TC_027: 0; and invalid ones."""
    assert start(Rig().online(), connector=connector) == "Rejected"


@pytest.mark.parametrize("transaction_id", [1, -1, 0])
def test_a_remote_stop_of_an_unknown_transaction_is_rejected(transaction_id: int) -> None:
    """TC_028."""
    rig = Rig().online().charging()
    assert stop(rig, transaction_id) == "Rejected"


def test_two_open_transactions_of_one_number_both_stop() -> None:
    """Checklist: transactionId is the central system's business, no key of ours."""
    rig = Rig(setup(connectors=2), serve=True).online()
    rig.charging(1)
    rig.next_transaction = 4711
    rig.charging(2, BOB)
    assert stop(rig) == "Accepted"
    assert [rig.phase(1), rig.phase(2)] == [Phase.FINISHING, Phase.FINISHING]


def test_a_remote_start_for_any_connector_takes_the_first_one_plugged() -> None:
    """Checklist 3."""
    rig = Rig(setup(connectors=2), serve=True).online()
    assert start(rig, connector=None) == "Accepted"
    rig.plug(2)
    assert rig.messages(StartTransaction)[0].connector_id == 2


def test_a_named_connector_ignores_a_plug_on_another() -> None:
    """Checklist 3."""
    rig = Rig(setup(connectors=2), serve=True).online()
    start(rig, connector=2)
    rig.plug(1)
    assert not rig.messages(StartTransaction)
    rig.plug(2)
    assert rig.messages(StartTransaction)[0].connector_id == 2


def test_with_none_free_a_remote_start_is_rejected() -> None:
    """Checklist 3."""
    rig = Rig(serve=True).online().charging()
    assert start(rig, connector=None) == "Rejected"


def test_a_tag_may_run_two_sessions_at_once() -> None:
    """Checklist 3."""
    rig = Rig(setup(connectors=2), serve=True).online()
    rig.charging(1)
    rig.plug(2)
    assert start(rig, ALICE, 2) == "Accepted"
    assert len(rig.messages(StartTransaction)) == 2


def test_a_start_for_any_connector_leaves_a_finished_car_alone() -> None:
    """Ruling 24: Finishing is meant only by a start that names it."""
    rig = Rig(setup(connectors=2), serve=True).online().charging(1)
    stop(rig)
    assert start(rig, BOB, None) == "Accepted"
    assert [rig.phase(1), rig.phase(2)] == [Phase.FINISHING, Phase.PREPARING]


@pytest.mark.parametrize("connector", [1, None])
def test_a_finished_car_may_start_again_from_afar(connector: int | None) -> None:
    """Ruling 24, F2: Accepted."""
    rig = Rig(serve=True).online().charging()
    stop(rig)
    assert start(rig, BOB, connector) == "Accepted"
    rig.wait(5)
    assert rig.phase() is Phase.CHARGING


@pytest.mark.parametrize("asks", ["true", "false"])
def test_a_second_pending_start_on_a_connector_is_rejected(asks: str) -> None:
    """Ruling 24: also while the first tag is still asked about."""
    rig = Rig(setup(keys={"AuthorizeRemoteTxRequests": asks})).online()
    assert start(rig, ALICE) == "Accepted"
    assert rig.is_waiting(Authorize) is (asks == "true")
    assert start(rig, BOB) == "Rejected"
    assert start(rig, BOB, None) == "Rejected"


def test_a_second_pending_start_for_any_connector_is_rejected() -> None:
    """Ruling 24."""
    rig = Rig(setup(connectors=2), serve=True).online()
    start(rig, ALICE, None)
    assert start(rig, BOB, 1) == "Rejected"


def test_safety_24_no_remote_start_out_of_service_or_faulted() -> None:
    """Checklist 4; TC_041."""
    rig = Rig(serve=True).online()
    rig.call(ChangeAvailability(connector_id=1, type=AvailabilityType.INOPERATIVE))
    assert start(rig) == "Rejected"
    rig.call(ChangeAvailability(connector_id=1, type=AvailabilityType.OPERATIVE))
    rig.trip(Trip.RCD)
    assert start(rig) == "Rejected"


def test_vendor_talk_is_not_understood() -> None:
    """TC_062: UnknownVendorId."""
    assert Rig().online().call(IncomingTransfer(vendor_id="Nobody")).status == "UnknownVendorId"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Heartbeat", Heartbeat),
        ("DiagnosticsStatusNotification", DiagnosticsStatusNotification),
        ("FirmwareStatusNotification", FirmwareStatusNotification),
        ("StatusNotification", StatusNotification),
        ("MeterValues", MeterValues),
    ],
)
def test_a_trigger_is_answered_and_then_carried_out(message: str, kind: type) -> None:
    """TC_054: the conf goes out before the triggered message."""
    rig = Rig().online()
    assert trigger(rig, message) == "Accepted"
    told = [one for one in rig.last if isinstance(one, Reply | Send)]
    assert isinstance(told[0], Reply)
    assert rig.sendings(kind)


def test_a_triggered_status_without_connector_is_told_of_all() -> None:
    """TC_054, ruling 20: 0 and all."""
    rig = Rig(setup(connectors=2)).online()
    trigger(rig, "StatusNotification")
    assert [one.connector_id for one in rig.messages(StatusNotification)] == [0, 1, 2]


@pytest.mark.parametrize("connector", [0, 2])
def test_a_triggered_status_of_one_connector_is_told_of_it_alone(connector: int) -> None:
    """TC_054."""
    rig = Rig(setup(connectors=2)).online()
    trigger(rig, "StatusNotification", connector)
    assert [one.connector_id for one in rig.messages(StatusNotification)] == [connector]


def test_triggered_meter_values_name_the_running_transaction() -> None:
    """Ruling 20: context Trigger, transactionId if running, not queued."""
    rig = Rig(serve=True).online().charging()
    before = rig.state.station.outbox.last_seq
    trigger(rig, "MeterValues", 1)
    sample = rig.messages(MeterValues)[-1]
    assert sample.transaction_id == 4711
    assert sample.meter_value[0].sampled_value[0].context is ReadingContext.TRIGGER
    assert rig.state.station.outbox.last_seq == before


def test_triggered_meter_values_are_written_evidence_of_life() -> None:
    """I8: a power cut right after them ends the session at that moment, not before it."""
    rig = Rig(serve=True).online().charging()
    rig.wait(7)
    rig.log.clear()
    trigger(rig, "MeterValues", 1)
    (noted,) = rig.written(Metered)
    (sample,) = rig.messages(MeterValues)
    assert noted.at == sample.meter_value[0].timestamp
    assert rig.written(Alive)


def test_meter_values_triggered_while_it_stops_name_no_transaction() -> None:
    """I8: its end has a time already, and nothing of it comes later."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    rig.call(RemoteStopTransaction(transaction_id=4711))
    rig.log.clear()
    trigger(rig, "MeterValues", 1)
    assert rig.phase() is Phase.STOPPING
    assert [one.transaction_id for one in rig.messages(MeterValues)] == [None]
    assert not rig.written(Metered)


def test_triggered_meter_values_of_a_silent_meter_are_not_made_up() -> None:
    """Ruling 35: no reading, no sample."""
    rig = Rig(serve=True).online()
    rig.socket().meter_works = False
    assert trigger(rig, "MeterValues", 1) == "Accepted"
    assert not rig.messages(MeterValues)


@pytest.mark.parametrize("message", ["MeterValues", "StatusNotification"])
def test_a_trigger_for_an_unknown_connector_is_rejected(message: str) -> None:
    """TC_055."""
    assert trigger(Rig().online(), message, 2) == "Rejected"


def test_a_connector_that_does_not_matter_is_ignored() -> None:
    """Ruling 20: a Heartbeat has no connector."""
    assert trigger(Rig().online(), "Heartbeat", 99) == "Accepted"


def test_a_boot_trigger_after_acceptance_is_rejected() -> None:
    """Ruling 20, errata 3.35."""
    rig = Rig().online()
    assert trigger(rig, "BootNotification") == "Rejected"
    assert not rig.messages(BootNotification)


def test_an_unknown_trigger_is_not_implemented() -> None:
    """TC_054: LogStatusNotification belongs to the extended trigger, and diagnostics do not."""
    assert trigger(Rig().online(), "LogStatusNotification") == "NotImplemented"
    assert trigger_more(Rig().online(), "DiagnosticsStatusNotification") == "NotImplemented"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Heartbeat", Heartbeat),
        ("StatusNotification", StatusNotification),
        ("MeterValues", MeterValues),
        ("LogStatusNotification", LogStatusNotification),
        ("FirmwareStatusNotification", SignedFirmwareStatusNotification),
    ],
)
def test_the_extended_trigger_is_answered_in_its_own_words(message: str, kind: type) -> None:
    """R-10-3: judged and carried out as TriggerMessage is."""
    rig = Rig().online()
    assert trigger_more(rig, message) == "Accepted"
    told = [one for one in rig.last if isinstance(one, Reply | Send)]
    assert isinstance(told[0], Reply)
    assert isinstance(told[0].answer, ExtendedTriggerMessageConf)
    assert rig.sendings(kind)
    assert trigger_more(rig, "BootNotification") == "Rejected"
    assert trigger_more(rig, "StatusNotification", 2) == "Rejected"


def test_a_flood_of_triggers_is_rejected_at_last() -> None:
    """A central system that asks for more than it answers must not end the process."""
    rig = Rig().online()
    answers = {trigger(rig, "Heartbeat") for _ in range(100)}
    assert answers == {"Accepted", "Rejected"}
    rig.answer_all()
    assert trigger(rig, "Heartbeat") == "Accepted"
    assert of(Reply, rig.last)
