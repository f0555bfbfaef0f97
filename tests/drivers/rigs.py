"""What driver tests share: a rig with the real clock, and an inbox that can be awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import TypeVar

from edge.core.events import Event
from edge.drivers.registry import Rig
from edge.drivers.system_clock import SystemClock
from edge.ports import Post

E = TypeVar("E")

PATIENCE_S = 5.0
"""Longer than any driver may take; a test that gets here has failed."""


def rig(*, pin_factory: object | None = None, **buses: object) -> Rig:
    """A rig on the real clock."""
    return Rig(clock=SystemClock(), random=Random(1), pin_factory=pin_factory, buses=buses)


class Inbox:
    """Collects what a driver posts, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Event()

    def post(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    def of(self, kind: type[E]) -> list[E]:
        """All events of *kind* so far."""
        return [event for event in self.events if isinstance(event, kind)]

    async def first(self, kind: type[E], wanted: Callable[[E], bool] = lambda _: True) -> E:
        """The first event of *kind* that is *wanted*, waiting for it if need be."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                self._news.clear()
                for event in self.of(kind):
                    if wanted(event):
                        return event
                await self._news.wait()

    def forget(self) -> None:
        """Start over."""
        self.events.clear()


@asynccontextmanager
async def running(run: Callable[[Post], Awaitable[None]]) -> AsyncIterator[Inbox]:
    """Run a driver in the background; the context ends it by cancellation."""
    inbox = Inbox()
    task = asyncio.ensure_future(run(inbox.post))
    await asyncio.sleep(0)
    try:
        yield inbox
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
