"""Tells in time that a certificate ends: a log line at 60, 30 and 7 days, and when it is over.

The files are read at the start and twice a day, for whoever renews one; what is due is looked at
more often, as the clock becomes sure and the far end shows its certificate only after the start.
While the clock is not sure nothing is told: every date would be a guess.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final

import structlog

from edge.core.instant import rfc3339
from edge.core.state import ChargePoint
from edge.core.validity import OVER, Ending, endings
from edge.ports import Clock

LOOK_EVERY_S: Final = 600.0
LOOKS: Final = 72  # from one reading to the next, twice a day
RENEW: Final = "renew it in time: nobody lets us in by one that is over"

Files = Callable[[], Awaitable[Mapping[str, datetime]]]

log = structlog.get_logger()


class Expiry:
    """Knows when certificates end; *read* says it of those in files, by what they are."""

    def __init__(self, *, read: Files, state: Callable[[], ChargePoint], clock: Clock) -> None:
        self._read = read
        self._state = state
        self._clock = clock
        self._files: Mapping[str, datetime] = {}
        self._told: dict[str, int | None] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._files = await self._read()
            for _ in range(LOOKS):
                self.look()
                await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> tuple[Ending, ...]:
        """What ends when; tells each warning once."""
        now = self._clock.now()
        found = endings(self._state(), self._files, now.wall)
        if now.trusted:
            for one in found:
                self._tell(one)
        return found

    def report(self) -> list[dict[str, Any]]:
        """For `tapwatt edge status`, the first to end in front."""
        return [
            {
                "what": one.what,
                "not_after": rfc3339(one.not_after),
                "days_left": one.days_left,
                "warning": one.due,
            }
            for one in self.look()
        ]

    def _tell(self, one: Ending) -> None:
        if self._told.get(one.what) == one.due:
            return
        self._told[one.what] = one.due
        if one.due is not None:
            say = log.critical if one.due == OVER else log.warning
            ends = rfc3339(one.not_after)
            say("certificate_ends", what=one.what, at=ends, days_left=one.days_left, do=RENEW)
