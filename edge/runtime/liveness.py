"""Tells what holds a coil that the loop still runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def prove_alive(
    prove: Callable[[], None], every_s: float, come_round: Callable[[], Awaitable[None]]
) -> None:
    """Call *prove* each time that the loop came round, so that a dead-man stops with the loop."""
    while True:
        await come_round()
        prove()
        await asyncio.sleep(every_s)
