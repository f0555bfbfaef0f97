"""Machine `outbox`: every transaction message reaches the central system, in order, exactly once.

The queue lives in the journal; its head is here. A message leaves it only on CALLRESULT. It keeps
its id on every resend, and gets a new one only after a CALLERROR, which spends an attempt. A
time-out spends one only where the peer is proven to answer other calls (rulings 7 and 15).
What is refused for good becomes a dead letter and makes room for those behind it (errata 3.18),
until somebody has it resent by hand: then it waits in its old place again, with a new id.

One CALL is open at a time (OCPP-J 4.1.1), so a backlog drains at one message per round trip; the
next is ready behind it. A MeterValues could carry many samples and does not: what waited for
company would be lost by a power cut, and what is written keeps its bytes and its id (I4).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from edge.core import anchors, keys
from edge.core.draft import Draft
from edge.core.effects import ReadOutbox, Reconnect
from edge.core.events import LinkDown, OutboxRead, Settled
from edge.core.facts import Bound, Enqueue, TagLearnt
from edge.core.messages import (
    CallError,
    Confirmation,
    Heartbeat,
    MeterValues,
    NoAnswer,
    StartTransaction,
    StartTransactionConf,
    StopTransaction,
    StopTransactionConf,
    TransactionMessage,
)
from edge.core.records import Delivered, Parked, Queued, Refused, Resent, TransactionBound
from edge.core.state import ChargePoint, Outbox
from edge.core.waiting import ToDeliver, ToProbe, ToRefill
from edge.core.wishes import ResendAsked

HEAD: Final = 64  # messages kept in the state
REFILL_AT: Final = 16  # ask the journal for more when so few are left
UNKNOWN_ID: Final = -1  # transactionId where StartTransaction was refused for good (errata 3.18)
UNNUMBERED: Final = "Unnumbered"  # a StopTransaction that was answered under `UNKNOWN_ID`
QUICK_DROP_S: Final = 2.0  # a peer that hangs up so soon after a frame cannot bear it
QUICK_DROPS: Final = 3  # in a row, on connections of their own


def on_enqueue(draft: Draft, fact: Enqueue) -> None:
    """Give it its place in the order, and its id for ever."""
    outbox = draft.station.outbox
    queued = Queued(
        seq=outbox.last_seq + 1,
        ref=fact.ref,
        message_id=draft.message_id(),
        message=fact.message,
        at=draft.at,
    )
    draft.write(queued)
    is_all_here = outbox.count == len(outbox.head) and len(outbox.head) < HEAD
    head = (*outbox.head, queued) if is_all_here else outbox.head
    _put(draft, head=head, count=outbox.count + 1, last_seq=queued.seq)


def _put(draft: Draft, **changes: Any) -> None:
    draft.put_station(outbox=replace(draft.station.outbox, **changes))


def on_link_down(draft: Draft, _: LinkDown) -> None:
    """Whatever was on the wire has been settled before; a probe's verdict is void."""
    _put(draft, probing=False)


def advance(draft: Draft) -> None:
    """Send the next message if the line is free. Runs after every step's facts."""
    _refill(draft)
    while (queued := _next(draft)) is not None:
        _hand_over(draft, queued)


def _next(draft: Draft) -> Queued | None:
    """The message that the line may have now: the first, or the one to follow it."""
    station = draft.station
    outbox = station.outbox
    blocked = (
        not station.registration.online
        or outbox.probing
        or not outbox.head
        or station.authorisation.asking > 0  # a driver waits at the reader (ruling 5)
    )
    if blocked:
        return None
    if outbox.flights:
        return _follower(outbox)
    due = due_at(draft.state)
    return outbox.head[0] if due is None or draft.now >= due else None


def _follower(outbox: Outbox) -> Queued | None:
    """The message that goes as soon as the first, on the wire now, is confirmed (see `Send`).

    The central system need not wait for us to think, and still one is in flight. It must be sure
    what it says by then: it does not wait for the number that the first one brings. Nor does it
    spare itself its retry wait, which is kept at the head of the queue.
    """
    if len(outbox.flights) > 1 or len(outbox.head) == 1 or outbox.head[0].seq != outbox.flights[0]:
        return None
    first, second = outbox.head[:2]
    needs_number = isinstance(first.message, StartTransaction) and first.ref == second.ref
    return None if needs_number or second.attempts else second


def _hand_over(draft: Draft, queued: Queued) -> None:
    outbox = draft.station.outbox
    handed = (
        ticket
        for ticket, waiting in draft.state.waiting.items()
        if isinstance(waiting.purpose, ToDeliver)
    )
    behind = next(handed, None)
    _put(draft, flights=(*outbox.flights, queued.seq))
    purpose = ToDeliver(seq=queued.seq, is_numbered=queued.ref in outbox.bound)
    draft.send(purpose, _addressed(draft, queued), queued.message_id, behind)


