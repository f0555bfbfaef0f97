"""Machine `transaction`: what is billed, from the begin register to the end register.

What is said about money is written before it is told, and once: registers and times never change.
Source: OCPP 1.6 4.8, 4.10, errata 3.17; rulings 4, 36; invariants I1, I6, I8.
"""

from __future__ import annotations

from dataclasses import replace

from edge.core import anchors, holds, keys, levels
from edge.core.bay import Bay, Ended, Phase, Transaction
from edge.core.draft import Draft
from edge.core.facts import (
    Bound,
    Closed,
    EndRead,
    Enqueue,
    MustStop,
    Opened,
    ReadyToOpen,
    Resumed,
    Sampled,
)
from edge.core.instant import Instant
from edge.core.measurands import sampled
from edge.core.messages import MeterValue, MeterValues, StartTransaction, StopTransaction
from edge.core.quantities import Reading
from edge.core.records import (
    Alive,
    Metered,
    TransactionDeauthorised,
    TransactionOpened,
    TransactionStopped,
    TransactionStopping,
)
from edge.core.vocabulary import AuthorizationStatus, ReadingContext, StopReason


def on_ready(draft: Draft, fact: ReadyToOpen) -> None:
    """Open: the record and its StartTransaction are one commit, and energy waits for it (I1)."""
    if draft.bay(fact.connector).transaction is not None:
        return  # several inputs of one step can each find all that was waited for
    ref = draft.station.last_ref + 1
    permit, begin = fact.permit, fact.begin
    reservation_id = holds.used_up(draft.state, fact.connector, permit.id_tag, permit.parent_id_tag)
    began = _begin(draft, fact.connector)
    starts = {**draft.station.last_starts, fact.connector: began}
    draft.put_station(last_ref=ref, last_starts=starts)
    draft.put(
        fact.connector,
        transaction=Transaction(
            ref=ref,
            id_tag=permit.id_tag,
            parent_id_tag=permit.parent_id_tag,
            begin_wh=begin.energy_wh,
            started_at=began,
            told_at=began,
            meter_serial=begin.meter_serial,
        ),
    )
    draft.write(
        TransactionOpened(
            ref=ref,
            connector=fact.connector,
            id_tag=permit.id_tag,
            begin_wh=begin.energy_wh,
            at=began,
            parent_id_tag=permit.parent_id_tag,
            reservation_id=reservation_id,
            meter_serial=begin.meter_serial,
        )
    )
    start = StartTransaction(
        connector_id=fact.connector,
        id_tag=permit.id_tag,
        meter_start=begin.energy_wh,
        timestamp=began,
        reservation_id=reservation_id,
    )
    draft.tell(
        Enqueue(ref=ref, message=start),
        Opened(
            connector=fact.connector,
            begin=begin,
            profile=permit.profile,
            reservation_id=reservation_id,
        ),
    )


def on_must_stop(draft: Draft, fact: MustStop) -> None:
    """Write why and when it stopped, before anybody hears of it."""
    bay = draft.bay(fact.connector)
    transaction = bay.transaction
    if transaction is None or transaction.stop_reason is not None:
        return
    at = since(draft, transaction, fact.at or draft.at)
    draft.put(
        fact.connector,
        transaction=replace(
            transaction, stop_reason=fact.reason, stopping_at=at, stop_tag=fact.id_tag
        ),
    )
    draft.write(
        TransactionStopping(ref=transaction.ref, reason=fact.reason, at=at, id_tag=fact.id_tag)
    )


def _begin(draft: Draft, connector: int) -> Instant:
    """Now, but after every other session here began, whatever the clock does (ruling 7d)."""
    last = draft.station.last_starts.get(connector)
    return draft.at if last is None else draft.at.after(anchors.final(draft.station.clock, last))


def since(draft: Draft, transaction: Transaction, at: Instant) -> Instant:
    """The moment *at*, but not before anything that was told of *transaction* (I8)."""
    return at.not_before(anchors.final(draft.station.clock, transaction.told_at))


def on_end(draft: Draft, fact: EndRead) -> None:
    """Close: the end register and the StopTransaction are one commit."""
    bay = draft.bay(fact.connector)
    transaction = bay.transaction
    assert transaction is not None
    reason, at = transaction.stop_reason, transaction.stopping_at
    assert reason is not None
    assert at is not None
    known_wh = _known_wh(bay, transaction)
    end_wh = known_wh if fact.end is None else max(known_wh, fact.end.energy_wh)
    estimated = fact.end is None or fact.end.energy_wh < known_wh
    draft.write(TransactionStopped(ref=transaction.ref, end_wh=end_wh, at=at, estimated=estimated))
    stop = StopTransaction(
        transaction_id=None,
        meter_stop=end_wh,
        timestamp=at,
        reason=reason,
        id_tag=transaction.stop_tag or transaction.id_tag,
        transaction_data=_stop_data(draft, transaction, end_wh, at, fact.end),
    )
    draft.put(fact.connector, transaction=None, ended=Ended(reason=reason, at=at))
    draft.tell(
        Enqueue(ref=transaction.ref, message=stop),
        Closed(
            connector=fact.connector,
            reason=reason,
            id_tag=transaction.id_tag,
            parent_id_tag=transaction.parent_id_tag,
        ),
    )


