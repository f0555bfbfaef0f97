"""When the core wants to be called again: the earliest moment at which some machine has work."""

from __future__ import annotations

from collections.abc import Iterator

from edge.core import (
    authorisation,
    cards,
    charging,
    contactor,
    cost,
    ending,
    evse,
    jobs,
    metering,
    outbox,
    phases,
    rcd_test,
    registration,
    security_events,
    setpoint,
    status,
    temperature,
)
from edge.core.bay import Bay
from edge.core.setup import EvseTraits
from edge.core.state import ChargePoint


def next_deadline(state: ChargePoint) -> float | None:
    """Monotonic second of the next `Ticked`, after the last step; `None`: nothing is waited for.

    What was due at or before the last step has been done in it, whatever its event was.
    """
    due = (moment for moment in _all(state) if moment is not None and moment > state.at)
    return min(due, default=None)


def _all(state: ChargePoint) -> Iterator[float | None]:
    station = state.station
    yield from (waiting.until for waiting in state.waiting.values())
    yield registration.boot_at(station.registration)
    yield registration.beat_at(state)
    yield outbox.due_at(state)
    yield from security_events.deadlines(station.security_events)
    yield from authorisation.deadlines(station.authorisation)
    yield from (refusal.until for refusal in station.refusals.values())
    yield from cards.deadlines(station.cards)
    yield from (one.until for one in station.reservations)
    yield status.due_at(state, station.notice)
    yield from charging.deadlines(state)
    if station.restarting is not None:
        yield station.restarting.until
    yield from jobs.deadlines(station.jobs)
    yield station.credentials.due_at
    yield from cost.deadlines(state)
    for traits, bay in zip(state.setup.traits, state.bays, strict=True):
        yield from _of(state, traits, bay)


def _of(state: ChargePoint, traits: EvseTraits, bay: Bay) -> Iterator[float | None]:
    policy = state.setup.policy
    yield bay.connector.until
    yield from contactor.deadlines(bay, policy)
    yield from phases.deadlines(bay, policy)
    yield from metering.deadlines(bay.metering)
    yield from evse.deadlines(state, bay)
    yield from rcd_test.deadlines(bay, traits, policy)
    yield from temperature.deadlines(bay, traits)
    yield from setpoint.deadlines(bay)
    yield from ending.deadlines(bay, traits, policy)
    yield status.due_at(state, bay.notice)
    if bay.unlocking is not None:
        yield bay.unlocking.until
