"""Real drivers at work for a moment: started, listened to, and stopped again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from edge.core.events import Event
from edge.ports import Post


class Runs(Protocol):
    """A driver with a life of its own."""

    async def run(self, post: Post) -> None:
        """Work until cancelled; raises `DriverError`."""
        ...


@asynccontextmanager
async def running(driver: Runs, post: Callable[[Event], None]) -> AsyncIterator[None]:
    """Let *driver* work while the block lasts; what it raises ends the block, and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            work = group.create_task(driver.run(post), name="doctor-driver")
            yield
            work.cancel()
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
