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


async def test_the_turn_passes_over_those_who_gave_up() -> None:
    """A cancelled waiter neither holds nor loses the turn."""
    turn = Turn()
    order: list[str] = []

    async def take(name: str, *, urgent: bool) -> None:
        async with turn.taken(urgent=urgent):
            order.append(name)
            await asyncio.sleep(0)

    async with turn.taken(urgent=False):
        waiting = [
            asyncio.create_task(take(name, urgent=urgent))
            for name, urgent in (("poll", False), ("gone", True), ("begin", True))
        ]
        await asyncio.sleep(0)
        waiting[1].cancel()
    await asyncio.wait(waiting)
    assert order == ["begin", "poll"]


async def test_a_turn_given_to_somebody_who_is_cancelled_at_once_is_passed_on() -> None:
    """Both happen in one moment."""
    turn = Turn()
    done = asyncio.Event()

    async def take() -> None:
        async with turn.taken(urgent=False):
            done.set()

    async with turn.taken(urgent=False):
        first, second = asyncio.create_task(take()), asyncio.create_task(take())
        await asyncio.sleep(0)
    first.cancel()
    async with asyncio.timeout(1):
        await done.wait()
        await second


async def test_who_has_another_question_at_once_is_not_overtaken() -> None:
    """An urgent reading of many registers takes the line for itself; then the polls go on."""
    turn = Turn()
    order: list[str] = []

    async def read(name: str, *, urgent: bool) -> None:
        for number in range(3):
            async with turn.taken(urgent=urgent):
                order.append(f"{name} {number}")
                await asyncio.sleep(0)

    poll = asyncio.create_task(read("poll", urgent=False))
    await asyncio.sleep(0)
    await asyncio.gather(poll, read("end", urgent=True))
    assert order == ["poll 0", "end 0", "end 1", "end 2", "poll 1", "poll 2"]


async def test_polls_take_turns() -> None:
    """None of two has the line for itself."""
    turn = Turn()
    order: list[str] = []

    async def read(name: str) -> None:
        for _ in range(2):
            async with turn.taken(urgent=False):
                order.append(name)
                await asyncio.sleep(0)

    await asyncio.gather(read("a"), read("b"))
    assert order == ["a", "b", "a", "b"]
