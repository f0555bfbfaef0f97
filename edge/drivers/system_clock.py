"""The computer's clocks: wall time that knows whether it is to be trusted, and monotonic time.

A Pi has no battery-backed clock: until NTP or the central system has told the time, the wall clock
is a guess. What the central system tells is counted on by the monotonic clock until NTP takes over;
the system's clock is never set. Also here: the kernel's boot id and fresh randomness, the other
things only the system knows.

Quality: NTP state read from the kernel (`adjtimex`) and from systemd-timesyncd; seen on Linux
x86-64 and in containers, not yet on a Pi without network.
"""

from __future__ import annotations

import ctypes
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from edge.core.instant import EARLIEST, LATEST, Instant

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
TIMESYNC: Final = Path("/run/systemd/timesync/synchronized")
TIMEX_BYTES: Final = 512  # struct timex has 208 on 64-bit Linux; the kernel fills what it knows
TIME_ERROR: Final = 5  # adjtimex: the clock is not synchronised
ASK_NTP_EVERY_S: Final = 10.0
JITTER_S: Final = 1.0  # an answer's way over the network; smaller corrections would only add noise

log = structlog.get_logger()


def ntp_holds() -> bool:
    """Whether the kernel or systemd-timesyncd says that NTP keeps the wall clock."""
    if TIMESYNC.exists():
        return True
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None:
        return False
    state = int(adjtimex(ctypes.create_string_buffer(TIMEX_BYTES)))
    return 0 <= state < TIME_ERROR


def kernel_boot_id() -> str:
    """The kernel's boot id: the same after a process restart, another after a power cut."""
    return BOOT_ID.read_text(encoding="ascii").strip()


def new_key(size: int) -> bytes:
    """Make *size* bytes that nobody can guess."""
    return secrets.token_bytes(size)


def new_nonce() -> str:
    """24 random hex digits, never the same twice."""
    return secrets.token_hex(12)


def up_s() -> float:
    """Seconds since the kernel booted, also while the computer sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SystemClock:
    """Wall and monotonic time; implements `edge.ports.Clock`.

    *booted_s* is when the computer came up, in the seconds of *up*: later only after a simulated
    power cut.
    """

    def __init__(
        self,
        *,
        booted_s: float = 0.0,
        ntp: Callable[[], bool] = ntp_holds,
        up: Callable[[], float] = up_s,
        system_wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._booted_s = booted_s
        self._ntp = ntp
        self._up = up
        self._system_wall = system_wall
        self._ntp_held = False
        self._ask_ntp_at = 0.0
        self._learnt: Instant | None = None
        self._shift = timedelta(0)
        self._frozen: datetime | None = None

    def now(self) -> Instant:
        """The present moment."""
        monotonic = self._monotonic()
        if self._kept_by_ntp(monotonic):
            self._learnt = None  # NTP has set the system's clock right meanwhile
            return Instant(wall=self._wall(monotonic), monotonic=monotonic)
        trusted = self._learnt is not None
        return Instant(wall=self._wall(monotonic), monotonic=monotonic, trusted=trusted)

    def learn(self, wall_at: Instant) -> None:
        """Take *wall_at.wall* for the wall time at *wall_at.monotonic*, unless NTP knows better.

        A time that cannot be (before 2020, after 2099) is refused.
        """
        monotonic = self._monotonic()
        if self._kept_by_ntp(monotonic) or self._frozen is not None:
            return
        if not EARLIEST <= wall_at.wall < LATEST:
            log.warning("time_refused", told=wall_at.wall.isoformat())
            return
        told = wall_at.wall + timedelta(seconds=monotonic - wall_at.monotonic)
        correction = told - self._wall(monotonic)
        if self._learnt is None or abs(correction.total_seconds()) >= JITTER_S:
            self._learnt = wall_at
            log.info("time_learnt", correction_s=round(correction.total_seconds(), 3))

    def shift(self, offset_s: float) -> None:
        """Show a wall clock that is *offset_s* off, as a Pi's may be; NTP then counts as absent."""
        self._shift = timedelta(seconds=offset_s)
        self._learnt = None
        if self._frozen is not None:
            self._frozen = self._running_wall(self._monotonic())

    def freeze(self, frozen: bool) -> None:
        """Stop the wall clock or let it go on; monotonic time always runs."""
        self._frozen = self._running_wall(self._monotonic()) if frozen else None

    def _wall(self, monotonic: float) -> datetime:
        return self._frozen if self._frozen is not None else self._running_wall(monotonic)

    def _running_wall(self, monotonic: float) -> datetime:
        if self._learnt is None:
            return self._system_wall() + self._shift
        return self._learnt.wall + timedelta(seconds=monotonic - self._learnt.monotonic)

    def _monotonic(self) -> float:
        return self._up() - self._booted_s

    def _kept_by_ntp(self, monotonic: float) -> bool:
        if self._shift:
            return False
        if monotonic >= self._ask_ntp_at:
            self._ntp_held = self._ntp()
            self._ask_ntp_at = monotonic + ASK_NTP_EVERY_S
        return self._ntp_held
