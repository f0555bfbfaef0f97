"""Machine `thinning`: what goes when the disk runs short: samples between begin and end, no more.

Readings are registers, so what is left of a session still says how much flowed and when. What may
be on the wire, or is about to be, stays; so does every StartTransaction and StopTransaction.
Source: invariant I9.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from edge.core import outbox
from edge.core.draft import Draft
from edge.core.effects import ReadOutbox
from edge.core.events import OutboxRead, SpaceSeen
from edge.core.facts import SecurityNoticed
from edge.core.messages import MeterValues, TransactionMessage
from edge.core.records import Queued, Thinned
from edge.core.state import ChargePoint, Space
from edge.core.vocabulary import ReadingContext, SecurityEvent
from edge.core.waiting import ToThin

BATCH: Final = 200  # messages looked at per commit: a moment's work, and a small one for the card
MIB: Final = 1 << 20
WORSE: Final = 0.75  # of what was free: others may fill the disk, and no sample makes up for that


def on_space(draft: Draft, event: SpaceSeen) -> None:
    """Go once through the whole queue when too little is free, and again when it is much less."""
    before = draft.station.space
    short = event.free_bytes < draft.state.setup.keeping.free_least_mib * MIB
    if short and not before.is_short:
        info = f"{event.free_bytes // MIB} MiB left for the journal: samples that wait are thinned"
        draft.tell(SecurityNoticed(event=SecurityEvent.MEMORY_EXHAUSTION, info=info))
    was_at = before.thinned_at if short else None
    is_worse = short and (was_at is None or event.free_bytes < WORSE * was_at)
    space = Space(
        free_bytes=event.free_bytes,
        is_short=short,
        thinned=before.thinned,
        thinned_at=event.free_bytes if is_worse else was_at,
    )
    draft.put_station(space=space)
    is_long = draft.station.outbox.count > draft.state.setup.keeping.most_waiting
    is_at_it = any(isinstance(one.purpose, ToThin) for one in draft.state.waiting.values())
    if (is_worse or is_long) and not is_at_it:
        _look(draft, _edge(draft.state))


def _edge(state: ChargePoint) -> int | None:
    """The last message that may be told soon: only those behind it are thinned."""
    head = state.station.outbox.head
    return head[-1].seq if head else None


def _look(draft: Draft, after_seq: int | None) -> None:
    edge = _edge(draft.state)
    if edge is not None and after_seq is not None:
        ticket = draft.ticket(ToThin(edge=edge))
        draft.do(ReadOutbox(ticket=ticket, after_seq=after_seq, limit=BATCH))


def on_read(draft: Draft, purpose: ToThin, event: OutboxRead) -> None:
    """Let every second spare sample of each session go; then look at those behind."""
    if _edge(draft.state) != purpose.edge:
        return  # the queue moves: what was read may be on its way by now
    seqs = tuple(_every_second(event.messages))
    if seqs:
        draft.write(Thinned(seqs=seqs))
        outbox.leave_out(draft, len(seqs))
        space = draft.station.space
        draft.put_station(space=replace(space, thinned=space.thinned + len(seqs)))
    if len(event.messages) == BATCH:
        _look(draft, event.messages[-1].seq)


def _every_second(messages: Iterable[Queued]) -> Iterator[int]:
    goes: dict[int | None, bool] = {}
    for queued in messages:
        if is_spare(queued.message):
            if goes.get(queued.ref, False):
                yield queued.seq
            goes[queued.ref] = not goes.get(queued.ref, False)


def is_spare(message: TransactionMessage) -> bool:
    """Whether *message* is a sample between begin and end."""
    edges = (ReadingContext.TRANSACTION_BEGIN, ReadingContext.TRANSACTION_END)
    return isinstance(message, MeterValues) and not any(
        sample.context in edges for value in message.meter_value for sample in value.sampled_value
    )
