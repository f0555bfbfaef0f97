"""Machine `seen`: what the charging point's inputs show, and what follows from their changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, assert_never

from edge.core import faults
from edge.core.bay import Bay, Phase, Seen
from edge.core.draft import Draft
from edge.core.effects import Rearm
from edge.core.events import DriverFound, DriverLost, EvseSeen, Pilot, Port, StopPressed, Trip
from edge.core.facts import (
    CarGone,
    ClearAsked,
    InputsChanged,
    MustLatch,
    MustStop,
    PluggedIn,
    PluggedOut,
)
from edge.core.records import FaultLatched, FaultReleased, Latch
from edge.core.state import ChargePoint
from edge.core.vocabulary import StopReason
from edge.core.wishes import ReleaseAsked

REARM_EVERY_S: Final = 2.0  # how often a tripped reflex is asked whether its cause is gone
HOUR_S: Final = 3600.0


def on_seen(draft: Draft, event: EvseSeen) -> None:
    """Take the inputs over and say what changed."""
    before = draft.bay(event.connector).seen
    after = replace(
        before,
        known=True,
        lost=None,
        plugged=event.plugged,
        pilot=event.pilot,
        contactor_closed=event.contactor_closed,
        locked=event.locked,
        phases=event.phases,
        tripped=event.tripped,
        rearm_at=before.rearm_at if event.tripped else None,
        lock_failed=before.lock_failed and event.plugged,
    )
    after = _latched(draft, event.connector, before, after)
    after = _counted(draft, event.connector, before, after)
    if after.tripped and after.rearm_at is None:
        after = replace(after, rearm_at=draft.now + REARM_EVERY_S)
    draft.put(event.connector, seen=after)
    _tell_plug(draft, event.connector, before, after)
    draft.tell(InputsChanged(connector=event.connector))
    _judge_fault(draft, event.connector)


def _latched(draft: Draft, connector: int, before: Seen, after: Seen) -> Seen:
    """A weld outlives this process (safety 9) until feedback shows the contactor open again."""
    if Trip.WELDED in after.tripped and not before.welded:
        weld = faults.WELDED
        draft.write(FaultLatched(connector=connector, code=weld.code, info=weld.info))
        return replace(after, welded=True)
    if before.welded and Trip.WELDED not in after.tripped and not after.contactor_closed:
        draft.write(FaultReleased(connector=connector))
        return replace(after, welded=False)
    return after


def _counted(draft: Draft, connector: int, before: Seen, after: Seen) -> Seen:
    """A residual current device that trips again and again wants somebody to look (safety 12)."""
    is_tested = draft.bay(connector).rcd_test.trips
    if is_tested or Trip.RCD not in after.tripped - before.tripped:
        return after
    most = draft.policy.rcd_trips_an_hour
    recent = tuple(at for at in before.rcd_trips if draft.now < at + HOUR_S)
    if len(recent) >= most:
        draft.tell(MustLatch(connector=connector, latch=Latch.RCD))
    return replace(after, rcd_trips=(*recent, draft.now)[-most:] if most else ())


def on_release(draft: Draft, event: ReleaseAsked) -> None:
    """Somebody has looked: trips count anew."""
    draft.put(event.connector, seen=replace(draft.bay(event.connector).seen, rcd_trips=()))


def _tell_plug(draft: Draft, connector: int, before: Seen, after: Seen) -> None:
    if after.plugged and not (before.known and before.plugged):
        draft.tell(PluggedIn(connector=connector))
    elif before.plugged and not after.plugged:
        draft.tell(PluggedOut(connector=connector))
    elif after.plugged and after.pilot is Pilot.A and before.pilot is not Pilot.A:
        draft.tell(CarGone(connector=connector))


def on_stop_pressed(draft: Draft, event: StopPressed) -> None:
    """The button is for whoever stands there; it says no more than a card would."""
    draft.tell(MustStop(connector=event.connector, reason=StopReason.LOCAL))


def on_clear_asked(draft: Draft, fact: ClearAsked) -> None:
    """Try at once whether the cause is gone; what the inputs still show stays (safety 9)."""
    seen = draft.bay(fact.connector).seen
    draft.do(Rearm(connector=fact.connector))
    again_at = draft.now + REARM_EVERY_S
    draft.put(fact.connector, seen=replace(seen, rearm_at=again_at, rcd_trips=()))


def on_lost(draft: Draft, event: DriverLost) -> None:
    """A driver is gone: its connectors are Faulted, a reader is only missed."""
    match event.port:
        case Port.READER:
            lost = {**draft.station.readers_lost, event.reader: event.why}
            draft.put_station(readers_lost=lost)
        case Port.METER:
            bay = draft.bay(event.connector)
            draft.put(event.connector, metering=replace(bay.metering, failed=event.why))
        case Port.EVSE:
            bay = draft.bay(event.connector)
            draft.put(event.connector, seen=replace(bay.seen, lost=event.why))
            _judge_fault(draft, event.connector)
        case Port.SENSOR:
            pass  # its silence is judged by its age
        case _:
            assert_never(event.port)


def on_found(draft: Draft, event: DriverFound) -> None:
    """A driver works again; the charging point says what it sees by itself."""
    if event.port is Port.READER:
        lost = dict(draft.station.readers_lost)
        lost.pop(event.reader, None)
        draft.put_station(readers_lost=lost)


def _judge_fault(draft: Draft, connector: int) -> None:
    """Stop at once for a lasting fault; be patient with a passing one (ruling 17)."""
    bay = draft.bay(connector)
    if bay.transaction is not None and bay.connector.phase is Phase.CHARGING:
        found = faults.lasting(draft.state, connector, draft.now)
        if found is not None and found.ends is not None:
            urgent = bool(bay.seen.tripped)
            draft.tell(MustStop(connector=connector, reason=found.ends, urgent=urgent))
    faulted = faults.fault(draft.state, connector, draft.now) is not None
    if faulted is not (bay.seen.fault_since is not None):
        since = draft.now if faulted else None
        draft.put(connector, seen=replace(bay.seen, fault_since=since))


def on_tick(draft: Draft) -> None:
    """Rearm what can be rearmed; notice a meter gone stale; end a session whose fault lasts."""
    for connector in draft.state.connectors:
        seen = draft.bay(connector).seen
        if seen.rearm_at is not None and draft.now >= seen.rearm_at:
            draft.do(Rearm(connector=connector))
            draft.put(connector, seen=replace(seen, rearm_at=draft.now + REARM_EVERY_S))
        _judge_fault(draft, connector)
        bay = draft.bay(connector)
        held_since = bay.seen.fault_since
        patience_s = draft.policy.fault_hold_s
        lasts = held_since is not None and draft.now >= held_since + patience_s
        if lasts and bay.connector.phase is Phase.CHARGING:
            draft.tell(MustStop(connector=connector, reason=StopReason.OTHER))


def fail_lock(draft: Draft, connector: int) -> None:
    """The cable could not be locked: Faulted until it is pulled (TC_024)."""
    draft.put(connector, seen=replace(draft.bay(connector).seen, lock_failed=True))


def deadlines(state: ChargePoint, bay: Bay) -> Iterator[float | None]:
    """When `on_tick` has something to do."""
    yield bay.seen.rearm_at
    if bay.seen.fault_since is not None:
        yield bay.seen.fault_since + state.setup.policy.fault_hold_s
    yield from faults.stale_at(bay)
    yield from faults.stops_at(state, bay)
