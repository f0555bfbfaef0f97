"""Whose turn it is on a line: one at a time, writes first, then the urgent.

A turn is handed on a moment after it was let go. Who has another question at once, as an urgent
reading of many registers has, stands in its queue by then, and no poll comes between.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turn:
    """A lock with three queues: writes before the urgent before all others, each in order."""

    def __init__(self) -> None:
        self._held = False
        self._writes: deque[asyncio.Future[None]] = deque()
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def taken_first(self) -> AsyncIterator[None]:
        """Hold the turn inside the context, next after who holds it now."""
        await self._enter(self._writes)
        try:
            yield
        finally:
            self._pass_on()

    @asynccontextmanager
    async def taken(self, *, urgent: bool) -> AsyncIterator[None]:
        """Hold the turn inside the context."""
        await self._enter(self._urgent if urgent else self._others)
        try:
            yield
        finally:
            self._pass_on()

    async def _enter(self, queue: deque[asyncio.Future[None]]) -> None:
        if not self._held:
            self._held = True
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._pass_on()  # the turn came with the cancellation: it is somebody else's
            elif mine in queue:  # a holder cancelled in the same moment has passed it over already
                queue.remove(mine)
            raise

    def _pass_on(self) -> None:
        asyncio.get_running_loop().call_soon(self._hand_over)

    def _hand_over(self) -> None:
        for queue in (self._writes, self._urgent, self._others):
            while queue:
                first = queue.popleft()
                if not first.done():
                    first.set_result(None)
                    return
        self._held = False