def due_at(state: ChargePoint) -> float | None:
    """When a message that was refused or ignored may go again: the wait grows with the attempts."""
    outbox = state.station.outbox
    if outbox.failed_at is None or not outbox.head:
        return None
    interval_s = keys.number(state, "TransactionMessageRetryInterval")
    return outbox.failed_at + interval_s * outbox.head[0].attempts


def _refill(draft: Draft) -> None:
    outbox = draft.station.outbox
    if (
        outbox.refilling is not None
        or len(outbox.head) > REFILL_AT
        or outbox.count <= len(outbox.head)
    ):
        return
    after_seq = outbox.head[-1].seq if outbox.head else 0
    ticket = draft.ticket(ToRefill(last_seq=outbox.last_seq))
    draft.do(ReadOutbox(ticket=ticket, after_seq=after_seq, limit=HEAD - len(outbox.head)))
    _put(draft, refilling=ticket)


def on_refilled(draft: Draft, purpose: ToRefill, event: OutboxRead) -> None:
    """Messages from the journal. Fewer than a full read are all there were when it was asked."""
    outbox = draft.station.outbox
    if event.ticket != outbox.refilling:
        return  # the queue was changed by hand meanwhile: it is read anew
    last_seq = outbox.head[-1].seq if outbox.head else 0
    head = outbox.head + tuple(queued for queued in event.messages if queued.seq > last_seq)
    count = outbox.count
    if len(event.messages) < HEAD - REFILL_AT:
        count = len(head) + outbox.last_seq - purpose.last_seq  # samples thinned in memory: I9
    _put(draft, head=head, count=count, refilling=None)


def _addressed(draft: Draft, queued: Queued) -> TransactionMessage:
    """The message with its times, and the transaction id that its StartTransaction was given."""
    message = anchors.dated(draft.station.clock, queued.message)
    if queued.ref is None or isinstance(message, StartTransaction):
        return message
    number = draft.station.outbox.bound.get(queued.ref, UNKNOWN_ID)
    return replace(message, transaction_id=number)


def on_settled(draft: Draft, purpose: ToDeliver, event: Settled) -> None:
    """Delivered, refused, or not answered."""
    outbox = draft.station.outbox
    assert outbox.flights[0] == purpose.seq, "the line settles in the order it was handed"
    flights = outbox.flights[1:]
    if isinstance(event.answer, NoAnswer) and event.answer.withheld:
        _put(draft, flights=flights)
        return
    queued = _waiting(outbox, purpose.seq)
    drops = outbox.drops + 1 if _hung_up(event) else 0
    _put(draft, flights=flights, drops=drops)
    match event.answer:
        case CallError():
            _spend(draft, queued, event.answer, new_id=True)
        case NoAnswer():
            _go_unanswered(draft, queued, event.answer)
        case _:
            if isinstance(queued.message, StopTransaction) and not purpose.is_numbered:
                _keep_stop(draft, queued)
            else:
                _deliver(draft, queued, event.answer)
            _learn_tag(draft, queued.message, event.answer)


def _waiting(outbox: Outbox, seq: int) -> Queued:
    """The message *seq*, which was sent: it stays in the head until that is settled."""
    return next(queued for queued in outbox.head if queued.seq == seq)


def _hung_up(event: Settled) -> bool:
    """Whether the peer dropped the line right after our frame; what else it answered is no excuse.

    Connections that never carried the frame say nothing of it, and are not counted at all.
    """
    answer = event.answer
    within_s = answer.closed_within_s if isinstance(answer, NoAnswer) else None
    return within_s is not None and within_s <= QUICK_DROP_S


def _deliver(draft: Draft, queued: Queued, answer: Confirmation) -> None:
    draft.write(Delivered(seq=queued.seq, may_wait=isinstance(queued.message, MeterValues)))
    _drop(draft, queued)
    if isinstance(answer, StartTransactionConf) and isinstance(queued.message, StartTransaction):
        assert queued.ref is not None
        info = answer.id_tag_info
        draft.write(
            TransactionBound(ref=queued.ref, transaction_id=answer.transaction_id, id_tag_info=info)
        )
        _bind(draft, queued.ref, answer.transaction_id)
        draft.tell(
            Bound(ref=queued.ref, transaction_id=answer.transaction_id, id_tag_info=info),
        )


def _learn_tag(draft: Draft, message: TransactionMessage, answer: Confirmation) -> None:
    if isinstance(message, StartTransaction | StopTransaction) and isinstance(
        answer, StartTransactionConf | StopTransactionConf
    ):
        id_tag, info = message.id_tag, answer.id_tag_info
        if id_tag is not None and info is not None:
            draft.tell(TagLearnt(id_tag=id_tag, info=info))


def _keep_stop(draft: Draft, queued: Queued) -> None:
    """Answered, but nobody there can know which session it ends.

    It goes again behind its StartTransaction, when that goes again: else a session that is told
    late would stay open over there for ever, and unbilled.
    """
    head = draft.station.outbox.head
    if not any(one.ref == queued.ref and isinstance(one.message, StartTransaction) for one in head):
        why = "told without a number: resend the StartTransaction of this session"
        _park(draft, queued, CallError(code=UNNUMBERED, description=why))


