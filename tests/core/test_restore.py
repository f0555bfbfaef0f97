"""From the journal's rows back to a charge point: power cut, restart, reset."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edge.core.bay import Phase
from edge.core.commands import ChangeConfiguration
from edge.core.effects import Energise
from edge.core.events import Trip
from edge.core.messages import (
    IdTagInfo,
    MeterValues,
    StartTransaction,
    StatusNotification,
    StopTransaction,
)
from edge.core.records import (
    AvailabilityChanged,
    BootStarted,
    FaultLatched,
    Queued,
    ResetAccepted,
    TransactionOpened,
    TransactionStopped,
    TransactionStopping,
)
from edge.core.restore import restore
from edge.core.saved import Saved, SavedTransaction
from edge.core.vocabulary import (
    AuthorizationStatus,
    AvailabilityType,
    ConnectorStatus,
    ErrorCode,
    ResetType,
    StopReason,
)
from tests.core.bench import ALICE, NOON, at, of, setup
from tests.core.build import Rig
from tests.core.restarts import BOOT, OPENED, START, after, after_power_cut, interrupted


def test_a_power_cut_closes_the_transaction_at_the_meters_register() -> None:
    """TC_032_2, issue 2.6: PowerLoss, Finishing, contactor never closed."""
    rig = after_power_cut()
    stop = rig.messages(StopTransaction)[0]
    assert (stop.reason, stop.meter_stop, stop.transaction_id) == (
        StopReason.POWER_LOSS,
        1420,
        4711,
    )
    assert rig.told()[-1] is ConnectorStatus.FINISHING
    assert not of(Energise, rig.log)


def test_dark_hours_are_not_billed() -> None:
    """Ruling 4: the stop is stamped with the last durable evidence of life."""
    rig = after_power_cut()
    assert rig.messages(StopTransaction)[0].timestamp == at(90)


def test_the_newest_evidence_counts() -> None:
    """Ruling 4: a register written after the last sign of life is one, too."""
    rig = after_power_cut(interrupted(alive=at(70)))
    assert rig.messages(StopTransaction)[0].timestamp == at(80)


def test_a_session_that_never_left_evidence_ends_when_it_began() -> None:
    """Ruling 4."""
    saved = interrupted(last_wh=None, last_at=None)
    saved = Saved(transactions=saved.transactions, last_ref=7, last_boot=BOOT)
    rig = after_power_cut(saved, register_wh=1000)
    stop = rig.messages(StopTransaction)[0]
    assert (stop.timestamp, stop.meter_stop) == (OPENED.at, 1000)


def test_without_a_meter_the_last_register_written_is_billed() -> None:
    """Architecture 8d: flagged estimated, after ten seconds of patience."""
    made = setup(kernel_boot="kernel-2")
    rig = Rig(made, saved=interrupted(), now=5.0, serve=True)
    rig.socket().meter_works = False
    rig.start()
    rig.link_up()
    assert rig.phase() is Phase.RECOVERING
    rig.wait(9.9)
    assert not rig.written(TransactionStopped)
    rig.wait(0.1)
    assert [(one.end_wh, one.estimated) for one in rig.written(TransactionStopped)] == [
        (1400, True)
    ]


def test_a_register_below_what_was_written_is_not_believed() -> None:
    """I6: a replaced meter does not give energy back."""
    rig = after_power_cut(register_wh=3)
    assert rig.messages(StopTransaction)[0].meter_stop == 1400
    assert rig.written(TransactionStopped)[0].estimated


def test_a_stop_that_was_written_keeps_its_reason_and_time() -> None:
    """Ruling 2: never PowerLoss or Reboot."""
    stopping = TransactionStopping(ref=7, reason=StopReason.REMOTE, at=at(85), id_tag=None)
    rig = after_power_cut(interrupted(stopping=stopping))
    stop = rig.messages(StopTransaction)[0]
    assert (stop.reason, stop.timestamp) == (StopReason.REMOTE, at(85))
    assert not rig.written(TransactionStopping)


def test_a_closed_transaction_waits_only_for_its_messages() -> None:
    """Nothing to recover; its number is kept for those behind."""
    stopped = TransactionStopped(ref=7, end_wh=1400, at=at(90))
    sample = Queued(
        seq=4,
        ref=7,
        message_id="old-4",
        message=MeterValues(connector_id=1, meter_value=()),
        at=at(80),
    )
    saved = interrupted(stopped=stopped)
    saved = Saved(
        transactions=saved.transactions, outbox=(sample,), outbox_count=1, last_seq=4, last_ref=7
    )
    rig = after(saved)
    assert rig.phase() is Phase.PREPARING
    assert rig.messages(MeterValues)[0].transaction_id == 4711
    assert rig.sendings(MeterValues)[0].message_id == "old-4"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(ResetType.HARD, StopReason.HARD_RESET), (ResetType.SOFT, StopReason.SOFT_RESET)],
)
def test_a_promised_reset_is_the_reason(kind: ResetType, reason: StopReason) -> None:
    """Ruling 4: the ResetAccepted row decides, not the kernel."""
    base = interrupted()
    saved = Saved(
        transactions=base.transactions,
        last_ref=7,
        last_boot=BOOT,
        lives=(at(90),),
        reset=ResetAccepted(type=kind, at=at(95)),
    )
    assert after_power_cut(saved).messages(StopTransaction)[0].reason is reason


def test_what_was_queued_goes_out_first_with_its_old_ids() -> None:
    """I3, I4, architecture 8d: Start, then Stop with the number it was given."""
    base = interrupted(transaction_id=None, id_tag_info=None)
    saved = Saved(
        transactions=base.transactions,
        outbox=(START,),
        outbox_count=1,
        last_seq=1,
        last_ref=7,
        last_boot=BOOT,
        lives=(at(90),),
    )
    rig = after_power_cut(saved)
    assert rig.sendings(StartTransaction)[0].message_id == "old-1"
    assert rig.messages(StopTransaction)[0].transaction_id == 4711


def test_a_parked_start_is_minus_one_after_a_restart_too() -> None:
    """Errata 3.18."""
    rig = after_power_cut(interrupted(transaction_id=None, id_tag_info=None))
    assert rig.messages(StopTransaction)[0].transaction_id == -1


def test_a_deauthorised_session_stays_so() -> None:
    """Ruling 36: the word on the tag was written."""
    info = IdTagInfo(status=AuthorizationStatus.BLOCKED, parent_id_tag="FLEET")
    rig = after(interrupted(id_tag_info=info))
    rig.wait(6)
    transaction = rig.bay().transaction
    assert transaction is None or transaction.deauthorised
    assert not of(Energise, rig.log)


def test_grace_counts_from_where_it_was_found_invalid_over_a_restart_too() -> None:
    """Ruling 36: not from the beginning of the session, and not anew."""
    info = IdTagInfo(status=AuthorizationStatus.BLOCKED)
    rig = after(interrupted(id_tag_info=info, deauthorised_wh=1380))
    transaction = rig.bay().transaction
    assert transaction is not None
    assert transaction.deauthorised_wh == 1380


def test_the_cable_is_given_back_after_a_power_cut() -> None:
    """Ruling 14: a bistable lock stays shut over a cut; open it once the stop is written."""
    rig = after_power_cut(lock=True)
    assert rig.written(TransactionStopped)
    assert rig.socket().locked is False


def test_a_cable_locked_without_a_session_is_given_back_at_the_start() -> None:
    """Ruling 14."""
    rig = after(Saved(), lock=True)
    assert rig.socket().locked is False


def test_a_contactor_still_closed_is_waited_for() -> None:
    """I11: recovery is not done before it is seen open."""
    rig = Rig(setup(kernel_boot="kernel-2"), saved=interrupted(), now=5.0, serve=True)
    rig.socket().closed = rig.socket().plugged = True
    rig.start()
    assert rig.phase() is Phase.RECOVERING
    rig.see(closed=False)
    assert rig.phase() is Phase.FINISHING


def test_a_card_during_recovery_waits() -> None:
    """Ruling 11: the lamp says wait."""
    rig = Rig(setup(kernel_boot="kernel-2"), saved=interrupted(), now=5.0, serve=True)
    rig.socket().mute = True
    rig.step(rig.inputs())
    rig.link_up()
    rig.tap()
    assert rig.phase() is Phase.RECOVERING
    assert rig.state.station.refusals == {}


def test_refs_and_sequence_go_on() -> None:
    """A ref is for ever unique here."""
    rig = after_power_cut()
    rig.wait(10)
    rig.tap()
    assert [one.ref for one in rig.written(TransactionOpened)] == [8]
    assert min(one.seq for one in rig.written(Queued)) == 6


def test_every_process_writes_that_it_began() -> None:
    """What the next one tells power cuts from restarts by."""
    rig = after(Saved())
    assert [one.kernel_boot for one in rig.written(BootStarted)] == ["kernel-1"]


def test_safety_21_service_faults_and_dead_letters_are_remembered() -> None:
    """Safety 21."""
    saved = Saved(
        availability=(
            AvailabilityChanged(connector=0, availability=AvailabilityType.INOPERATIVE),
            AvailabilityChanged(connector=2, availability=AvailabilityType.INOPERATIVE),
        ),
        faults=(FaultLatched(connector=1, code=ErrorCode.POWER_SWITCH_FAILURE, info="weld"),),
        dead_letters=3,
    )
    state = restore(saved, setup(connectors=2), at(0))
    assert state.station.service is AvailabilityType.INOPERATIVE
    assert [bay.service.availability for bay in state.bays] == [
        AvailabilityType.OPERATIVE,
        AvailabilityType.INOPERATIVE,
    ]
    assert [bay.seen.welded for bay in state.bays] == [True, False]
    assert state.station.outbox.dead_letters == 3


@pytest.mark.parametrize("connector", [0, 2])
def test_a_transaction_on_a_connector_that_is_gone_stops_the_start(connector: int) -> None:
    """Money is not thrown away: the installer is told."""
    opened = TransactionOpened(ref=1, connector=connector, id_tag=ALICE, begin_wh=1, at=at(0))
    saved = Saved(transactions=(SavedTransaction(opened=opened),))
    with pytest.raises(ValueError, match="configure it again"):
        restore(saved, setup(), at(0))


def test_a_fault_while_recovering_is_told_and_the_session_closed() -> None:
    """Ruling 17: a trip at boot does not lose the session."""
    rig = Rig(setup(kernel_boot="kernel-2"), saved=interrupted(), now=5.0, serve=True)
    rig.socket().tripped = frozenset({Trip.EMERGENCY_STOP})
    rig.start()
    rig.link_up()
    notice = rig.messages(StatusNotification)[-1]
    assert notice.status is ConnectorStatus.FAULTED
    assert rig.messages(StopTransaction)[0].reason is StopReason.POWER_LOSS


def test_the_wall_clock_after_a_cut_may_be_wrong() -> None:
    """I8: an untrusted clock that starts in the past ends nothing before its beginning."""
    rig = Rig(setup(), saved=interrupted(alive=at(95)), now=100.0, serve=True)
    rig.wall = NOON - timedelta(days=300)
    rig.start()
    rig.link_up()
    rig.call(ChangeConfiguration(key="HeartbeatInterval", value="0"))
    stops = rig.messages(StopTransaction)
    assert all(stop.timestamp.wall >= OPENED.at.wall for stop in stops)
    assert len(stops) == 1