def _known_wh(bay: Bay, transaction: Transaction) -> int:
    """The register as far as it is known: read last, or written last by an earlier process."""
    written_wh = transaction.begin_wh if transaction.last_wh is None else transaction.last_wh
    return written_wh if bay.metering.last is None else max(written_wh, bay.metering.last.energy_wh)


def _stop_data(
    draft: Draft, transaction: Transaction, end_wh: int, at: Instant, end: Reading | None
) -> tuple[MeterValue, ...]:
    """transactionData: begin, what was sampled, end; nothing if both lists are empty (errata)."""
    names = keys.measurands(draft.state, "StopTxnSampledData")
    if not names and not keys.text(draft.state, "StopTxnAlignedData"):
        return ()
    wanted = names or keys.measurands(draft.state, "StopTxnAlignedData")
    begin_reading = Reading(at=transaction.started_at, energy_wh=transaction.begin_wh)
    end_reading = replace(end or Reading(at=at, energy_wh=end_wh), energy_wh=end_wh)
    begin = sampled(begin_reading, ReadingContext.TRANSACTION_BEGIN, wanted)
    final = sampled(end_reading, ReadingContext.TRANSACTION_END, wanted, at=at)
    values = (begin, *transaction.stop_values, final)
    return tuple(value for value in values if value is not None)


def on_sampled(draft: Draft, fact: Sampled) -> None:
    """A sample goes to the outbox with the register it proves, in one commit."""
    transaction = draft.bay(fact.connector).transaction
    assert transaction is not None
    message = MeterValues(connector_id=fact.connector, meter_value=(fact.value,))
    draft.tell(Enqueue(ref=transaction.ref, message=message))
    _keep_for_stop(draft, fact, transaction)
    note(draft, fact.connector, fact.reading, fact.value.timestamp)


def _keep_for_stop(draft: Draft, fact: Sampled, transaction: Transaction) -> None:
    aligned = fact.context is ReadingContext.SAMPLE_CLOCK
    name = "StopTxnAlignedData" if aligned else "StopTxnSampledData"
    value = sampled(
        fact.reading, fact.context, keys.measurands(draft.state, name), at=fact.value.timestamp
    )
    room = keys.number(draft.state, "StopTransactionMaxMeterValues") - 2  # begin and end
    if value is None or not room:
        return
    kept = transaction.stop_values
    if len(kept) >= room:
        kept = kept[: room - 1 : 2]  # every second goes, rather than what comes (errata 3.91)
    draft.put(fact.connector, transaction=replace(transaction, stop_values=(*kept, value)))


def note(draft: Draft, connector: int, reading: Reading, told_at: Instant | None = None) -> None:
    """Write the register: what is billed if the meter dies, and evidence of life (ruling 4).

    *told_at* is the time that a message gives for it.
    """
    transaction = draft.bay(connector).transaction
    assert transaction is not None
    at = since(draft, transaction, reading.at)
    at = at if told_at is None else at.not_before(told_at)
    draft.write(
        Metered(ref=transaction.ref, energy_wh=reading.energy_wh, at=at), Alive(at=draft.at)
    )
    noted = replace(transaction, last_wh=reading.energy_wh, told_at=at)
    draft.put(connector, transaction=noted)


def on_bound(draft: Draft, fact: Bound) -> None:
    """The central system's number; a tag it does not accept stops the energy or all (3.17)."""
    for connector in draft.state.connectors:
        transaction = draft.bay(connector).transaction
        if transaction is None or transaction.ref != fact.ref:
            continue
        info = fact.id_tag_info
        bound = replace(
            transaction,
            transaction_id=fact.transaction_id,
            parent_id_tag=info.parent_id_tag or transaction.parent_id_tag,
        )
        if info.status is not AuthorizationStatus.ACCEPTED:
            last = draft.bay(connector).metering.last
            since_wh = last.energy_wh if last is not None else transaction.begin_wh
            draft.write(TransactionDeauthorised(ref=fact.ref, energy_wh=since_wh))
            bound = replace(bound, deauthorised=True, deauthorised_wh=since_wh)
        draft.put(connector, transaction=bound)
        judge_grace(draft, connector)


def judge_grace(draft: Draft, connector: int) -> None:
    """Stop a transaction of an invalid tag once its grace is used up (ruling 36)."""
    bay = draft.bay(connector)
    transaction = bay.transaction
    if transaction is None or not transaction.deauthorised or levels.has_grace(draft.state, bay):
        return
    running = bay.connector.phase is Phase.CHARGING
    if running and keys.flag(draft.state, "StopTransactionOnInvalidId"):
        draft.tell(MustStop(connector=connector, reason=StopReason.DE_AUTHORIZED))


def on_resumed(draft: Draft, fact: Resumed) -> None:
    """The same transaction in a new process: note where the register stands."""
    last = draft.bay(fact.connector).metering.last
    assert last is not None
    note(draft, fact.connector, last)
