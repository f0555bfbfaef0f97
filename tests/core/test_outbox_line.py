"""The outbox and a line that does what it likes: one message in flight, none lost or doubled."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edge.core.commands import ChangeConfiguration, TriggerMessage
from edge.core.effects import Send
from edge.core.events import LinkDown, Pilot
from edge.core.messages import (
    BootNotification,
    CallError,
    Heartbeat,
    HeartbeatConf,
    MeterValues,
    NoAnswer,
    StartTransaction,
    StatusNotification,
)
from edge.core.records import Parked, Refused
from edge.core.vocabulary import RegistrationStatus
from edge.core.waiting import ToDeliver
from tests.core.bench import setup
from tests.core.build import Rig, booted

KEYS = {
    "MeterValueSampleInterval": "10",
    "TransactionMessageAttempts": "2",
    "TransactionMessageRetryInterval": "0",
    "AllowOfflineTxForUnknownId": "true",
}


class Line:
    """A rig whose central system is played by words; watches each connection."""

    def __init__(self) -> None:
        self.rig = Rig(setup(keys=KEYS)).online().charging()
        self.timed_out: set[str] = set()
        self.looked = len(self.rig.log)

    def play(self, word: str) -> None:
        ACTS[word](self)
        self._check()

    def up(self) -> None:
        if not self.rig.state.station.registration.link_up:
            self.timed_out.clear()
            self.rig.link_up()

    def down(self, closed_within_s: float | None = None) -> None:
        self.rig.link_down(closed_within_s)

    def down_before_it_is_settled(self) -> None:
        """No link of ours does so."""
        self.rig.step(LinkDown(at=self.rig.instant, why="cut"))
        self.settle(NoAnswer(timed_out=False))

    def kindly(self) -> None:
        if self.rig.sent:
            self.rig.answer(type(self.rig.sent[0].message))

    def settle(self, answer: CallError | NoAnswer, kinds: tuple[type, ...] = (object,)) -> None:
        """Answer the oldest of *kinds*."""
        found = (one for one in self.rig.sent if isinstance(one.message, kinds))
        if sending := next(found, None):
            if answer == NoAnswer(timed_out=True):
                self.timed_out.add(sending.message_id)
            self.rig.settle(sending, answer)

    def boot(self, status: RegistrationStatus) -> None:
        if self.rig.is_waiting(BootNotification):
            self.rig.answer(BootNotification, booted(self.rig.instant.wall, status, 10))

    def trigger(self) -> None:
        self.rig.call(TriggerMessage(requested_message="BootNotification"))

    def _check(self) -> None:
        state = self.rig.state
        outbox = state.station.outbox
        asked = [one.purpose for one in state.waiting.values()]
        flying = [one.seq for one in asked if isinstance(one, ToDeliver)]
        expected = [] if outbox.flight is None else [outbox.flight]
        assert flying == expected, "one in flight, and the state knows which"
        assert outbox.flight is None or outbox.head[0].seq == outbox.flight
        assert outbox.flight is None or not outbox.probing
        sends = [one for one in self.rig.log[self.looked :] if isinstance(one, Send)]
        self.looked = len(self.rig.log)
        for one in sends:
            assert one.message_id not in self.timed_out, "twice on one socket after a time-out"


ACTS: dict[str, Callable[[Line], None]] = {
    "up": Line.up,
    "down": Line.down,
    "dropped": lambda line: line.down(0.5),
    "down before it is settled": Line.down_before_it_is_settled,
    "ok": Line.kindly,
    "refused": lambda line: line.settle(CallError(code="InternalError")),
    "stranger": lambda line: line.settle(
        CallError(code="SecurityError"), (StatusNotification, Heartbeat)
    ),
    "start is not answered": lambda line: line.settle(
        NoAnswer(timed_out=True), (StartTransaction, MeterValues)
    ),
    "silence": lambda line: line.settle(NoAnswer(timed_out=True)),
    "accepted": lambda line: line.boot(RegistrationStatus.ACCEPTED),
    "pending": lambda line: line.boot(RegistrationStatus.PENDING),
    "rejected": lambda line: line.boot(RegistrationStatus.REJECTED),
    "trigger": Line.trigger,
    "a moment": lambda line: line.rig.wait(0.5),
    "a while": lambda line: line.rig.wait(70),
}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(["a while", "stranger", "start is not answered", "accepted"])
@given(st.lists(st.sampled_from(sorted(ACTS)), max_size=40))
def test_no_order_of_events_confuses_the_outbox(words: list[str]) -> None:
    """Rulings 7 and 15: whatever the line, the registration and the answers do."""
    line = Line()
    for word in words:
        line.play(word)
    _rest(line)


def test_a_verdict_on_a_line_that_is_gone_counts_for_nothing() -> None:
    """Ruling 15: only what the living connection shows spends an attempt."""
    line = Line()
    line.rig.answer(StartTransaction, NoAnswer(timed_out=True))
    probe = line.rig.waiting(Heartbeat)
    line.rig.step(LinkDown(at=line.rig.instant, why="cut"))
    line.rig.settle(probe, HeartbeatConf(current_time=line.rig.instant.wall))
    assert not line.rig.written(Refused)


def answer_statuses(rig: Rig) -> None:
    """Nothing but the transaction message is left on the wire."""
    while rig.is_waiting(StatusNotification):
        rig.answer(StatusNotification)


@pytest.mark.parametrize(
    "between",
    [CallError(code="InternalError"), NoAnswer(timed_out=True)],
    ids=["refused", "ignored"],
)
def test_a_peer_that_kept_the_line_breaks_the_row_of_hang_ups(
    between: CallError | NoAnswer,
) -> None:
    """Ruling 15: three connections in a row; one that bore the frame, answered or not, is none."""
    rig = Rig(setup(keys={**KEYS, "TransactionMessageAttempts": "9"})).online().charging()
    for _ in range(2):
        answer_statuses(rig)
        rig.link_down(closed_within_s=0.5)
        rig.link_up()
    rig.answer(StartTransaction, between)
    for _ in range(2):
        answer_statuses(rig)
        rig.link_down(closed_within_s=0.5)
        rig.link_up()
    assert not rig.written(Parked)


def test_what_else_is_answered_does_not_break_the_row_of_hang_ups() -> None:
    """Ruling 15: a peer that bears every frame but this one is just what is looked for."""
    rig = Rig(setup(keys=KEYS)).online()
    rig.charging()
    for _ in range(3):
        answer_statuses(rig)
        rig.link_down(closed_within_s=0.5)
        rig.see(pilot=Pilot.B if rig.socket().pilot is Pilot.C else Pilot.C)
        rig.link_up()
    assert [one.code for one in rig.written(Parked)] == ["ConnectionDropped"]


def test_a_shorter_interval_shortens_the_wait_that_runs() -> None:
    """5.3: a new TransactionMessageRetryInterval holds from now on, for what waits, too."""
    keys = {**KEYS, "TransactionMessageRetryInterval": "86400"}
    rig = Rig(setup(keys=keys)).online().charging()
    rig.answer(StartTransaction, CallError(code="InternalError"))
    rig.wait(100)
    assert not rig.is_waiting(StartTransaction)
    rig.call(ChangeConfiguration(key="TransactionMessageRetryInterval", value="101"))
    rig.wait(0.9)
    assert not rig.is_waiting(StartTransaction)
    rig.wait(0.1)
    assert rig.is_waiting(StartTransaction)


def test_samples_behind_a_parked_start_go_as_minus_one() -> None:
    """Errata 3.18: all dependants, not the StopTransaction alone."""
    rig = Rig(setup(keys=KEYS)).online().charging()
    for _ in range(2):
        rig.answer(StartTransaction, CallError(code="InternalError"))
    assert rig.written(Parked)
    rig.wait(10)
    rig.answer_all()
    assert {one.transaction_id for one in rig.messages(MeterValues)} == {-1}


def _rest(line: Line) -> None:
    """A kind night: everything that was written is told."""
    rig = line.rig
    line.down()
    rig.unplug()
    rig.wait(400)
    line.up()
    for _ in range(400):
        rig.answer_all()
        if not rig.state.station.outbox.count:
            break
        rig.wait(10)
    assert rig.journal == []
    assert rig.state.station.outbox.head == ()
