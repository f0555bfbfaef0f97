"""The flight recorder: bounded in bytes, complete from its first line on."""

from __future__ import annotations

import pytest

from edge.core.events import TagPresented
from edge.recording.flight import FlightRecorder
from edge.recording.replay import divergence, play, read
from tests.core.bench import ALICE, at
from tests.core.build import Rig
from tests.recording.flights import VEIL, session


def test_a_recording_begins_with_format_version_and_state() -> None:
    """What a reader of years to come needs first."""
    lines = session().text().splitlines()
    assert lines[0] == "tapwatt recording 1"
    assert lines[1] == "version 1.2.3"
    assert lines[2].startswith('state 1 {"setup":')
    assert lines[3].startswith("event 1 Started ")


def test_a_recording_holds_no_card() -> None:
    """Only its alias, everywhere the same."""
    text = session().text()
    assert ALICE not in text
    assert ALICE.lower() not in text
    assert text.count(VEIL.tag(ALICE)) > 5


def test_the_oldest_goes_when_there_is_no_room() -> None:
    """2 MiB are hours; a recorder that grew would be the fault it looks for."""
    rig = session(1500, most_bytes=16_384)
    assert 8_000 < rig.flight.size <= 16_384
    text = rig.text()
    first = int(text.splitlines()[2].split(" ")[1])
    assert first > 100
    assert f"event {first} " in text
    assert f"event {first - 1} " not in text


def test_what_is_left_when_the_oldest_went_replays() -> None:
    """It begins in the middle, with the state as it was there."""
    rig = session(1500, most_bytes=16_384)
    played = 0
    for recorded, decided in play(read(rig.text().splitlines())):
        assert divergence(recorded, decided) is None
        played += 1
    assert played > 100


def test_the_newest_that_fit_are_told_if_room_is_short() -> None:
    """An archive has a bound of its own."""
    rig = session(1500, most_bytes=65_536)
    whole = rig.flight.recording()
    part = rig.flight.recording(60_000)
    assert whole is not None
    assert part is not None
    texts = [b"".join(one.text()) for one in (whole, part)]
    assert len(texts[1]) < len(texts[0]) / 2
    assert texts[0].endswith(texts[1][-20_000:])


def test_a_recording_is_of_its_moment() -> None:
    """What comes later does not change what somebody writes to disk."""
    rig = session()
    recording = rig.flight.recording()
    assert recording is not None
    before = b"".join(recording.text())
    rig.tap()
    assert b"".join(recording.text()) == before


def test_frames_stand_between_the_events() -> None:
    """For people: what passed the line, and when."""
    rig = session()
    rig.flight.frame("out", f'[2,"a","Authorize",{{"idTag":"{ALICE}"}}]')
    rig.tap()
    lines = rig.text().splitlines()
    number = lines.index(f'frame out [2,"a","Authorize",{{"idTag":"{VEIL.tag(ALICE)}"}}]')
    assert lines[number + 1].startswith("event ")


def test_nothing_is_told_of_nothing() -> None:
    """Before the first step there is no state to begin with."""
    flight = FlightRecorder(veil=VEIL, version="1")
    flight.frame("in", "[]")
    assert flight.recording() is None


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (AssertionError("tickets leak\nand more"), "  raised AssertionError: tickets leak"),
        (KeyError(), "  raised KeyError: "),
    ],
)
def test_safety_19_the_last_line_is_what_was_raised(error: Exception, line: str) -> None:
    """Safety 19: what led there, and what it was."""
    rig, flight = Rig(), FlightRecorder(veil=VEIL, version="1")
    flight.raised(rig.state, TagPresented(at=at(100), id_tag=ALICE), error)
    recording = flight.recording()
    assert recording is not None
    assert b"".join(recording.text()).decode().splitlines()[-1] == line
