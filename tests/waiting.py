"""Wait for a fact, never for time: the only place where a test may sleep."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

LOOK_EVERY_S = 0.005
WITHIN_S = 30.0  # only a failure waits so long: two cores may be shared by many


async def until(fact: Callable[[], object], within_s: float = WITHIN_S) -> None:
    """Return as soon as *fact* holds; fails after *within_s*. Others run meanwhile."""
    ends = time.monotonic() + within_s
    while not fact():
        assert time.monotonic() < ends, f"not within {within_s} s: {fact.__qualname__}"
        await asyncio.sleep(LOOK_EVERY_S)


def until_now(fact: Callable[[], object], within_s: float = WITHIN_S) -> None:
    """The same for a test without an event loop; blocks."""
    ends = time.monotonic() + within_s
    while not fact():
        assert time.monotonic() < ends, f"not within {within_s} s: {fact.__qualname__}"
        time.sleep(LOOK_EVERY_S)
