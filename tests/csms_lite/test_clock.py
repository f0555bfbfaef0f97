"""Moments as milliseconds, and as text."""

from __future__ import annotations

import pytest

from csms_lite.clock import SystemClock, maybe_rfc3339, read_time, rfc3339


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("1970-01-01T00:00:01.5Z", 1500),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00", 0),
        ("1970-01-01t00:00:00z", 0),
        ("1969-12-31T23:59:59.999Z", -1),
        ("0001-01-01T00:00:00Z", -62135596800000),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_are_read_with_any_offset(text: str, at_ms: int | None) -> None:
    """A missing offset is UTC; what is no time is none."""
    assert read_time(text) == at_ms


@pytest.mark.parametrize(
    "at_ms", [0, 1, 999, 1000, 1_714_557_600_123, -1, -62135596800000, 253402300799999]
)
def test_what_is_written_is_read_back(at_ms: int) -> None:
    """Nothing is lost between the column and the page."""
    assert read_time(rfc3339(at_ms)) == at_ms
    assert maybe_rfc3339(at_ms) == rfc3339(at_ms)


def test_no_moment_is_nothing() -> None:
    """An open end is null, not 1970."""
    assert maybe_rfc3339(None) is None


def test_the_clock_runs() -> None:
    """Wall-clock milliseconds of this century; monotonic time never falls."""
    clock = SystemClock()
    assert clock.now_ms() > 1_600_000_000_000
    assert clock.monotonic() <= clock.monotonic()
