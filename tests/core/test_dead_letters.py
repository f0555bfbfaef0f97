"""Dead letters told again by hand: a session is billed once, whatever waits or flies then."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from edge.core.effects import ReadOutbox, Send
from edge.core.events import OutboxRead, Ticked
from edge.core.messages import (
    CallError,
    Heartbeat,
    MeterValues,
    NoAnswer,
    StartTransaction,
    StartTransactionConf,
    StopTransaction,
)
from edge.core.outbox import HEAD, UNNUMBERED
from edge.core.records import Delivered, Parked, Queued, Refused, Resent
from edge.core.saved import Saved
from edge.core.step import step
from edge.core.wishes import ResendAsked
from tests.core.bench import BOB, GOOD, at, of, setup
from tests.core.build import Rig

KEYS = {
    "TransactionMessageAttempts": "1",
    "TransactionMessageRetryInterval": "60",
    "MeterValueSampleInterval": "10",
}
REFUSED = CallError(code="InternalError", description="database is locked")


def refused_start() -> Rig:
    """A session runs whose StartTransaction is a dead letter; nothing is on the wire."""
    rig = Rig(setup(keys=KEYS)).online().charging()
    rig.answer(StartTransaction, REFUSED)
    rig.answer_all()
    return rig


def refused_session() -> Rig:
    """The same, over, with two samples and the stop told as -1."""
    rig = refused_start()
    rig.wait(25)
    rig.answer_all()
    rig.tap()
    rig.answer_all()
    rig.unplug()
    rig.answer_all()
    return rig


def told(rig: Rig, since: int) -> list[tuple[type, int | None]]:
    """Kind and transaction id of the transaction messages that were sent after effect *since*."""
    kinds = StartTransaction | MeterValues | StopTransaction
    found = [one.message for one in rig.log[since:] if isinstance(one, Send)]
    return [
        (type(one), getattr(one, "transaction_id", None)) for one in found if isinstance(one, kinds)
    ]


def test_a_stop_told_without_a_number_is_kept_with_its_start() -> None:
    """Errata 3.18 has it sent; but nobody over there can tell what session it ends."""
    rig = refused_session()
    assert [type(one.message) for one in rig.dead] == [StartTransaction, StopTransaction]
    assert [one.code for one in rig.written(Parked)] == ["InternalError", UNNUMBERED]
    assert rig.state.station.outbox.dead_letters == 2
    assert rig.state.station.outbox.count == 0
    assert len(rig.messages(StopTransaction)) == 1


def test_a_number_of_minus_one_is_a_number() -> None:
    """JE: ids of 0 and below have no special meaning; such a stop is delivered like any."""
    rig = Rig(setup(keys=KEYS)).online().charging()
    rig.answer(StartTransaction, StartTransactionConf(transaction_id=-1, id_tag_info=GOOD))
    rig.wait(15)
    rig.tap()
    rig.answer_all()
    assert rig.messages(StopTransaction)[0].transaction_id == -1
    assert rig.dead == []


def test_a_resent_session_goes_as_a_group_with_the_new_number() -> None:
    """Ruling 15: Start, then Stop with the id it was given; new message ids, same contents."""
    rig = refused_session()
    start, stop = rig.dead
    before = len(rig.log)
    rig.resend()
    assert rig.state.station.outbox.dead_letters == 0
    rig.answer(StartTransaction, StartTransactionConf(transaction_id=9, id_tag_info=GOOD))
    rig.answer_all()
    assert told(rig, before) == [(StartTransaction, None), (StopTransaction, 9)]
    again = [one for one in rig.log[before:] if isinstance(one, Send)]
    assert isinstance(stop.message, StopTransaction)
    numbered = replace(stop.message, transaction_id=9)
    assert [one.message for one in again][:2] == [start.message, numbered]
    assert len({one.message_id for one in (start, stop)} | {one.message_id for one in again}) == 4
    assert (rig.journal, rig.dead) == ([], [])
    assert rig.state.station.outbox.bound == {}


def test_a_resent_message_has_all_its_attempts_and_may_die_again() -> None:
    """TransactionMessageAttempts counts from the resend on."""
    rig = refused_session()
    rig.resend()
    rig.answer(StartTransaction, REFUSED)
    rig.answer_all()
    assert [type(one.message) for one in rig.dead] == [StartTransaction, StopTransaction]
    assert rig.state.station.outbox.dead_letters == 2


def test_a_resent_start_goes_before_what_waits_of_its_session() -> None:
    """3.7, chronological: a session that still runs gets its number, and its Stop with it."""
    rig = refused_start()
    rig.link_down()
    rig.wait(25)
    rig.resend()
    rig.tap()
    before = len(rig.log)
    rig.link_up()
    rig.answer(StartTransaction)
    rig.answer_all()
    kinds = [kind for kind, _ in told(rig, before)]
    assert kinds == [StartTransaction, MeterValues, MeterValues, StopTransaction]
    assert [number for _, number in told(rig, before)][1:] == [4711] * 3
    assert (rig.journal, rig.dead) == ([], [])


def test_parked_samples_come_back_between_start_and_stop() -> None:
    """Ruling 15, 3.7: the whole group in its old order."""
    rig = refused_start()
    rig.wait(12)
    rig.answer(MeterValues, REFUSED)
    rig.tap()
    rig.answer_all()
    before = len(rig.log)
    rig.resend()
    rig.answer(StartTransaction)
    rig.answer_all()
    numbers = [(StartTransaction, None), (MeterValues, 4711), (StopTransaction, 4711)]
    assert told(rig, before) == numbers


def test_a_dependant_of_a_numbered_session_is_resent_alone() -> None:
    """Its number comes from the journal: the state forgot it with the Stop."""
    rig = Rig(setup(keys=KEYS)).online().charging()
    rig.answer(StartTransaction)
    rig.answer_all()
    rig.wait(15)
    rig.answer(MeterValues, REFUSED)
    rig.tap()
    rig.answer_all()
    before = len(rig.log)
    rig.resend(numbers={1: 4711})
    assert told(rig, before) == [(MeterValues, 4711)]


def test_what_is_on_the_wire_stays_there_until_it_is_settled() -> None:
    """3.7: one at a time; the resent ones go next."""
    rig = refused_start()
    rig.wait(12)
    assert rig.is_waiting(MeterValues)
    rig.resend()
    assert not rig.is_waiting(StartTransaction)
    rig.answer(MeterValues)
    assert rig.is_waiting(StartTransaction)
    assert [one.seq for one in rig.written(Delivered)] == [2]


def test_a_letter_that_waits_already_is_not_queued_twice() -> None:
    """The disk may be slow, and the operator impatient."""
    rig = refused_session()
    rig.link_down()
    letters = tuple(rig.dead)
    for _ in range(2):
        rig.step(ResendAsked(at=rig.instant, letters=letters, numbers={}, waiting={}))
    assert len(rig.written(Resent)) == 2
    outbox = rig.state.station.outbox
    assert (outbox.count, outbox.dead_letters, len(outbox.head)) == (2, 0, 2)


def test_one_id_never_has_two_contents() -> None:
    """Ruling 7, I4: what was sent as -1 is sent with its number under another id."""
    rig = refused_start()
    rig.wait(12)
    flying = rig.waiting(MeterValues)
    rig.resend()
    rig.link_down()
    rig.link_up()
    rig.answer(StartTransaction)
    again = rig.waiting(MeterValues)
    assert [one.transaction_id for one in rig.messages(MeterValues)] == [-1, 4711]
    assert flying.message_id != again.message_id
    rig.answer_all()
    assert rig.journal == []


def test_a_stop_on_the_wire_goes_again_behind_its_resent_start() -> None:
    """Else the session stayed open over there."""
    rig = refused_start()
    rig.wait(12)
    rig.answer(MeterValues)
    rig.tap()
    assert rig.is_waiting(StopTransaction)
    rig.resend()
    before = len(rig.log)
    rig.answer(StopTransaction)
    rig.answer(StartTransaction)
    rig.answer_all()
    assert told(rig, before) == [(StartTransaction, None), (StopTransaction, 4711)]
    assert (rig.journal, rig.dead) == ([], [])


def test_a_refused_message_keeps_its_wait_though_resent_ones_go_first() -> None:
    """3.7.1: the interval is its own; a resend neither shortens it nor spends its attempts."""
    keys = {**KEYS, "TransactionMessageAttempts": "2"}
    rig = Rig(setup(keys=keys), now=0.0).online().charging()
    rig.answer(StartTransaction, REFUSED)
    rig.wait(60)
    rig.answer(StartTransaction, REFUSED)
    rig.answer(MeterValues, REFUSED)
    (failed,) = [one for one in rig.journal if one.attempts]
    due = rig.now + 60
    rig.resend()
    rig.answer(StartTransaction)
    assert not rig.is_waiting(MeterValues)
    rig.tick_to(due - 0.1)
    assert not rig.is_waiting(MeterValues)
    rig.tick_to(due)
    assert rig.is_waiting(MeterValues)
    (kept,) = [one for one in rig.journal if one.seq == failed.seq]
    assert kept.attempts == 1


def test_a_refused_message_keeps_its_wait_behind_a_resent_one_of_another_session() -> None:
    """3.7.1: to be ready behind what is on the wire is no way round the interval."""
    keys = {**KEYS, "TransactionMessageAttempts": "2"}
    rig = Rig(setup(connectors=2, keys=keys), now=0.0).online().charging(1)
    rig.answer(StartTransaction, REFUSED)
    rig.wait(60)
    rig.answer(StartTransaction, REFUSED)
    rig.answer_all()
    rig.charging(2, BOB)
    rig.answer(StartTransaction, REFUSED)
    due = rig.now + 60
    rig.resend()
    (resent,) = [one for one in rig.sent if isinstance(one.message, StartTransaction)]
    assert isinstance(resent.message, StartTransaction)
    assert resent.message.connector_id == 1
    rig.answer(StartTransaction)
    rig.tick_to(due - 0.1)
    assert not rig.is_waiting(StartTransaction)
    rig.tick_to(due)
    assert rig.is_waiting(StartTransaction)


def test_a_probe_judges_the_message_it_was_about() -> None:
    """Ruling 15: not the one that was put in front of it meanwhile."""
    rig = refused_start()
    rig.wait(12)
    (ignored,) = rig.journal
    rig.answer(MeterValues, NoAnswer(timed_out=True))
    rig.resend()
    rig.answer(Heartbeat)
    assert [one.seq for one in rig.written(Parked)][1:] == [ignored.seq]
    rig.link_down()
    rig.link_up()
    assert rig.is_waiting(StartTransaction)


def sample(seq: int) -> Queued:
    message = MeterValues(connector_id=1, meter_value=())
    return Queued(seq=seq, ref=None, message_id=f"m-{seq}", message=message, at=at(0))


def long_queue(first: int) -> Rig:
    """Offline, with more waiting than the state holds, from seq *first* on."""
    waiting = tuple(sample(seq) for seq in range(first, first + 2 * HEAD))
    saved = Saved(
        outbox=waiting[:HEAD],
        outbox_count=len(waiting),
        last_seq=waiting[-1].seq,
        dead_letters=1,
    )
    rig = Rig(setup(keys=KEYS), saved=saved, serve=True)
    rig.journal = list(waiting)
    return rig


def sent_seqs(rig: Rig) -> list[int]:
    return [one.seq for one in rig.written(Delivered)]


def test_one_id_never_has_two_contents_also_where_the_state_does_not_reach() -> None:
    """Ruling 7, I4: what was sent as -1 may lie behind older letters that were resent before."""
    rig = refused_start()
    rig.wait(12)
    (unanswered,), (start,) = rig.journal, rig.dead
    older = [sample(seq) for seq in range(1, HEAD + 2)]
    behind = replace(unanswered, seq=unanswered.seq + 100, message_id="sent-as-minus-one")
    waiting = [*older, behind]
    saved = Saved(
        outbox=tuple(waiting[:HEAD]),
        outbox_count=len(waiting),
        last_seq=behind.seq,
        last_ref=behind.ref or 0,
        dead_letters=1,
    )
    again = Rig(setup(keys=KEYS), saved=saved, serve=True)
    again.journal, again.dead = list(waiting), [replace(start, seq=start.seq + 100)]
    again.resend()
    again.start().link_up()
    assert (again.journal, again.dead) == ([], [])
    sent = [one for one in again.log if isinstance(one, Send)]
    assert "sent-as-minus-one" not in {one.message_id for one in sent}
    numbers = [one.transaction_id for one in again.messages(MeterValues)]
    assert numbers[-1] == 4711
    assert {one.message_id for one in older} <= {one.message_id for one in sent}


def test_a_letter_goes_to_its_place_also_where_the_state_does_not_reach() -> None:
    """I3: in front of the queue, or far behind in it, and never twice."""
    for seq in (3, 200):
        rig = long_queue(10)
        rig.dead.append(sample(seq))
        rig.resend()
        assert rig.state.station.outbox.count == len(rig.journal)
        rig.start().link_up()
        seqs = sent_seqs(rig)
        assert all(one < other for one, other in pairwise(seqs))
        assert len(seqs) == 2 * HEAD + 1
        assert rig.state.station.outbox.count == 0


def test_a_reading_of_the_queue_from_before_counts_no_more() -> None:
    """I2: it knows nothing of the letter that was put among those it read."""
    rig = long_queue(10)
    station = rig.state.station
    outbox = replace(station.outbox, head=station.outbox.head[:4])
    state = replace(rig.state, station=replace(station, outbox=outbox))
    state, effects = step(state, Ticked(at=rig.instant))
    (stale,) = of(ReadOutbox, list(effects))
    asked = ResendAsked(at=rig.instant, letters=(sample(70),), numbers={}, waiting={})
    state, effects = step(state, asked)
    (fresh,) = of(ReadOutbox, list(effects))
    for ticket, seqs, expected in ((stale.ticket, (14,), 13), (fresh.ticket, (14, 15), 15)):
        read = OutboxRead(at=rig.instant, ticket=ticket, messages=tuple(map(sample, seqs)))
        state, _ = step(state, read)
        assert state.station.outbox.head[-1].seq == expected


def test_resent_is_written_with_the_ids_that_are_sent() -> None:
    """RECORD before TELL: one record per letter, all in the step's commit."""
    rig = refused_session()
    rig.link_down()
    start, stop = rig.dead
    rig.resend()
    resent = rig.written(Resent)
    assert [one.seq for one in resent] == [start.seq, stop.seq]
    assert [one.message_id for one in resent] == [one.message_id for one in rig.journal]
    assert not [one for one in rig.written(Refused) if one.seq == start.seq]
