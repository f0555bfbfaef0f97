"""Machine `metering`: what the meter last said, and when a reading becomes a MeterValues.

Fast readings for the page and slow ones for OCPP are the same event; here is chosen which is told.
A reading is stamped when it was taken and never again; no reading, no sample (ruling 35).
Source: OCPP 1.6 3.16, 4.7, 9.1.21-22.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from edge.core import anchors, keys, limits, transaction
from edge.core.bay import Metering, Phase
from edge.core.draft import Draft
from edge.core.events import MeterFailed, MeterRead
from edge.core.facts import KeyChanged, Opened, Resumed, Sampled, Triggered
from edge.core.instant import Instant
from edge.core.measurands import sampled
from edge.core.messages import MeterValue, MeterValues
from edge.core.quantities import Reading
from edge.core.vocabulary import ReadingContext
from edge.core.waiting import ToMention, ToSample

NOTE_EVERY_S: Final = 62.0  # register and sign of life; a sample each minute comes before it


def on_read(draft: Draft, event: MeterRead) -> None:
    """Take a reading over, unless during a transaction its register ran backwards.

    Nor is one taken over then that another meter says: the session ends at the last of its own.
    """
    if event.connector == 0:
        draft.put_station(main_meter=event.reading)
        return
    bay = draft.bay(event.connector)
    known_wh = None if bay.transaction is None else bay.transaction.begin_wh
    if bay.metering.last is not None and bay.transaction is not None:
        known_wh = max(bay.transaction.begin_wh, bay.metering.last.energy_wh)
    if bay.is_of_another_meter(event.reading):
        name = event.reading.meter_serial or "without a number"
        why = f"a meter {name} answers in the place of the session's own"
        draft.put(event.connector, metering=replace(bay.metering, failed=why))
        return
    recovering = bay.connector.phase is Phase.RECOVERING
    if known_wh is not None and event.reading.energy_wh < known_wh and not recovering:
        why = f"register went back from {known_wh} to {event.reading.energy_wh} Wh"
        draft.put(event.connector, metering=replace(bay.metering, failed=why))
        return
    metering = replace(bay.metering, last=event.reading, failed=None, good_at=draft.now)
    draft.put(event.connector, metering=metering)
    transaction.judge_grace(draft, event.connector)


def on_failed(draft: Draft, event: MeterFailed) -> None:
    """Remember why; `levels` calls it a fault when it lasts."""
    if event.connector:
        metering = draft.bay(event.connector).metering
        draft.put(event.connector, metering=replace(metering, failed=event.why))


def on_sample(draft: Draft, purpose: ToSample, event: MeterRead | MeterFailed | None) -> None:
    """A reading that was asked for as a sample."""
    bay = draft.bay(purpose.connector)
    if not isinstance(event, MeterRead) or bay.metering.failed is not None:
        return
    aligned = purpose.context is ReadingContext.SAMPLE_CLOCK
    listed = keys.measurands(
        draft.state, "MeterValuesAlignedData" if aligned else "MeterValuesSampledData"
    )
    names = listed or keys.MEASURANDS[:1]  # an empty list means the energy register (7.43)
    reading = _with_offer(draft, purpose.connector, event.reading)
    value = sampled(reading, purpose.context, names, at=_stamp(draft, purpose, reading))
    if value is None:
        return
    if purpose.context is ReadingContext.SAMPLE_PERIODIC and bay.transaction is None:
        return  # the transaction ended while the meter was asked
    triggered = purpose.context is ReadingContext.TRIGGER
    if triggered or bay.transaction is None:
        registration = draft.station.registration
        if registration.online or (triggered and registration.link_up):
            _mention(draft, purpose.connector, reading, value)
    elif bay.connector.phase is Phase.CHARGING:
        draft.tell(
            Sampled(
                connector=purpose.connector,
                context=purpose.context,
                reading=reading,
                value=value,
            )
        )
        draft.put(purpose.connector, metering=replace(bay.metering, noted_at=draft.now))


def _stamp(draft: Draft, purpose: ToSample, reading: Reading) -> Instant:
    """When it was taken, or the moment it stands for; within its transaction in any case (I8)."""
    running = draft.bay(purpose.connector).transaction
    if purpose.due is None:
        return reading.at if running is None else transaction.since(draft, running, reading.at)
    due = replace(reading.at, wall=purpose.due)
    if running is None:
        return due
    return due.not_before(anchors.final(draft.station.clock, running.started_at))


def _mention(draft: Draft, connector: int, reading: Reading, value: MeterValue) -> None:
    """Not part of a transaction's record: told if the line is up, else not at all (ruling 20).

    What names a transaction is evidence of its life, so that no power cut ends it before (I8).
    """
    if not draft.has_room:
        return
    bay, number = draft.bay(connector), None
    if bay.transaction is not None and bay.connector.phase is Phase.CHARGING:
        transaction.note(draft, connector, reading, value.timestamp)
        number = bay.transaction.transaction_id
    message = MeterValues(connector_id=connector, meter_value=(value,), transaction_id=number)
    draft.send(ToMention(), message)


def _with_offer(draft: Draft, connector: int, reading: Reading) -> Reading:
    traits = draft.state.setup.traits[connector - 1]
    offered_a = draft.bay(connector).contactor.offered_a
    offered_w = offered_a * traits.nominal_v * limits.phases(draft.state, connector)
    return replace(reading, offered_a=offered_a, offered_w=offered_w)


def on_running(draft: Draft, fact: Opened | Resumed) -> None:
    """Start the sampling grid with the transaction."""
    interval_s = keys.number(draft.state, "MeterValueSampleInterval")
    metering = replace(
        draft.bay(fact.connector).metering,
        sample_at=draft.now + interval_s if interval_s else None,
        noted_at=draft.now,
    )
    draft.put(fact.connector, metering=metering)


def on_key(draft: Draft, fact: KeyChanged) -> None:
    """A new interval restarts its grid at the change (ruling 35)."""
    if fact.key == "ClockAlignedDataInterval":
        align(draft)
    if fact.key != "MeterValueSampleInterval":
        return
    interval_s = keys.number(draft.state, fact.key)
    for connector in draft.state.connectors:
        bay = draft.bay(connector)
        if bay.transaction is not None:
            due = draft.now + interval_s if interval_s else None
            draft.put(connector, metering=replace(bay.metering, sample_at=due))


def on_trigger(draft: Draft, fact: Triggered) -> None:
    """TriggerMessage(MeterValues): not queued, not part of the grid (ruling 20)."""
    if fact.message == "MeterValues":
        wanted = draft.state.connectors if fact.connector in (None, 0) else (fact.connector,)
        for connector in wanted:
            assert connector is not None
            purpose = ToSample(connector=connector, context=ReadingContext.TRIGGER)
            draft.read_meter(purpose, connector)


def on_tick(draft: Draft) -> None:
    """Ask for the samples that are due; note the register where no sample did."""
    for connector in draft.state.connectors:
        _sample_periodically(draft, connector)
        _sample_on_the_clock(draft, connector)
        _note(draft, connector)


def _sample_periodically(draft: Draft, connector: int) -> None:
    bay = draft.bay(connector)
    due = bay.metering.sample_at
    if due is None or draft.now < due:
        return
    if bay.transaction is None or bay.connector.phase is not Phase.CHARGING:
        draft.put(connector, metering=replace(bay.metering, sample_at=None))
        return
    interval_s = keys.number(draft.state, "MeterValueSampleInterval")
    missed = int((draft.now - due) // interval_s)
    metering = replace(bay.metering, sample_at=due + (missed + 1) * interval_s)
    draft.put(connector, metering=metering)
    purpose = ToSample(connector=connector, context=ReadingContext.SAMPLE_PERIODIC)
    draft.read_meter(purpose, connector)


def _sample_on_the_clock(draft: Draft, connector: int) -> None:
    due = draft.bay(connector).metering.aligned_at
    if due is None:
        _align(draft, connector)  # the clock may have been learnt meanwhile
        return
    if draft.now < due:
        return
    interval_s = keys.number(draft.state, "ClockAlignedDataInterval")
    boundary = _boundary(draft.at, interval_s)
    # From the boundary, not from the wall clock: one that stands still never comes beyond it.
    following = _boundary_after(boundary, interval_s)
    next_due = draft.now + (following - draft.at.wall).total_seconds()
    metering = replace(draft.bay(connector).metering, aligned_at=next_due)
    draft.put(connector, metering=metering)
    purpose = ToSample(connector=connector, context=ReadingContext.SAMPLE_CLOCK, due=boundary)
    draft.read_meter(purpose, connector)


def align(draft: Draft) -> None:
    """Put every connector's clock-aligned grid where the clock, now known or changed, has it."""
    for connector in draft.state.connectors:
        _align(draft, connector)


