"""A disk that runs short: samples go, sessions stay, and it is said (I9)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from edge.core.effects import ReadOutbox
from edge.core.events import OutboxRead, SpaceSeen
from edge.core.messages import (
    MeterValue,
    MeterValues,
    SampledValue,
    StartTransaction,
    StopTransaction,
    TransactionMessage,
)
from edge.core.outbox import HEAD
from edge.core.records import Delivered, Queued, Thinned
from edge.core.saved import Saved
from edge.core.security_log import SecurityEventLogged
from edge.core.setup import Keeping
from edge.core.step import step
from edge.core.thinning import BATCH, MIB
from edge.core.vocabulary import ReadingContext, StopReason
from tests.core.bench import ALICE, at, of, setup
from tests.core.build import Rig

SAMPLES = 200


def sample(context: ReadingContext | None = None) -> MeterValues:
    value = MeterValue(timestamp=at(0), sampled_value=(SampledValue(value="1", context=context),))
    return MeterValues(connector_id=1, meter_value=(value,))


def session(ref: int) -> list[tuple[int, TransactionMessage]]:
    """Start, a first sample, many between, a last one, Stop."""
    start = StartTransaction(connector_id=1, id_tag=ALICE, meter_start=1, timestamp=at(ref))
    stop = StopTransaction(
        transaction_id=None,
        meter_stop=9,
        timestamp=at(ref),
        reason=StopReason.LOCAL,
        id_tag=ALICE,
        transaction_data=(),
    )
    begin, end = ReadingContext.TRANSACTION_BEGIN, ReadingContext.TRANSACTION_END
    between: list[TransactionMessage] = [sample(ReadingContext.SAMPLE_PERIODIC)] * SAMPLES
    return [(ref, one) for one in (start, sample(begin), *between, sample(end), stop)]


def long_offline(keeping: Keeping | None = None) -> Rig:
    """Three sessions wait, far more than the state holds."""
    messages = [one for ref in (1, 2, 3) for one in session(ref)]
    waiting = [
        Queued(seq=seq, ref=ref, message_id=f"m-{seq}", message=message, at=at(0))
        for seq, (ref, message) in enumerate(messages, start=1)
    ]
    saved = Saved(outbox=tuple(waiting[:HEAD]), outbox_count=len(waiting), last_seq=len(waiting))
    made = replace(setup(), keeping=keeping or Keeping())
    rig = Rig(made, saved=saved)
    rig.journal = waiting
    return rig.start()


def see(rig: Rig, free_mib: int) -> None:
    rig.step(SpaceSeen(at=rig.instant, free_bytes=free_mib * MIB))


def spare(rows: list[Queued]) -> list[int]:
    """Samples between begin and end, by seq."""
    periodic = sample(ReadingContext.SAMPLE_PERIODIC)
    return [row.seq for row in rows if row.message == periodic]


def test_a_short_disk_costs_every_second_sample_behind_the_head_and_nothing_else() -> None:
    """I9: never Start or Stop, never begin or end, never what may be on the wire."""
    rig = long_offline()
    before = list(rig.journal)
    see(rig, 15)
    behind = [seq for seq in spare(before) if seq > HEAD]
    gone = {row.seq for row in before} - {row.seq for row in rig.journal}
    assert gone <= set(behind)
    assert len(behind) // 2 - 12 <= len(gone) <= len(behind) // 2
    assert rig.state.station.outbox.count == len(rig.journal)
    assert all(len(one.seqs) <= BATCH for one in rig.written(Thinned))
    assert rig.state.station.space.thinned == len(gone)


def test_it_goes_on_while_the_disk_gets_shorter_and_stops_when_it_is_not() -> None:
    """One pass each time that a quarter less is free: what others fill, no sample makes up for."""
    rig = long_offline()
    lengths = [len(rig.journal)]
    for free_mib in (15, 15, 12, 11, 11, 400, 15):
        see(rig, free_mib)
        lengths.append(len(rig.journal))
    passes = [now < before for before, now in pairwise(lengths)]
    assert passes == [True, False, False, True, False, False, True]


def test_it_is_said_once_for_each_time_that_the_disk_runs_short() -> None:
    """Whitepaper 8, MemoryExhaustion."""
    rig = long_offline()
    for free_mib in (15, 3, 400, 7):
        see(rig, free_mib)
    said = [one.info for one in rig.written(SecurityEventLogged) if one.event == "MemoryExhaustion"]
    assert [(info or "").split(" for")[0] for info in said] == ["15 MiB left", "7 MiB left"]


def test_too_long_a_queue_is_thinned_too() -> None:
    """I9: above a stated limit only."""
    rig = long_offline(Keeping(most_waiting=300))
    see(rig, 400)
    assert rig.written(Thinned)
    rig = long_offline(Keeping(most_waiting=10_000))
    see(rig, 400)
    assert not rig.written(Thinned)


def test_an_empty_queue_has_nothing_to_give() -> None:
    """Short of room, and nothing to be done about it here."""
    rig = Rig().start()
    see(rig, 0)
    assert not of(ReadOutbox, rig.log)


def test_what_is_left_is_told_in_order_and_whole() -> None:
    """I2, I3: every session with its Start and its Stop, and no message waits for ever."""
    rig = long_offline()
    see(rig, 0)
    left = [row.seq for row in rig.journal]
    rig.serve = True
    rig.link_up()
    assert [one.seq for one in rig.written(Delivered)] == left
    assert rig.state.station.outbox.count == 0
    assert len(rig.messages(StartTransaction)) == len(rig.messages(StopTransaction)) == 3


@pytest.mark.parametrize(
    ("moved", "count", "thinned"), [(True, 9, 0), (False, 9, 4), (False, 1, 0)]
)
def test_what_was_read_before_the_queue_moved_is_not_touched(
    *, moved: bool, count: int, thinned: int
) -> None:
    """Some of it may be on its way by now; and one pass at a time."""
    rig = long_offline()
    look = SpaceSeen(at=rig.instant, free_bytes=0)
    state, effects = step(rig.state, look)
    (asked,) = of(ReadOutbox, list(effects))
    state, effects = step(state, look)
    assert not of(ReadOutbox, list(effects))
    if moved:
        outbox = replace(state.station.outbox, head=state.station.outbox.head[:-1])
        state = replace(state, station=replace(state.station, outbox=outbox))
    rows = tuple(rig.journal[HEAD : HEAD + count])
    state, _ = step(state, OutboxRead(at=rig.instant, ticket=asked.ticket, messages=rows))
    assert state.station.space.thinned == thinned
