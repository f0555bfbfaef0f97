"""Whose turn it is on a line: one at a time, the urgent first."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turn:
    """A lock with two queues: the urgent are let in before all others, each queue in order."""

    def __init__(self) -> None:
        self._held = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

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
        for queue in (self._urgent, self._others):
            while queue:
                first = queue.popleft()
                if not first.done():
                    first.set_result(None)
                    return
        self._held = False
