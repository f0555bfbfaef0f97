"""Transaction messages: in order, exactly once, whatever the line and its peer do."""

from __future__ import annotations

from itertools import pairwise

import pytest

from edge.core.commands import ChangeConfiguration, RemoteStopTransaction
from edge.core.effects import Ask, ReadOutbox, Reconnect, Send
from edge.core.events import OutboxRead
from edge.core.messages import (
    Authorize,
    AuthorizeConf,
    CallError,
    Heartbeat,
    MeterValues,
    NoAnswer,
    StartTransaction,
    StartTransactionConf,
    StatusNotification,
    StopTransaction,
    StopTransactionConf,
)
from edge.core.outbox import HEAD
from edge.core.records import Delivered, Parked, Queued, Refused, TransactionBound
from edge.core.saved import Saved
from edge.core.vocabulary import StopReason
from tests.core.bench import ALICE, BAD, BOB, GOOD, NOON, at, of, setup
from tests.core.build import Rig

REFUSED = CallError(code="InternalError", description="database is locked")
TIMED_OUT = NoAnswer(timed_out=True)
OFFLINE = {"AllowOfflineTxForUnknownId": "true"}


def queued(seq: int, ref: int = 1) -> Queued:
    message = MeterValues(connector_id=1, meter_value=())
    return Queued(seq=seq, ref=ref, message_id=f"m-{seq}", message=message, at=at(0))


def charging() -> Rig:
    """A session whose StartTransaction, and nothing else, is on the wire."""
    rig = Rig().online().charging()
    while rig.is_waiting(StatusNotification):
        rig.answer(StatusNotification)
    assert [type(one.message) for one in rig.sent] == [StartTransaction]
    return rig


def retry_at_once(rig: Rig) -> None:
    rig.call(ChangeConfiguration(key="TransactionMessageRetryInterval", value="0"))


def starts(rig: Rig) -> list[Send | Ask]:
    return rig.sendings(StartTransaction)


def transaction_messages(rig: Rig) -> list[object]:
    kinds = (StartTransaction, MeterValues, StopTransaction)
    sendings = [one for one in rig.log if isinstance(one, Send)]
    return [one.message for one in sendings if isinstance(one.message, kinds)]


def offline_session(rig: Rig, id_tag: str = ALICE) -> None:
    rig.plug()
    rig.tap(id_tag)
    rig.wait(130)
    rig.tap(id_tag)
    rig.unplug()


def test_a_whole_session_offline_is_delivered_in_order_with_its_own_number() -> None:
    """TC_039: StopTransaction carries the id that StartTransaction.conf returned, never -1."""
    rig = Rig(setup(keys=OFFLINE), serve=True).online()
    rig.link_down()
    began = rig.instant.wall
    offline_session(rig)
    rig.wait(600)
    assert not transaction_messages(rig)
    rig.link_up()
    start, *samples, stop = transaction_messages(rig)
    assert isinstance(start, StartTransaction)
    assert start.timestamp.wall == began
    assert len(samples) == 2
    assert all(isinstance(one, MeterValues) and one.transaction_id == 4711 for one in samples)
    assert isinstance(stop, StopTransaction)
    assert (stop.transaction_id, stop.reason) == (4711, StopReason.LOCAL)
    assert rig.state.station.outbox.count == 0
    assert rig.journal == []


def test_samples_taken_offline_go_first_and_in_order() -> None:
    """TC_036: original timestamps, interval apart, before any new one."""
    rig = Rig(setup(keys={"MeterValueSampleInterval": "10"}), serve=True).online().charging()
    rig.link_down()
    began = rig.now
    rig.wait(60)
    rig.link_up()
    stamps = [one.meter_value[0].timestamp.wall for one in rig.messages(MeterValues)]
    assert stamps == sorted(stamps)
    gaps = {(b - a).total_seconds() for a, b in pairwise(stamps)}
    assert gaps == {10.0}
    assert len(stamps) == 6
    assert (stamps[-1] - NOON).total_seconds() <= began + 60
    assert rig.call(RemoteStopTransaction(transaction_id=4711)).status == "Accepted"


