"""One event in, the new state and the effects out. All of the charge point's decisions pass here.

    event ─► machines of `routes` ─► facts, first in first out ─► settled levels ─► effects by beat

Pure: the same state and event give the same answer, on any machine, in any year.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from edge.core import clock, levels, status
from edge.core.draft import Draft
from edge.core.effects import BEATS, Effect, SetLock, Show
from edge.core.events import (
    DriverFound,
    Event,
    JobFinished,
    MeterFailed,
    MeterRead,
    OutboxRead,
    Port,
    Settled,
    Started,
    Stored,
    X509Answered,
)
from edge.core.routes import AFTERWARDS, ANSWERS, EVENTS, FACTS, SETTLES, TICKS
from edge.core.state import ChargePoint

Answer = Settled | MeterRead | MeterFailed | OutboxRead | JobFinished | X509Answered | Stored
"""The events that have a ticket."""

MOST_ROUNDS: Final = 8  # facts raised by settling raise facts again, at most this deep


def step(state: ChargePoint, event: Event) -> tuple[ChargePoint, tuple[Effect, ...]]:
    """Decide what *event* means for *state*; effects come sorted by beat, in order within each."""
    draft = Draft(state, event.at)
    event = clock.read(draft, event)
    for act in EVENTS[type(event)]:
        act(draft, event)
    _answer(draft, event)
    _expire(draft)
    for tick in TICKS:
        tick(draft)
    _work_off(draft)
    status.settle(draft)
    _show(draft, state, event)
    after = replace(draft.state, at=event.at.monotonic)
    return after, tuple(sorted(draft.effects, key=lambda effect: BEATS[type(effect)]))


def _answer(draft: Draft, event: Event) -> None:
    """Hand an answer to who asked; one that nobody waits for any more is counted."""
    if not isinstance(event, Answer) or event.ticket is None:
        return
    purpose = draft.forget(event.ticket)
    if purpose is None:
        draft.state = replace(draft.state, late_answers=draft.state.late_answers + 1)
        return
    for act in ANSWERS[type(purpose)]:
        act(draft, purpose, event)


def _expire(draft: Draft) -> None:
    """Tell who asked that no answer will come in time."""
    for ticket, waiting in tuple(draft.state.waiting.items()):
        if waiting.until is not None and draft.now >= waiting.until:
            draft.forget(ticket)
            later = AFTERWARDS.get(type(waiting.purpose))
            if later is not None and draft.has_room:
                draft.keep(ticket, later(waiting.purpose))
            for act in ANSWERS[type(waiting.purpose)]:
                act(draft, waiting.purpose, None)


def _work_off(draft: Draft) -> None:
    rounds = 0
    while True:
        while draft.facts:
            fact = draft.facts.popleft()
            for act in FACTS[type(fact)]:
                act(draft, fact)
        for settle in SETTLES:
            settle(draft)
        if not draft.facts:
            return
        rounds += 1
        assert rounds < MOST_ROUNDS, f"facts without end: {list(draft.facts)}"


def _show(draft: Draft, before: ChargePoint, event: Event) -> None:
    """Lamp and lock follow the state; a driver that has just started is told all."""
    for connector in draft.state.connectors:
        anew = isinstance(event, Started) or (
            isinstance(event, DriverFound)
            and event.port is Port.EVSE
            and event.connector == connector
        )
        lamp = levels.lamp(draft.state, connector)
        if anew or lamp is not levels.lamp(before, connector):
            draft.do(Show(connector=connector, lamp=lamp))
        if not draft.state.setup.traits[connector - 1].has_lock:
            continue
        locked = levels.locks(draft.state, connector)
        if anew or locked is not levels.locks(before, connector):
            draft.do(SetLock(connector=connector, locked=locked))