def _align(draft: Draft, connector: int) -> None:
    """Next boundary; none while the clock is not trusted (ruling 35) or the interval is 0."""
    interval_s = keys.number(draft.state, "ClockAlignedDataInterval")
    due = None
    if interval_s and draft.at.trusted:
        following = _boundary_after(draft.at.wall, interval_s)
        due = draft.now + (following - draft.at.wall).total_seconds()
    metering = draft.bay(connector).metering
    if due != metering.aligned_at:
        draft.put(connector, metering=replace(metering, aligned_at=due))


def _boundaries(wall: datetime, interval_s: int) -> tuple[datetime, datetime]:
    """The multiples of *interval_s* from midnight around *wall*; each day begins anew (9.1.7)."""
    midnight = wall.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    passed_s = (wall - midnight).total_seconds() // interval_s * interval_s
    before = midnight + timedelta(seconds=passed_s)
    return before, min(before + timedelta(seconds=interval_s), midnight + timedelta(days=1))


def _boundary_after(wall: datetime, interval_s: int) -> datetime:
    return _boundaries(wall, interval_s)[1]


def _boundary(at: Instant, interval_s: int) -> datetime:
    """The one that is nearest to *at*."""
    before, after = _boundaries(at.wall, interval_s)
    return before if at.wall - before < after - at.wall else after


def _note(draft: Draft, connector: int) -> None:
    bay = draft.bay(connector)
    metering = bay.metering
    if metering.noted_at is None or draft.now < metering.noted_at + NOTE_EVERY_S:
        return
    running = bay.transaction is not None
    noted = replace(metering, noted_at=draft.now if running else None)
    draft.put(connector, metering=noted)
    if running and metering.last is not None:
        transaction.note(draft, connector, metering.last)


def deadlines(metering: Metering) -> tuple[float | None, ...]:
    """When `on_tick` has something to do."""
    noted = None if metering.noted_at is None else metering.noted_at + NOTE_EVERY_S
    return metering.sample_at, metering.aligned_at, noted
