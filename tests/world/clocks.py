"""The clocks of the simulated world: the true time, the station's computer, the central system's.

Virtual second 0 is midnight. The station's own clock is the real `SystemClock` on a computer whose
kernel boots, guesses, is kept right by NTP, or is set wrong.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from edge.drivers.system_clock import SystemClock

MIDNIGHT: Final = datetime(2026, 3, 1, tzinfo=UTC)
GUESS: Final = datetime(1970, 1, 1, tzinfo=UTC)  # where a computer without a battery begins
MILLISECONDS: Final = 1000


def true_time(moment: float) -> datetime:
    """The time that it really is at virtual second *moment*."""
    return MIDNIGHT + timedelta(seconds=moment)


class Computer:
    """The station's computer; *is_kept*: NTP or a battery keeps its wall clock right.

    `lied` once a clock that everybody trusts was set wrong: then no time can be judged by truth.
    """

    def __init__(self, *, is_kept: bool) -> None:
        self.is_kept = is_kept
        self.lied = False
        self.booted_at: dict[str, float] = {}
        self._loop = asyncio.get_running_loop()
        self._off = timedelta(0)
        self.boot()

    @property
    def kernel_boot(self) -> str:
        """The kernel's boot id."""
        return f"kernel-{len(self.booted_at)}"

    def boot(self) -> None:
        """The power is there: another kernel, and only a kept clock went on."""
        moment = self._loop.time()
        self.booted_at[f"kernel-{len(self.booted_at) + 1}"] = moment
        if not self.is_kept:
            self._off = GUESS - true_time(moment)

    def jump(self, by_s: float) -> None:
        """Somebody sets the wall clock."""
        self._off += timedelta(seconds=by_s)
        self.lied = self.lied or self.is_kept

    def clock(self) -> SystemClock:
        """The clock of a process that starts now."""
        began = self.booted_at[self.kernel_boot]
        return SystemClock(
            ntp=lambda: self.is_kept,
            up=lambda: self._loop.time() - began,
            system_wall=lambda: true_time(self._loop.time()) + self._off,
        )


class CentralClock:
    """The central system's clock, which is right; implements `csms_lite.clock.Clock`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._from_ms = int(MIDNIGHT.timestamp()) * MILLISECONDS

    def now_ms(self) -> int:
        return self._from_ms + int(self._loop.time() * MILLISECONDS)

    def monotonic(self) -> float:
        return self._loop.time()