def test_a_transaction_stopped_offline_is_told_on_return() -> None:
    """TC_038."""
    rig = Rig(serve=True).online().charging()
    rig.link_down()
    rig.wait(30)
    rig.tap()
    rig.link_up()
    assert rig.messages(StopTransaction)[0].transaction_id == 4711
    assert rig.told()[-1].value == "Finishing"


def test_one_message_is_on_the_wire_at_a_time() -> None:
    """3.7: those behind wait for its answer."""
    rig = charging()
    rig.wait(200)
    sendings = [one for one in rig.sent if isinstance(one.message, StartTransaction | MeterValues)]
    assert len(sendings) == 1


def test_a_message_keeps_its_id_over_a_lost_line() -> None:
    """Ruling 7, I4: content and id are identical."""
    rig = charging()
    for _ in range(4):
        rig.link_down()
        rig.link_up()
    ids = {one.message_id for one in starts(rig)}
    assert len(starts(rig)) == 5
    assert len(ids) == 1
    assert len({one.message for one in starts(rig)}) == 1
    assert not rig.written(Refused)


def test_a_refusal_spends_an_attempt_and_changes_the_id() -> None:
    """Ruling 7: a new id after CALLERROR; the wait grows with the tries."""
    rig = charging()
    rig.answer(StartTransaction, REFUSED)
    assert not rig.is_waiting(StartTransaction)
    rig.wait(59.9)
    assert len(starts(rig)) == 1
    rig.wait(0.1)
    assert len(starts(rig)) == 2
    rig.answer(StartTransaction, REFUSED)
    rig.wait(119.9)
    assert len(starts(rig)) == 2
    rig.wait(0.1)
    assert len({one.message_id for one in starts(rig)}) == 3
    assert [one.attempts for one in rig.written(Refused)] == [1, 2]


def test_after_all_attempts_a_start_is_parked_and_its_dependants_go_as_minus_one() -> None:
    """Errata 3.18, checklist 6: exactly three, and StopTransaction is sent still."""
    rig = charging()
    retry_at_once(rig)
    for _ in range(3):
        rig.answer(StartTransaction, REFUSED)
    assert len(starts(rig)) == 3
    assert [one.code for one in rig.written(Parked)] == ["InternalError"]
    assert rig.state.station.outbox.dead_letters == 1
    rig.wait(20)
    rig.tap()
    rig.answer_all()
    assert rig.messages(StopTransaction)[0].transaction_id == -1
    assert rig.state.station.outbox.bound == {}


def test_a_start_accepted_at_last_gives_its_number_to_those_behind() -> None:
    """Checklist 6: StopTransaction waits and uses id 1."""
    rig = charging()
    rig.call(ChangeConfiguration(key="TransactionMessageAttempts", value="9"))
    retry_at_once(rig)
    rig.wait(20)
    rig.tap()
    for _ in range(4):
        rig.answer(StartTransaction, REFUSED)
        assert not rig.messages(StopTransaction)
    rig.answer(StartTransaction, StartTransactionConf(transaction_id=1, id_tag_info=GOOD))
    assert rig.messages(StopTransaction)[0].transaction_id == 1
    assert [one.transaction_id for one in rig.written(TransactionBound)] == [1]


def test_silence_of_the_whole_line_never_parks() -> None:
    """Ruling 15: a probe without an answer spends nothing and opens a new line."""
    rig = charging()
    for _ in range(10):
        rig.answer(StartTransaction, TIMED_OUT)
        assert rig.is_waiting(Heartbeat)
        rig.answer(Heartbeat, TIMED_OUT)
        assert of(Reconnect, rig.last)
        rig.link_down()
        rig.link_up()
    assert not rig.written(Refused)
    assert not rig.written(Parked)
    assert len({one.message_id for one in starts(rig)}) == 1


