"""Which document may replace which; how sessions are named; who the bridge is."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from edge.bridge.document import Document, read_document
from edge.bridge.rules import Standing, identity, session_id, standing_of, supersedes
from tests.bridge.sources import BEGAN, Teller

STANDS = Standing("csms", 100, BEGAN)


def document(sequence: int, *, after_s: float, source: str = "csms") -> Document:
    """A document made *after_s* behind the one that stands."""
    at = (BEGAN + timedelta(seconds=after_s)).isoformat()
    return read_document(
        json.dumps(Teller().document() | {"sequence": sequence, "at": at, "source": source})
    )


@pytest.mark.parametrize(
    ("sequence", "after_s", "source", "is_reconnected", "may"),
    [
        (101, -60, "csms", False, True),  # the sequence decides, whatever the clock does
        (100, 60, "csms", False, False),
        (99, 60, "csms", False, False),
        (1, 60, "csms", True, True),  # counts anew after a reconnect
        (1, -60, "csms", True, False),  # a lagging copy
        (1, 0, "csms", True, False),
        (1, 60, "edge", False, True),  # other sources count for themselves
        (999, -60, "edge", True, False),
    ],
)
def test_nothing_older_replaces_what_stands(
    sequence: int, after_s: float, source: str, is_reconnected: bool, may: bool
) -> None:
    """As the page judges by `supersedes` of hmi/feed/document.js."""
    told = document(sequence, after_s=after_s, source=source)
    assert supersedes(told, STANDS, is_reconnected=is_reconnected, now=BEGAN) is may
    assert supersedes(told, None, is_reconnected=False, now=BEGAN)


def test_what_stands_from_the_future_is_no_guide() -> None:
    """Two minutes ahead of us is a clock that was wrong; half a minute is a clock."""
    told = document(1, after_s=-600)
    for ahead_s, may in ((30, False), (120, True)):
        now = BEGAN - timedelta(seconds=ahead_s)
        assert supersedes(told, STANDS, is_reconnected=True, now=now) is may


@pytest.mark.parametrize(
    "stored", [None, 1, "x", [], {}, {"at": "soon"}, {"at": "2025-06-14T09:30:00", "sequence": 1}]
)
def test_what_is_not_of_ours_stands_in_nobodys_way(stored: object) -> None:
    """Anything may have been written by hand."""
    assert standing_of(stored) is None


def test_a_session_has_one_name_and_others_have_others() -> None:
    """128 bits from a secret; each part counts."""
    later = BEGAN + timedelta(milliseconds=1)
    names = [
        session_id(b"secret", "A", 1, BEGAN),
        session_id(b"Secret", "A", 1, BEGAN),
        session_id(b"secret", "B", 1, BEGAN),
        session_id(b"secret", "A", 2, BEGAN),
        session_id(b"secret", "A", 1, later),
    ]
    assert len(set(names)) == len(names)
    assert names[0] == session_id(b"secret", "A", 1, BEGAN)
    assert all(len(name) == 22 for name in names)


def test_a_bridge_of_one_station_is_bound_to_it() -> None:
    """A fleet's bridge has a name of its own."""
    assert identity("bridge", ["A"]) == {"uid": "edge-A", "station": "A"}
    assert identity("north", ["A", "B"]) == {"uid": "north", "fleet": True}
    assert identity("north", None) == {"uid": "north", "fleet": True}
