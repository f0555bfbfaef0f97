"""The only place that asks for the time, and the one form in which moments are stored.

Moments are integers: milliseconds since 1970-01-01 UTC, in columns named `*_at_ms`.
They sort, compare and subtract without a time zone, on SQLite and PostgreSQL alike.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


class Clock(Protocol):
    """What the rest may know of time."""

    def now_ms(self) -> int:
        """Wall-clock time."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds since some start."""
        return time.monotonic()


def rfc3339(at_ms: int) -> str:
    """Write a moment as OCPP and JSON want it: `2024-05-01T10:00:00.000Z`."""
    at = EPOCH + at_ms * MILLISECOND
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def maybe_rfc3339(at_ms: int | None) -> str | None:
    """Write a moment, or nothing for nothing."""
    return None if at_ms is None else rfc3339(at_ms)


def to_ms(at: datetime) -> int:
    """Give a moment as it is stored; raises `OverflowError` when UTC has no date for it."""
    return (at.astimezone(UTC) - EPOCH) // MILLISECOND


FIRST_MS = to_ms(datetime.min.replace(tzinfo=UTC))
LAST_MS = to_ms(datetime.max.replace(tzinfo=UTC))
"""The moments that `rfc3339` can write lie between them."""


def read_time(text: str) -> int | None:
    """Read an RFC 3339 time to milliseconds; `None` when it is none.

    A time without an offset is taken as UTC, which is what stations that omit it mean. One that
    falls out of the years 1 to 9999 in UTC is none: `rfc3339` could not write it.
    """
    try:
        at = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    try:
        aware = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        return to_ms(aware)
    except OverflowError:
        return None
