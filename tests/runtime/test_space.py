"""The room that the journal has left is looked at; a disk that cannot tell is no crash."""

from __future__ import annotations

import asyncio

from edge.core.events import Event, SpaceSeen
from edge.errors import JournalFailed
from edge.runtime.space import EVERY_S, watch_space
from tests.runtime.toy import LoopClock
from tests.world.loop import VirtualLoop


class Disk:
    """Gives these answers in turn."""

    def __init__(self, *answers: int | JournalFailed) -> None:
        self.answers = list(answers)

    async def free_bytes(self) -> int:
        answer = self.answers.pop(0)
        if isinstance(answer, JournalFailed):
            raise answer
        return answer


def test_it_looks_at_once_and_on_a_slow_beat_whatever_the_disk_says() -> None:
    """I9: pressure is seen before a commit fails."""
    seen: list[Event] = []

    async def watch() -> None:
        disk = Disk(5, JournalFailed("io", "no answer"), 7)
        work = asyncio.ensure_future(watch_space(disk, LoopClock(), seen.append))
        await asyncio.wait([work], timeout=2.5 * EVERY_S)
        work.cancel()

    loop = VirtualLoop()
    try:
        loop.run_until_complete(watch())
    finally:
        loop.close()
    assert [one.free_bytes for one in seen if isinstance(one, SpaceSeen)] == [5, 7]