def test_after_a_time_out_nothing_is_sent_twice_on_one_socket() -> None:
    """Ruling 7: the new line gets it, the old one does not."""
    rig = charging()
    rig.answer(StartTransaction, TIMED_OUT)
    rig.answer(Heartbeat, TIMED_OUT)
    rig.wait(5)
    assert len(starts(rig)) == 1
    rig.link_down()
    rig.link_up()
    assert len(starts(rig)) == 2


def test_a_peer_that_answers_all_but_this_message_spends_an_attempt() -> None:
    """Ruling 15: the link is proven alive; same id."""
    rig = charging()
    retry_at_once(rig)
    for number in range(3):
        assert len(starts(rig)) == number + 1
        rig.answer(StartTransaction, TIMED_OUT)
        rig.answer(Heartbeat)
        assert of(Reconnect, rig.last)
        rig.link_down()
        rig.link_up()
    assert [one.code for one in rig.written(Parked)] == ["Timeout"]
    assert len({one.message_id for one in starts(rig)}) == 1


def test_a_line_lost_while_probing_proves_nothing() -> None:
    """Ruling 15."""
    rig = charging()
    rig.answer(StartTransaction, TIMED_OUT)
    rig.link_down()
    assert not rig.written(Refused)
    rig.link_up()
    assert len(starts(rig)) == 2


def test_three_quick_hang_ups_park_the_message() -> None:
    """Ruling 15: the peer cannot bear this frame, on three connections in a row."""
    rig = charging()
    for _ in range(3):
        rig.link_down(closed_within_s=0.5)
        rig.link_up()
    assert [one.code for one in rig.written(Parked)] == ["ConnectionDropped"]
    assert len(starts(rig)) == 3


@pytest.mark.parametrize("closed_within_s", [2.1, None])
def test_slow_or_excused_hang_ups_never_park(closed_within_s: float | None) -> None:
    """Ruling 15: within 2 s of the frame, and not a peer that goes away politely."""
    rig = charging()
    for _ in range(6):
        rig.link_down(closed_within_s=closed_within_s)
        rig.link_up()
    assert not rig.written(Parked)


def test_hang_ups_count_in_a_row_only() -> None:
    """Ruling 15: a good connection between starts anew."""
    rig = charging()
    for closed_within_s in (0.5, 0.5, None, 0.5, 0.5):
        rig.link_down(closed_within_s=closed_within_s)
        rig.link_up()
    assert not rig.written(Parked)


def test_delivered_only_on_a_result() -> None:
    """Issue 2.6: deleted only on CALLRESULT."""
    rig = charging()
    assert not rig.written(Delivered)
    rig.answer(StartTransaction)
    assert [one.seq for one in rig.written(Delivered)] == [1]


def test_authorize_goes_before_a_new_transaction_message() -> None:
    """Ruling 5: a driver waits at the reader."""
    rig = Rig(setup(connectors=2)).online().charging(1)
    rig.answer(StartTransaction)
    rig.answer_all()
    rig.wait(59)
    rig.plug(2)
    rig.tap(BOB)
    rig.wait(1.5)
    assert rig.is_waiting(Authorize)
    assert not rig.is_waiting(MeterValues)
    rig.answer(Authorize)
    assert rig.is_waiting(MeterValues)


def test_a_bad_tag_in_the_answer_of_stop_is_remembered() -> None:
    """Ruling 36: the cache learns from StopTransaction.conf too."""
    rig = Rig().online().charging()
    rig.answer(StartTransaction)
    rig.wait(20)
    rig.tap()
    rig.answer(StopTransaction, StopTransactionConf(id_tag_info=BAD))
    assert rig.state.station.authorisation.cache[ALICE.lower()].info == BAD


