"""A recording stepped again makes the same decisions, or says where it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edge.core.effects import Show
from edge.core.events import Event, MeterRead, TagPresented
from edge.core.state import ChargePoint
from edge.core.step import step
from edge.errors import RecordingUnreadable
from edge.recording.flight import FlightRecorder
from edge.recording.replay import Divergence, Step, divergence, play, read
from tests.core.bench import ALICE, at
from tests.core.build import Rig
from tests.recording.flights import VEIL, session

Stepped = tuple[ChargePoint, tuple[Any, ...]]


def first_divergence(text: str, decide: Step = step) -> Divergence | None:
    for recorded, decided in play(read(text.splitlines()), decide):
        found = divergence(recorded, decided)
        if found is not None:
            return found
    return None


def test_the_same_version_decides_the_same() -> None:
    """Pure: on any machine, in any year."""
    assert first_divergence(session().text()) is None


def test_a_planted_change_of_the_core_is_found_where_it_shows_first() -> None:
    """What a replay is for."""

    def lazy(state: ChargePoint, event: Event) -> Stepped:
        after, effects = step(state, event)
        return after, tuple(one for one in effects if not isinstance(one, Show))

    text = session().text()
    found = first_divergence(text, lazy)
    assert found is not None
    assert (found.number, found.kind) == (1, "Started")
    assert found.expected.startswith("Show ")
    assert found.got.startswith("Show ") is False


def test_a_change_that_only_a_state_shows_is_found_when_it_decides() -> None:
    """States are not compared; what follows from them is."""

    def forgetful(state: ChargePoint, event: Event) -> Stepped:
        if isinstance(event, MeterRead):
            event = replace(event, reading=replace(event.reading, energy_wh=0))
        return step(state, event)

    found = first_divergence(session().text(), forgetful)
    assert found is not None
    assert "meter_start" in found.expected or "begin_wh" in found.expected


def test_a_decision_too_many_is_found() -> None:
    """Nothing was expected any more."""

    def talkative(state: ChargePoint, event: Event) -> Stepped:
        after, effects = step(state, event)
        return after, (*effects, effects[-1]) if effects else effects

    found = first_divergence(session().text(), talkative)
    assert found is not None
    assert found.expected == ""
    assert found.got


def test_safety_19_what_the_core_raised_is_reproduced() -> None:
    """Safety 19: a crash in the field is a failing test here."""

    def broken(state: ChargePoint, event: Event) -> Stepped:
        if isinstance(event, TagPresented):
            raise AssertionError("tickets leak")  # noqa: TRY004  as an assert of the core does
        return step(state, event)

    rig, flight = Rig(), FlightRecorder(veil=VEIL, version="1")
    flight.raised(rig.state, TagPresented(at=at(100), id_tag=ALICE), AssertionError("tickets leak"))
    recording = flight.recording()
    assert recording is not None
    text = b"".join(recording.text()).decode()
    assert first_divergence(text, broken) is None
    found = first_divergence(text)
    assert found is not None
    assert found.expected == "raised AssertionError: tickets leak"


def test_the_order_of_fields_does_not_matter() -> None:
    """A later version may declare them in another."""
    text = session().text()
    old, new = '{"connector":1,"lamp":"available"}', '{"lamp":"available","connector":1}'
    assert old in text
    assert first_divergence(text.replace(old, new)) is None


def test_a_recording_is_written_as_it_was_read() -> None:
    """`--rewrite` changes decisions, nothing else."""
    rig = session()
    rig.flight.frame("out", '[2,"a","Heartbeat",{}]')
    rig.wait(100.0)
    text = rig.text()
    script = read(text.splitlines())
    assert script.head() + "".join(recorded.text() for recorded in script.events) == text


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("tapwatt recording 1", "tapwatt recording 9", 'it begins with "tapwatt recording 9"'),
        ("version 1.2.3\n", "", 'the line "version …" is missing'),
        ("state 1 {", "state 1 (", "this is no JSON"),
        ("state 1 {", 'state 1 {"colour":"red",', "knows no ChargePoint.colour"),
        ("event 1 Started", "event 1 Painted", "event 1 of .* version 1.2.3.*knows no Painted"),
        ("event 1 Started {", 'event 1 Started {"hue":2,', "event 1 of .*knows no Started.hue"),
        ("event 1 Started {", "event 1 Started [", "event 1 of .*no JSON"),
        ("event 1 ", "event x ", "this line is of no recording"),
        ("event 1 ", "happening 1 ", "this line is of no recording"),
    ],
)
def test_what_this_version_cannot_read_is_named(old: str, new: str, why: str) -> None:
    """It may come from a later version, or from a disk that lost a part."""
    text = session().text()
    assert old in text
    with pytest.raises(RecordingUnreadable, match=why):
        first_divergence(text.replace(old, new, 1))


def test_an_event_of_a_list_is_no_object() -> None:
    """JSON, but none of ours."""
    with pytest.raises(RecordingUnreadable, match="no JSON object"):
        first_divergence("tapwatt recording 1\nversion 1\nstate 1 []\n")
