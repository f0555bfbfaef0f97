"""One who watches a status: holds the newest news that were not yet taken."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Generic, TypeVar

N = TypeVar("N")


class Watcher(Generic[N]):
    """A place for one piece of news; the latest wins, so who is slow holds up nobody."""

    def __init__(self) -> None:
        self._newest: N | None = None
        self._bell = asyncio.Event()
        self.is_over = False

    def offer(self, newest: N) -> None:
        """Leave the news; those not yet taken are forgotten."""
        self._newest = newest
        self._bell.set()

    def end(self) -> None:
        """Say that there will be no more."""
        self.is_over = True
        self._bell.set()

    async def take(self, within_s: float) -> N | None:
        """Wait for the next news; `None` when time runs out, or at the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._bell.wait()
        self._bell.clear()
        newest, self._newest = self._newest, None
        return newest
