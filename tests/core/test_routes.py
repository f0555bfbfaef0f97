"""Everything is routed: what can happen has somebody who takes it."""

from __future__ import annotations

from typing import get_args

from edge.core.effects import BEATS, Beat, Cut, Effect, Energise, Reply, Send, Write
from edge.core.events import Event
from edge.core.facts import Fact
from edge.core.routes import ANSWERS, EVENTS, FACTS
from edge.core.waiting import Purpose


def test_every_event_has_a_machine() -> None:
    """Architecture 9: a new event that nobody takes fails here."""
    assert set(EVENTS) == set(get_args(Event))


def test_every_fact_has_a_machine() -> None:
    """A fact that nobody takes would be lost without a word."""
    assert set(FACTS) == set(get_args(Fact))
    assert all(FACTS.values())


def test_every_purpose_has_somebody_who_takes_its_answer() -> None:
    """A ticket without a taker would wait for nothing."""
    assert set(ANSWERS) == set(get_args(Purpose))
    assert all(ANSWERS.values())


def test_every_effect_has_a_beat() -> None:
    """Off first, on last: an effect without a beat has no place in the order."""
    assert set(BEATS) == set(get_args(Effect))


def test_beats_order_off_before_disk_before_on_before_told() -> None:
    """Ruling 1: CUT waits for nothing; nothing is told before it is written."""
    assert BEATS[Cut] < BEATS[Write] < BEATS[Energise] < BEATS[Send] == BEATS[Reply]
    assert sorted(Beat) == [Beat.CUT, Beat.SHOW, Beat.RECORD, Beat.ENERGISE, Beat.TELL]
