"""The computer's clocks in the crash world: the wall clock guesses, jumps, stands, and learns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from edge.core.instant import Instant

EPOCH = datetime(2026, 1, 1, 10, tzinfo=UTC)
GUESS = datetime(1970, 1, 1, tzinfo=UTC)  # where a computer without a battery begins


def true_time(moment: float) -> datetime:
    """The time that it really is, *moment* seconds into the history."""
    return EPOCH + timedelta(seconds=moment)


@dataclass(kw_only=True)
class Wall:
    """One kernel boot's clocks. *kept*: somebody outside, NTP or a battery, vouches for it.

    *off* is what it is wrong by; what the central system told is forgotten with the process.
    """

    kept: bool = True
    booted_at: float = 0.0
    off: timedelta = timedelta(0)
    stands_at: datetime | None = None
    told: bool = False

    def now(self, moment: float) -> Instant:
        """What a process reads."""
        wall = self.stands_at or true_time(moment) + self.off
        monotonic = moment - self.booted_at
        return Instant(wall=wall, monotonic=monotonic, trusted=self.kept or self.told)

    def boot(self, moment: float) -> None:
        """The power is back; only a kept clock went on."""
        self.booted_at = moment
        if not self.kept:
            self.off = GUESS - true_time(moment)
            self.stands_at = None
        self.told = False

    def learn(self, wall: datetime, monotonic: float) -> None:
        """The central system's word, unless there is a better one."""
        if not self.kept and self.stands_at is None:
            self.off = wall - true_time(self.booted_at + monotonic)
            self.told = True

    def jump(self, by_s: float) -> None:
        """Somebody sets the clock, rightly or wrongly."""
        self.off += timedelta(seconds=by_s)

    def stand(self, moment: float, *, still: bool) -> None:
        """It stops, or goes on from where it stood."""
        if still:
            self.stands_at = self.now(moment).wall
        elif self.stands_at is not None:
            self.off = self.stands_at - true_time(moment)
            self.stands_at = None