def _drop(draft: Draft, queued: Queued) -> None:
    outbox = draft.station.outbox
    head = tuple(one for one in outbox.head if one.seq != queued.seq)
    _put(draft, head=head, count=outbox.count - 1)
    if queued.ref is not None and isinstance(queued.message, StopTransaction):
        bound = {ref: number for ref, number in outbox.bound.items() if ref != queued.ref}
        _put(draft, bound=bound)


def _bind(draft: Draft, ref: int, transaction_id: int) -> None:
    _put(draft, bound={**draft.station.outbox.bound, ref: transaction_id})


def _spend(draft: Draft, queued: Queued, error: CallError, *, new_id: bool) -> None:
    """One attempt is used up: wait and try again, or park the message for good."""
    attempts = queued.attempts + 1
    if attempts >= keys.number(draft.state, "TransactionMessageAttempts"):
        _park(draft, queued, error)
        return
    message_id = draft.message_id() if new_id else queued.message_id
    again = replace(queued, attempts=attempts, message_id=message_id)
    draft.write(Refused(seq=queued.seq, attempts=attempts, message_id=message_id))
    _replace(draft, again)
    _put(draft, failed_at=draft.now)


def _replace(draft: Draft, queued: Queued) -> None:
    head = draft.station.outbox.head
    _put(draft, head=tuple(queued if one.seq == queued.seq else one for one in head))


def _park(draft: Draft, queued: Queued, error: CallError) -> None:
    draft.write(
        Parked(seq=queued.seq, at=draft.at, code=str(error.code), description=error.description)
    )
    _drop(draft, queued)
    dead_letters = draft.station.outbox.dead_letters + 1
    _put(draft, dead_letters=dead_letters, drops=0)


def _go_unanswered(draft: Draft, queued: Queued, answer: NoAnswer) -> None:
    if answer.timed_out:
        _put(draft, probing=True)
        draft.request(ToProbe(seq=queued.seq), Heartbeat())
    elif draft.station.outbox.drops >= QUICK_DROPS:
        why = "the central system drops the connection on this message"
        _park(draft, queued, CallError(code="ConnectionDropped", description=why))


def on_probed(draft: Draft, purpose: ToProbe, event: Settled) -> None:
    """The peer answers others but not this message, or nothing at all."""
    if not draft.station.outbox.probing:
        return  # that line is gone
    if isinstance(event.answer, NoAnswer):
        if event.answer.timed_out:
            draft.do(Reconnect())
    else:
        why = "no answer, though the central system answers other calls"
        _spend(
            draft,
            _waiting(draft.station.outbox, purpose.seq),
            CallError(code="Timeout", description=why),
            new_id=False,
        )
        draft.do(Reconnect())  # never twice on one socket: `probing` lasts until it is gone


# ── by hand ──────────────────────────────────────────────────────────────────────────────────────


def on_resend_asked(draft: Draft, event: ResendAsked) -> None:
    """Dead letters wait again where they once stood, in front of what came later (3.7).

    Each has a new id (ruling 7). So has what waits of a session whose start goes again: it may have
    been sent without a number under its old one, and one id never has two contents.
    """
    outbox = draft.station.outbox
    here = {waiting.seq for waiting in outbox.head}
    letters = tuple(
        replace(letter, message_id=draft.message_id(), attempts=0)
        for letter in event.letters
        if letter.seq not in here  # asked for twice before the disk had the first
    )
    draft.write(*(Resent(seq=one.seq, message_id=one.message_id) for one in letters))
    begun = {one.ref for one in letters if isinstance(one.message, StartTransaction)}
    attempts = {
        **(event.waiting if begun else {}),
        **{one.seq: one.attempts for one in outbox.head if one.ref in begun},
    }
    fresh = {seq: draft.message_id() for seq in attempts}
    draft.write(*(Refused(seq=seq, attempts=attempts[seq], message_id=fresh[seq]) for seq in fresh))
    head = tuple(replace(one, message_id=fresh.get(one.seq, one.message_id)) for one in outbox.head)
    _put(draft, head=head)
    _insert(draft, letters)
    _put(
        draft,
        bound={**event.numbers, **outbox.bound},
        dead_letters=outbox.dead_letters - len(letters),
        refilling=None,
    )


def _insert(draft: Draft, letters: tuple[Queued, ...]) -> None:
    """Into the head goes what belongs there: the queue's beginning, without a gap."""
    outbox = draft.station.outbox
    is_all_here = outbox.count == len(outbox.head)
    last_seq = outbox.head[-1].seq if outbox.head else 0
    here = [one for one in letters if is_all_here or one.seq < last_seq]
    head = tuple(sorted((*outbox.head, *here), key=lambda one: one.seq))
    _put(draft, head=head, count=outbox.count + len(letters))


def leave_out(draft: Draft, count: int) -> None:
    """So many of those behind the head are no more: what is being read of them is out of date."""
    _put(draft, count=draft.station.outbox.count - count, refilling=None)
