"""When the link dials again, and how it finds out that nobody is there any more.

Library: none. Quality: simulated (real sockets, virtual time).
"""

from __future__ import annotations

import asyncio
import math
from random import Random
from typing import Final

from edge.drivers.ocpp_line import Line

JITTER: Final = 0.2  # a car park that lost its central system must not come back at one instant


class BackOff:
    """The wait before a dial: *first_s* after one failure, doubled by each more up to *most_s*.

    *failures* in a row are counted as far as they matter; those of an earlier process count too.
    """

    def __init__(self, *, first_s: float, most_s: float, random: Random, failures: int = 0) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._random = random
        self._failures_max = 1 + max(0, math.ceil(math.log2(most_s / first_s)))
        self._skipped = asyncio.Event()
        self.failures = min(failures, self._failures_max)

    def fail(self) -> None:
        """A dial or a line has failed."""
        self.failures = min(self.failures + 1, self._failures_max)

    def reset(self) -> None:
        """The central system serves us: the next outage begins with the shortest wait."""
        self.failures = 0

    def skip(self) -> None:
        """End the wait under way, or the next one as it begins."""
        self._skipped.set()

    def forget_skip(self) -> None:
        """The dial that was in a hurry has been made."""
        self._skipped.clear()

    async def wait(self) -> None:
        """Wait as long as the failures demand, somewhat by chance."""
        wait_s = min(self._first_s * 2 ** (self.failures - 1), self._most_s)
        try:
            async with asyncio.timeout(wait_s * self._random.uniform(1 - JITTER, 1)):
                await self._skipped.wait()
        except TimeoutError:
            return
        finally:
            self._skipped.clear()


class Pings:
    """A ping every *interval_s*, 0 = none; a pong that takes longer than *within_s* never comes."""

    def __init__(self, *, interval_s: float, within_s: float) -> None:
        self._interval_s = interval_s
        self._within_s = within_s
        self._changed = asyncio.Event()

    def use(self, interval_s: float) -> None:
        """Ping every *interval_s* from now on, on the line as it stands too."""
        self._interval_s = interval_s
        self._changed.set()

    async def keep_alive(self, line: Line) -> None:
        """Ping *line* until cancelled; one that does not answer is cut."""
        while True:
            self._changed.clear()
            try:
                async with asyncio.timeout(self._interval_s or None):
                    await self._changed.wait()
            except TimeoutError:
                await line.ping(self._within_s)
