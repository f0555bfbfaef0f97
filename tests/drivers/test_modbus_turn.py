"""The bus's turn survives the end of everybody who waits for it."""

from __future__ import annotations

import asyncio

from edge.drivers.modbus_turn import Turn


async def test_holder_and_waiters_cancelled_together_leave_a_free_turn() -> None:
    """The daemon's end cancels all meters of a bus in one moment."""
    turn = Turn()

    async def use() -> None:
        async with turn.taken(urgent=False):
            await asyncio.Event().wait()

    tasks = [asyncio.ensure_future(use()) for _ in range(3)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ended] == [asyncio.CancelledError] * 3
    async with asyncio.timeout(1), turn.taken(urgent=True):
        pass
