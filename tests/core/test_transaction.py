"""What is billed, from the begin register to the end register."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from edge.core.bay import Phase
from edge.core.commands import ChangeConfiguration, RemoteStopTransaction
from edge.core.effects import Cut, Energise, Reduce
from edge.core.instant import rfc3339
from edge.core.messages import (
    Authorize,
    IdTagInfo,
    MeterValues,
    StartTransaction,
    StopTransaction,
)
from edge.core.records import (
    TransactionDeauthorised,
    TransactionOpened,
    TransactionStopped,
    TransactionStopping,
)
from edge.core.saved import Saved
from edge.core.vocabulary import (
    AuthorizationStatus,
    ConnectorStatus,
    ReadingContext,
    StopReason,
)
from tests.core.bench import ALICE, BAD, GOOD, NOON, at, of, setup
from tests.core.build import Rig

CHARGING, SUSPENDED_EVSE = ConnectorStatus.CHARGING, ConnectorStatus.SUSPENDED_EVSE
CONCURRENT = IdTagInfo(status=AuthorizationStatus.CONCURRENT_TX)


def found_invalid(info: IdTagInfo = BAD, **keys: str) -> Rig:
    """A session that began offline; StartTransaction.conf does not accept its tag."""
    made = setup(keys={"AllowOfflineTxForUnknownId": "true", **keys})
    rig = Rig(made, serve=True).online()
    rig.link_down()
    rig.charging()
    rig.tag_info[ALICE] = info
    rig.link_up()
    return rig


@pytest.mark.parametrize("info", [BAD, CONCURRENT])
def test_safety_22_an_invalid_tag_ends_the_session(info: IdTagInfo) -> None:
    """TC_037_3, ruling 36: DeAuthorized, Finishing; ConcurrentTx counts too."""
    rig = found_invalid(info)
    assert rig.messages(StopTransaction)[0].reason is StopReason.DE_AUTHORIZED
    assert rig.told()[-1] is ConnectorStatus.FINISHING


def test_or_only_its_energy_until_the_card_stops_it() -> None:
    """TC_037_2: SuspendedEVSE, contactor open, the transaction stays open; no Authorize."""
    rig = found_invalid(StopTransactionOnInvalidId="false")
    assert rig.told() == [CHARGING, SUSPENDED_EVSE]
    assert of(Reduce, rig.log)
    assert of(Cut, rig.log)
    assert rig.phase() is Phase.CHARGING
    rig.wait(60)
    assert not rig.messages(StopTransaction)
    rig.tap()
    assert rig.messages(StopTransaction)[0].reason is StopReason.LOCAL
    assert not rig.messages(Authorize)


@pytest.mark.parametrize("stops", ["true", "false"])
def test_safety_22_an_invalid_tag_may_draw_its_grace_and_no_more(stops: str) -> None:
    """9.1.16, ruling 36: counted from the moment of invalidation."""
    rig = found_invalid(StopTransactionOnInvalidId=stops, MaxEnergyOnInvalidId="500")
    assert [one.energy_wh for one in rig.written(TransactionDeauthorised)] == [1000]
    assert rig.told()[-1] is CHARGING
    rig.meter(energy_wh=1499)
    assert rig.told()[-1] is CHARGING
    rig.meter(energy_wh=1500)
    ended = rig.messages(StopTransaction)
    assert [one.reason for one in ended] == ([StopReason.DE_AUTHORIZED] if stops == "true" else [])
    assert of(Cut, rig.log)


def test_a_grace_granted_later_lets_it_go_on() -> None:
    """The keys are asked when they matter."""
    rig = found_invalid(StopTransactionOnInvalidId="false")
    rig.call(ChangeConfiguration(key="MaxEnergyOnInvalidId", value="500"))
    rig.log.clear()
    rig.wait(5)
    assert of(Energise, rig.log)


def test_an_answer_for_a_session_that_is_over_only_teaches_the_cache() -> None:
    """Ruling 36."""
    rig = Rig().online().charging()
    rig.wait(20)
    rig.tap()
    rig.tag_info[ALICE] = BAD
    rig.answer(StartTransaction)
    assert rig.state.station.authorisation.cache[ALICE.lower()].info == BAD
    assert [one.reason for one in rig.written(TransactionStopping)] == [StopReason.LOCAL]


def test_an_answer_for_a_session_that_is_stopping_changes_no_reason() -> None:
    """What was written stays."""
    rig = Rig().online().charging()
    rig.socket().stubborn = True
    rig.wait(20)
    rig.tap()
    rig.tag_info[ALICE] = BAD
    rig.answer(StartTransaction)
    rig.wait(10)
    assert [one.reason for one in rig.written(TransactionStopping)] == [StopReason.LOCAL]


def test_the_number_reaches_the_right_one_of_two_sessions() -> None:
    """Bound by our ref."""
    rig = Rig(setup(connectors=2), serve=True).online()
    rig.charging(1)
    rig.charging(2, "DEADBEEF")
    numbers = [bay.transaction.transaction_id for bay in rig.state.bays if bay.transaction]
    assert numbers == [4711, 4712]


def test_registers_telescope() -> None:
    """I6: the next begin is never before the last end."""
    rig = Rig(serve=True).online()
    for session in range(3):
        rig.charging()
        rig.wait(20)
        rig.socket().energy_wh += 100 + session
        rig.tap()
        rig.wait(20)
        rig.unplug()
    spans = [
        (start.meter_start, stop.meter_stop)
        for start, stop in zip(
            rig.messages(StartTransaction), rig.messages(StopTransaction), strict=True
        )
    ]
    assert spans == [(1000, 1100), (1100, 1201), (1201, 1303)]


def test_a_clock_set_back_does_not_end_a_session_before_it_began() -> None:
    """I8: the seconds that have passed since are counted on."""
    rig = Rig(serve=True).online().charging()
    rig.wall -= timedelta(hours=3)
    rig.wait(20)
    rig.tap()
    start, stop = rig.messages(StartTransaction)[0], rig.messages(StopTransaction)[0]
    assert stop.timestamp.wall == start.timestamp.wall + timedelta(seconds=20)


@pytest.mark.parametrize("back_s", [0.0, 0.001, 3600.0])
def test_two_sessions_never_begin_at_the_same_moment(back_s: float) -> None:
    """Ruling 7(d): whole milliseconds apart, with a clock that stands or was set back."""
    rig = Rig(serve=True).online()
    for _ in range(3):
        rig.charging()
        rig.wait(20)
        rig.tap()
        rig.unplug()
        rig.wait(10)
        rig.wall -= timedelta(seconds=30 + back_s)  # as if it had stood, or worse
    begun = [rfc3339(one.timestamp.wall) for one in rig.messages(StartTransaction)]
    assert len(begun) == 3
    assert begun == sorted(set(begun))
    assert [one.at for one in rig.written(TransactionOpened)] == [
        one.timestamp for one in rig.messages(StartTransaction)
    ]


def test_a_session_after_a_restart_begins_after_those_before() -> None:
    """Ruling 7(d): over restarts."""
    saved = Saved(last_starts={1: at(5000)})
    rig = Rig(saved=saved, serve=True).online().charging()
    (start,) = rig.messages(StartTransaction)
    assert start.timestamp.wall > at(5000).wall


def test_connectors_do_not_wait_for_each_other() -> None:
    """Ruling 7(d) is per connector."""
    rig = Rig(setup(connectors=2), saved=Saved(last_starts={1: at(5000)}), serve=True).online()
    began = rig.instant
    rig.charging(2)
    assert rig.messages(StartTransaction)[0].timestamp == began


@pytest.mark.parametrize("jump_s", [-7200.0, -61.0, -0.5, 7200.0])
def test_samples_lie_within_their_session(jump_s: float) -> None:
    """I8: whatever the clock does; between them pass the seconds that did."""
    keys = {"StopTxnSampledData": "Energy.Active.Import.Register"}
    rig = Rig(setup(keys=keys), serve=True).online().charging()
    for _ in range(3):
        rig.wait(60)
        rig.wall += timedelta(seconds=jump_s)
    rig.tap()
    start, stop = rig.messages(StartTransaction)[0], rig.messages(StopTransaction)[0]
    samples = [value.timestamp.wall for value in stop.transaction_data]
    told = [one.meter_value[0].timestamp.wall for one in rig.messages(MeterValues)]
    assert samples == [start.timestamp.wall, *told, stop.timestamp.wall] == sorted(samples)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(samples)]
    assert all(gap > 59.0 for gap in gaps[:3])


def test_a_sample_on_the_clock_is_not_before_its_session() -> None:
    """I8: the boundary that it stands for may lie a moment before the beginning."""
    keys = {"ClockAlignedDataInterval": "60", "MeterValueSampleInterval": "0"}
    rig = Rig(setup(keys=keys), serve=True).online().charging()
    rig.wait(10)
    rig.wall -= timedelta(seconds=100)
    rig.wait(11)
    (start,) = rig.messages(StartTransaction)
    aligned = [one.meter_value[0].timestamp.wall for one in rig.messages(MeterValues)]
    assert aligned
    assert min(aligned) >= start.timestamp.wall


def test_stop_data_begins_samples_and_ends() -> None:
    """TC_070: transactionData with Transaction.Begin and End (errata)."""
    names = "Energy.Active.Import.Register"
    rig = Rig(
        setup(keys={"StopTxnSampledData": names, "MeterValueSampleInterval": "10"}), serve=True
    ).online()
    rig.charging()
    rig.wait(25)
    rig.socket().energy_wh = 1300
    rig.tap()
    stop = rig.messages(StopTransaction)[0]
    contexts = [one.sampled_value[0].context for one in stop.transaction_data]
    assert contexts == [
        ReadingContext.TRANSACTION_BEGIN,
        ReadingContext.SAMPLE_PERIODIC,
        ReadingContext.SAMPLE_PERIODIC,
        ReadingContext.TRANSACTION_END,
    ]
    assert stop.transaction_data[0].sampled_value[0].value == "1000"
    assert stop.transaction_data[-1].sampled_value[0].value == "1300"
    assert stop.transaction_data[-1].timestamp == stop.timestamp


def test_stop_data_of_the_clock_grid_alone() -> None:
    """StopTxnAlignedData: its samples, and begin and end of its measurands."""
    names = "Energy.Active.Import.Register"
    keys = {"StopTxnAlignedData": names, "ClockAlignedDataInterval": "30"}
    rig = Rig(setup(keys=keys), serve=True).online().charging()
    rig.wait(40)
    rig.tap()
    contexts = [
        one.sampled_value[0].context for one in rig.messages(StopTransaction)[0].transaction_data
    ]
    assert contexts[0] is ReadingContext.TRANSACTION_BEGIN
    assert ReadingContext.SAMPLE_CLOCK in contexts
    assert ReadingContext.SAMPLE_PERIODIC not in contexts


def test_with_both_lists_empty_there_is_no_stop_data() -> None:
    """Errata."""
    rig = Rig(serve=True).online().charging()
    rig.wait(100)
    rig.tap()
    assert rig.messages(StopTransaction)[0].transaction_data == ()


@pytest.mark.parametrize("most", [64, 10, 3, 2])
def test_stop_data_is_bounded_and_covers_the_whole_session(most: int) -> None:
    """StopTransactionMaxMeterValues, errata 3.91: every second value goes, not the newest."""
    keys = {
        "StopTxnSampledData": "Energy.Active.Import.Register",
        "MeterValueSampleInterval": "1",
        "StopTransactionMaxMeterValues": str(most),
    }
    rig = Rig(setup(keys=keys), serve=True).online().charging()
    began = rig.now
    rig.wait(200)
    rig.tap()
    assert len(rig.messages(MeterValues)) == 200
    data = rig.messages(StopTransaction)[0].transaction_data
    assert most // 2 <= len(data) <= most
    begin, *between, end = (value.sampled_value[0].context for value in data)
    assert (begin, end) == (ReadingContext.TRANSACTION_BEGIN, ReadingContext.TRANSACTION_END)
    assert set(between) <= {ReadingContext.SAMPLE_PERIODIC}
    if between:
        newest = (data[-2].timestamp.wall - NOON).total_seconds() - began
        assert newest == 200
    if len(between) > 3:
        oldest = (data[1].timestamp.wall - NOON).total_seconds() - began
        assert oldest == 1


def test_what_was_told_about_money_is_written_once() -> None:
    """I4: one stopping, one stop, whatever else happens."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    rig.call(RemoteStopTransaction(transaction_id=4711))
    rig.call(RemoteStopTransaction(transaction_id=4711))
    rig.unplug()
    assert [one.reason for one in rig.written(TransactionStopping)] == [StopReason.REMOTE]
    assert len(rig.written(TransactionStopped)) == 1


def test_a_good_answer_changes_nothing() -> None:
    """TC_037_1."""
    rig = found_invalid(GOOD)
    assert rig.told() == [CHARGING]
    assert rig.phase() is Phase.CHARGING
