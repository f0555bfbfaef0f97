"""What the daemon writes, by the day: the card's life is counted in bytes (firsts 12)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from edge.ports import Clock

MARK_S: Final = 600.0
HOUR_S: Final = 3600.0
DAY_S: Final = 24 * HOUR_S
MARKS: Final = int(DAY_S / MARK_S) + 1
EARLY_S: Final = 60.0  # a rate over less says more of the start than of the day


@dataclass(frozen=True, slots=True)
class Mark:
    """The count at one moment."""

    monotonic: float
    written: int


class Wear:
    """Keeps a day of marks; *written* is the count of `disk_use`, `None` where there is none."""

    def __init__(self, *, written: Callable[[], int | None], clock: Clock) -> None:
        self._written = written
        self._clock = clock
        self._marks: deque[Mark] = deque(maxlen=MARKS)
        self._began = self._mark()

    async def run(self) -> None:
        """Mark until cancelled."""
        while True:
            mark = self._mark()
            if mark is not None:
                self._marks.append(mark)
            await asyncio.sleep(MARK_S)

    def report(self) -> dict[str, Any]:
        """Bytes since the start, and MB a day by the last hour and the last day at most."""
        now = self._mark()
        if now is None or self._began is None:
            return {"written_bytes": None, "mb_per_day": {"hour": None, "day": None}}
        return {
            "written_bytes": now.written - self._began.written,
            "mb_per_day": {"hour": self._rate(now, HOUR_S), "day": self._rate(now, DAY_S)},
        }

    def _rate(self, now: Mark, window_s: float) -> float | None:
        """MB a day by the oldest mark of the window."""
        first = next(
            (mark for mark in self._marks if mark.monotonic >= now.monotonic - window_s), now
        )
        passed_s = now.monotonic - first.monotonic
        if passed_s < EARLY_S:
            return None
        return round((now.written - first.written) / passed_s * DAY_S / 1e6, 2)

    def _mark(self) -> Mark | None:
        written = self._written()
        return None if written is None else Mark(self._clock.now().monotonic, written)
