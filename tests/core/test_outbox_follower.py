"""A backlog: the next message is ready behind the one on the wire, and nothing else changes."""

from __future__ import annotations

import pytest

from edge.core.effects import Send
from edge.core.messages import (
    Authorize,
    CallError,
    Heartbeat,
    MeterValues,
    NoAnswer,
    StartTransaction,
    StatusNotification,
    StopTransaction,
)
from edge.core.records import Delivered, Parked
from tests.core.bench import ALICE, BOB, setup
from tests.core.build import Rig

KEYS = {
    "MeterValueSampleInterval": "10",
    "AllowOfflineTxForUnknownId": "true",
    "TransactionMessageAttempts": "2",
    "TransactionMessageRetryInterval": "10",
}
REFUSED = CallError(code="InternalError")
KINDS = (StartTransaction, MeterValues, StopTransaction)


def backlog(*, sessions: int = 1, serve: bool = False) -> Rig:
    """Back online with the samples of some sessions waiting; one connector is free."""
    rig = Rig(setup(connectors=sessions + 1, keys=KEYS)).online()
    rig.link_down()
    for connector, tag in enumerate((ALICE, BOB)[:sessions], start=1):
        rig.charging(connector, tag)
    rig.wait(65)
    rig.serve = serve
    rig.link_up()
    return rig


def on_line(rig: Rig) -> list[Send]:
    """The transaction messages that the line has."""
    return [one for one in rig.sent if isinstance(one, Send) and isinstance(one.message, KINDS)]


def test_the_next_is_ready_behind_the_one_on_the_wire() -> None:
    """Two at most, in order; the first answer brings the third."""
    rig = backlog()
    rig.answer(StartTransaction)
    first, second = on_line(rig)
    assert (first.behind, second.behind) == (None, first.ticket)
    rig.settle(first, rig.kindness(first.message))
    third = on_line(rig)[1]
    assert third.behind == second.ticket
    assert [one.seq for one in rig.written(Delivered)] == [1, 2]


def test_what_needs_the_number_of_a_start_waits_for_it() -> None:
    """I4: the bytes that go out name the transaction, or the start was refused for good."""
    rig = backlog()
    assert [type(one.message) for one in on_line(rig)] == [StartTransaction]
    rig.answer(StartTransaction)
    assert len(on_line(rig)) == 2
    assert [one.transaction_id for one in rig.messages(MeterValues)] == [4711, 4711]


def test_another_session_s_message_needs_no_number_of_this_start() -> None:
    """Two connectors: only its own dependants wait for a StartTransaction."""
    rig = backlog(sessions=2)
    first, second = on_line(rig)
    assert isinstance(first.message, StartTransaction)
    assert isinstance(second.message, StartTransaction)
    assert second.behind == first.ticket


@pytest.mark.parametrize("answer", [REFUSED, NoAnswer(timed_out=True)], ids=["error", "silence"])
def test_a_first_that_must_go_again_is_not_overtaken(answer: CallError | NoAnswer) -> None:
    """I3: the follower was withheld; it waits in its place and spends nothing."""
    rig = backlog()
    rig.answer(StartTransaction)
    first, second = on_line(rig)
    rig.settle(first, answer)
    assert on_line(rig) == []
    if isinstance(answer, NoAnswer):
        rig.answer(Heartbeat)  # the peer answers others: the line is made anew
        rig.link_down()
        rig.link_up()
    rig.wait(10)
    again, behind = on_line(rig)
    assert (again.message, behind.message) == (first.message, second.message)
    assert behind.message_id == second.message_id
    assert [one.attempts for one in rig.state.station.outbox.head[:2]] == [1, 0]


def test_what_follows_a_parked_message_goes_at_once() -> None:
    """Errata 3.18: it makes room; what had been handed behind it was withheld."""
    rig = backlog()
    rig.answer(StartTransaction)
    first, second = on_line(rig)
    rig.settle(first, REFUSED)
    rig.wait(10)
    rig.settle(on_line(rig)[0], REFUSED)
    assert [one.seq for one in rig.written(Parked)] == [2]
    assert on_line(rig)[0].message_id == second.message_id


def test_hang_ups_count_for_the_message_on_the_wire_alone() -> None:
    """Ruling 15: the follower was never sent, and breaks no row of hang-ups."""
    rig = backlog()
    rig.answer(StartTransaction)
    for _ in range(3):
        while rig.is_waiting(StatusNotification):
            rig.answer(StatusNotification)
        assert rig.sent == on_line(rig)
        rig.link_down(closed_within_s=0.5)
        rig.link_up()
    assert [one.seq for one in rig.written(Parked)] == [2]


def test_nothing_more_is_handed_over_while_a_driver_waits_at_the_reader() -> None:
    """Ruling 5: the line lets an Authorize pass what follows; we add nothing behind it."""
    rig = backlog()
    rig.answer(StartTransaction)
    rig.tap(BOB)
    assert rig.is_waiting(Authorize)
    first, second = on_line(rig)
    rig.settle(first, rig.kindness(first.message))
    assert on_line(rig) == [second]
    rig.answer(Authorize)
    assert len(on_line(rig)) == 2


def test_a_backlog_is_told_once_and_in_order() -> None:
    """I2, I3."""
    rig = backlog(sessions=2, serve=True)
    rig.answer_all()
    assert rig.journal == []
    sends = [one for one in rig.log if isinstance(one, Send)]
    ids = [one.message_id for one in sends if isinstance(one.message, KINDS)]
    assert len(ids) == len(set(ids))
    seqs = [one.seq for one in rig.written(Delivered)]
    assert seqs == sorted(seqs)
