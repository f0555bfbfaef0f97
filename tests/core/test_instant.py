"""Time as data."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from edge.core.instant import Instant, moment_of, rfc3339
from tests.core.bench import NOON, at


def test_later_moves_both_clocks_and_keeps_the_trust() -> None:
    """One moment has two clocks."""
    assert at(3, trusted=False).later(2.5) == at(5.5, trusted=False)
    assert at(5.5).since(at(3)) == 2.5


def test_a_step_of_the_wall_clock_is_no_duration() -> None:
    """Durations are monotonic."""
    before = Instant(wall=NOON, monotonic=1.0)
    after = Instant(wall=NOON - timedelta(hours=2), monotonic=2.0)
    assert after.since(before) == 1.0


def test_time_is_written_in_utc_with_milliseconds() -> None:
    """RFC 3339, as OCPP wants it."""
    local = datetime(2026, 3, 1, 13, 0, 0, 123999, tzinfo=timezone(timedelta(hours=1)))
    assert rfc3339(local) == "2026-03-01T12:00:00.123Z"


def test_a_moment_without_zone_is_utc_and_one_that_is_none_is_refused() -> None:
    """As the field means it."""
    assert moment_of("2026-03-01t12:00:00") == moment_of("2026-03-01T13:00:00+01:00") == NOON
    for text in ("yesterday", "0001-01-01T00:00:00+23:59"):
        with pytest.raises(ValueError, match=r".+"):
            moment_of(text)