def test_a_long_queue_keeps_its_order_and_ids() -> None:
    """I3, I4: across refills."""
    rows = tuple(queued(seq) for seq in range(1, 201))
    saved = Saved(outbox=rows[:HEAD], outbox_count=200, last_seq=200)
    rig = Rig(saved=saved, serve=True)
    rig.journal = list(rows)
    rig.start()
    rig.link_up()
    ids = [one.message_id for one in rig.sendings(MeterValues)]
    assert ids == [row.message_id for row in rows]
    assert rig.state.station.outbox.count == 0
    assert rig.journal == []
    assert all(one.limit <= HEAD for one in of(ReadOutbox, rig.log))


def test_new_messages_wait_in_the_journal_while_the_head_is_full() -> None:
    """The state stays bounded however long the outage."""
    rig = Rig(setup(keys={"MeterValueSampleInterval": "1"}), serve=True).online().charging()
    rig.link_down()
    rig.wait(100)
    outbox = rig.state.station.outbox
    assert len(outbox.head) == HEAD
    assert outbox.count == len(rig.journal) > HEAD
    rig.link_up()
    assert rig.state.station.outbox.count == 0
    stamps = [one.meter_value[0].timestamp.wall for one in rig.messages(MeterValues)]
    assert stamps == sorted(stamps)


def test_samples_thinned_on_disk_do_not_leave_a_phantom_count() -> None:
    """I9: the journal may drop intermediate samples; the count follows what is there."""
    rows = tuple(queued(seq) for seq in range(1, 11))
    saved = Saved(outbox=rows, outbox_count=100, last_seq=100)
    rig = Rig(saved=saved, serve=True)
    rig.online()
    assert rig.state.station.outbox.count == 0


def test_an_outbox_answer_that_holds_what_is_here_already_adds_nothing() -> None:
    """Each sequence number once."""
    rows = tuple(queued(seq) for seq in range(1, 11))
    saved = Saved(outbox=rows[:5], outbox_count=10, last_seq=10)
    rig = Rig(saved=saved)
    rig.start()
    ticket = of(ReadOutbox, rig.log)[0].ticket
    assert [row.seq for row in rig.state.station.outbox.head] == [1, 2, 3, 4, 5]
    rig.step(OutboxRead(at=rig.instant, ticket=ticket, messages=rows))
    assert [row.seq for row in rig.state.station.outbox.head] == [1, 2, 3, 4, 5]
    assert rig.state.late_answers == 1


def test_message_ids_are_never_used_twice() -> None:
    """Errata 3.1: unique over all connections of this identity."""
    rig = Rig(serve=True).online().charging()
    rig.wait(1000)
    rig.tap()
    ids = [one.message_id for one in rig.log if isinstance(one, Send | Ask)]
    assert len(ids) == len(set(ids))


def test_no_status_is_lost_to_a_peer_that_hangs() -> None:
    """A peer that answers nothing must not exhaust the tickets; the last status is told."""
    rig = Rig().online()
    for _ in range(200):
        rig.plug()
        rig.unplug()
    rig.plug()
    assert len(rig.sent) <= 40
    rig.answer_all()
    assert rig.told()[-1].value == "Preparing"


def test_a_refused_authorisation_is_not_a_transaction_message() -> None:
    """Nothing is queued for it."""
    rig = Rig().online()
    rig.plug()
    rig.tap()
    rig.answer(Authorize, AuthorizeConf(id_tag_info=BAD))
    assert not rig.written(Queued)
    assert not rig.is_waiting(StartTransaction)


def test_samples_refused_for_good_are_parked_and_the_rest_goes_on() -> None:
    """Issue 2.6: a dead letter is out of the way of those behind it."""
    rig = charging()
    retry_at_once(rig)
    rig.answer(StartTransaction)
    rig.wait(60)
    for _ in range(3):
        rig.answer(MeterValues, REFUSED)
    assert len(rig.written(Parked)) == 1
    rig.wait(20)
    rig.tap()
    assert rig.messages(StopTransaction)[0].transaction_id == 4711
