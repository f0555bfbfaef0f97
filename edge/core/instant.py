"""Time as data: every event says when it happened, on both clocks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """A moment: wall clock (aware UTC), monotonic seconds, and whether to trust the wall clock.

    Durations and deadlines use `monotonic`; what people and the central system are told, `wall`.
    """

    wall: datetime
    monotonic: float
    trusted: bool = True

    def since(self, earlier: Instant) -> float:
        """Seconds from *earlier* to here."""
        return self.monotonic - earlier.monotonic

    def later(self, seconds: float) -> Instant:
        """This moment, *seconds* on."""
        return Instant(
            wall=self.wall + timedelta(seconds=seconds),
            monotonic=self.monotonic + seconds,
            trusted=self.trusted,
        )

    def wall_by(self, now: Instant) -> datetime:
        """When this was by the clock of *now*, of the same kernel: the time may be learnt late."""
        passed_s = now.since(self)
        if self.trusted or not now.trusted or passed_s < 0:
            return self.wall
        return now.wall - timedelta(seconds=passed_s)


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
