"""Time as data: every event says when it happened, on both clocks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

EARLIEST: Final = datetime(2020, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""A time outside is somebody's mistake; near the calendar's ends it would also overflow."""

APART_S: Final = 0.002  # what tells two moments apart on the wire, which has whole milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """A moment: wall clock (aware UTC), monotonic seconds, and whether to trust the wall clock.

    Durations and deadlines use `monotonic`; what people and the central system are told, `wall`.
    *boot* numbers the kernel's boots as the journal knows them: monotonic seconds of one compare
    with no others.
    """

    wall: datetime
    monotonic: float
    trusted: bool = True
    boot: int = 0

    def since(self, earlier: Instant) -> float:
        """Seconds from *earlier* to here."""
        return self.monotonic - earlier.monotonic

    def later(self, seconds: float) -> Instant:
        """This moment, *seconds* on."""
        return replace(
            self,
            wall=self.wall + timedelta(seconds=seconds),
            monotonic=self.monotonic + seconds,
        )

    @property
    def order(self) -> tuple[int, float]:
        """The larger, the later, whatever the wall clock did."""
        return self.boot, self.monotonic

    def not_before(self, earlier: Instant) -> Instant:
        """This moment; where the clock was set back, *earlier* and what has passed since (I8)."""
        if self.wall >= earlier.wall:
            return self
        same_boot = self.boot == earlier.boot
        passed_s = max(0.0, self.since(earlier)) if same_boot else 0.0
        monotonic = max(self.monotonic, earlier.monotonic) if same_boot else self.monotonic
        wall = earlier.wall + timedelta(seconds=passed_s)
        return replace(self, wall=wall, monotonic=monotonic)

    def after(self, earlier: Instant) -> Instant:
        """This moment, but later than *earlier* on the wire, too (ruling 7d)."""
        return self.not_before(earlier.later(APART_S))


def rfc3339(wall: datetime) -> str:
    """Write *wall* as OCPP wants it: UTC, milliseconds, `Z`."""
    return wall.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{wall.microsecond // 1000:03d}Z"


def moment_of(text: str) -> datetime:
    """Read a point in time; a missing zone is taken for UTC, as the field means it.

    Raises `ValueError` for what is none, also for one that no calendar here holds.
    """
    wall = datetime.fromisoformat(text.upper())
    try:
        return wall.replace(tzinfo=wall.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        raise ValueError("not a point in time") from None
