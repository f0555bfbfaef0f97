"""Every event, effect and state becomes plain JSON and comes back as it was."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.core.commands import ChangeConfiguration
from edge.core.events import CallReceived, EvseSeen, MeterRead, Pilot, Trip
from edge.core.instant import Instant
from edge.core.messages import IdTagInfo
from edge.core.quantities import Reading
from edge.core.state import ChargePoint
from edge.core.vocabulary import AuthorizationStatus
from edge.errors import RecordingUnreadable
from edge.recording.codec import Codec
from edge.recording.veil import Veil
from tests.core.bench import NOON, at
from tests.recording.values import KINDS, some


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_whatever_the_core_says_comes_back_as_it_was(kind: type) -> None:
    """Complete by construction: a new event or effect is here by being one."""

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(some(kind))
    def check(value: object) -> None:
        codec = Codec()
        written = msgspec.json.encode(codec.encode(value))
        assert codec.decode(kind, msgspec.json.decode(written)) == value
        assert msgspec.json.encode(behind_a_veil.encode(value))

    behind_a_veil = Codec(Veil(b"k" * 24))
    check()


def test_a_field_of_a_strange_type_is_no_guess() -> None:
    """Better no start of the tests than a recording that cannot be read."""
    with pytest.raises(TypeError, match="teach it"):
        Codec().shape(bytes)


def test_what_is_as_it_always_is_takes_no_room() -> None:
    """A recording is read by people."""
    read = MeterRead(at=at(5), connector=1, reading=Reading(at=at(5), energy_wh=7))
    moment = {"wall": at(5).wall, "monotonic": 5}
    assert Codec().encode(read) == {
        "at": moment,
        "connector": 1,
        "reading": {"at": moment, "energy_wh": 7},
    }


def test_a_value_says_of_which_class_it_is_where_it_could_be_another() -> None:
    """A command is one of many."""
    call = CallReceived(at=at(5), call_id=1, command=ChangeConfiguration(key="A", value="b"))
    assert Codec().encode(call)["command"] == {
        "is": "ChangeConfiguration",
        "key": "A",
        "value": "b",
    }


@given(st.sampled_from([float("inf"), float("-inf")]))
def test_a_number_without_end_survives(endless: float) -> None:
    """JSON has no word for it."""
    instant = Instant(wall=NOON, monotonic=endless)
    written = msgspec.json.encode(Codec().encode(instant))
    assert Codec().decode(Instant, msgspec.json.decode(written)) == instant


def test_a_word_of_a_later_version_stays_a_word() -> None:
    """What an enumeration does not know, the wire may say all the same."""
    codec = Codec()
    assert codec.decode(IdTagInfo, {"status": "Accepted"}).status is AuthorizationStatus.ACCEPTED
    assert codec.decode(IdTagInfo, {"status": "Splendid"}).status == "Splendid"


@pytest.mark.parametrize(
    ("kind", "plain", "why"),
    [
        (MeterRead, {"at": {"wall": "2026-03-01T12:00:00Z"}}, "Instant lacks monotonic"),
        (IdTagInfo, {"status": "Accepted", "mood": 1}, "knows no IdTagInfo.mood"),
        (CallReceived, {"command": {"is": "Dance"}}, "CallReceived lacks at"),
        (ChargePoint, [], "ChargePoint is no object"),
    ],
)
def test_what_this_version_does_not_know_is_named(kind: type, plain: object, why: str) -> None:
    """A recording may come from another version."""
    with pytest.raises(RecordingUnreadable, match=why):
        Codec().decode(kind, plain)


def test_a_class_that_this_version_does_not_know_is_named() -> None:
    """By the name that the recording gives it."""
    moment = {"wall": "2026-03-01T12:00:00Z", "monotonic": 1.0}
    with pytest.raises(RecordingUnreadable, match="knows no Dance"):
        Codec().decode(CallReceived, {"at": moment, "call_id": 1, "command": {"is": "Dance"}})


def test_sets_are_written_in_order() -> None:
    """Two recordings of the same are the same, whatever the hash of a word is today."""
    seen = EvseSeen(
        at=at(1),
        connector=1,
        plugged=True,
        pilot=Pilot.C,
        contactor_closed=False,
        tripped=frozenset(Trip),
    )
    assert Codec().encode(seen)["tripped"] == sorted(Trip)
