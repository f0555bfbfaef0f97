"""Bytes written become MB a day."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress

import pytest

from edge.runtime.wear import DAY_S, HOUR_S, Wear
from tests.runtime.toy import LoopClock
from tests.world.loop import VirtualLoop, elapse

MB = 1_000_000


class Disk:
    """Counts what is written to it by the second of virtual time."""

    def __init__(self) -> None:
        self.counted: int | None = 7 * MB

    def written(self) -> int | None:
        return self.counted

    async def work(self, seconds: float, mb_per_day: float) -> None:
        """Write evenly."""
        for _ in range(10):
            await elapse(seconds / 10)
            assert self.counted is not None
            self.counted += round(mb_per_day * MB * seconds / 10 / DAY_S)


def virtually(play: Callable[[Wear, Disk], Coroutine[None, None, None]]) -> None:
    async def run() -> None:
        disk = Disk()
        wear = Wear(written=disk.written, clock=LoopClock())
        task = asyncio.ensure_future(wear.run())
        await elapse(0)
        await play(wear, disk)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(run())


def test_the_hour_and_the_day_have_rates_of_their_own() -> None:
    """A busy hour after a quiet day shows in one and hardly in the other."""

    async def play(wear: Wear, disk: Disk) -> None:
        await disk.work(2 * DAY_S, 2)
        await disk.work(HOUR_S, 50)
        report = wear.report()
        assert report["written_bytes"] == pytest.approx((4 + 50 / 24) * MB)
        assert report["mb_per_day"]["hour"] == pytest.approx(50, rel=0.01)
        assert report["mb_per_day"]["day"] == pytest.approx(2 * 23 / 24 + 50 / 24, rel=0.1)

    virtually(play)


def test_a_young_daemon_reckons_from_its_start() -> None:
    """No rate in the first minute: it would be the start's."""

    async def play(wear: Wear, disk: Disk) -> None:
        await disk.work(50, 1000)
        assert wear.report()["mb_per_day"] == {"hour": None, "day": None}
        await disk.work(250, 1000)
        rates = wear.report()["mb_per_day"]
        assert rates["hour"] == rates["day"] == pytest.approx(1000, rel=0.01)

    virtually(play)


def test_a_kernel_that_does_not_count_is_said_to_be_one() -> None:
    """No zero that nobody measured."""

    async def play(wear: Wear, disk: Disk) -> None:
        disk.counted = None
        await elapse(HOUR_S)
        assert wear.report()["written_bytes"] is None
        assert wear.report()["mb_per_day"] == {"hour": None, "day": None}

    virtually(play)
