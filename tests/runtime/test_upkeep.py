"""The weekly check of the whole journal: never during a session, and its verdict is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from edge.errors import JournalFailed
from edge.runtime.upkeep import LOOK_S, WEEK_S, Upkeep
from tests.runtime.toy import LoopClock
from tests.world.loop import VirtualLoop, elapse


@dataclass
class Place:
    """A station whose journal says what it is told to say."""

    is_idle: bool = True
    verdict: str = "ok"
    fails: bool = False
    checks: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.upkeep = Upkeep(check=self.check, is_idle=lambda: self.is_idle, clock=LoopClock())

    async def check(self) -> str:
        self.checks.append(asyncio.get_running_loop().time())
        if self.fails:
            raise JournalFailed("io", "planted")
        return self.verdict


def played(play: Callable[[Place], Coroutine[None, None, None]]) -> None:
    async def run() -> None:
        place = Place()
        task = asyncio.ensure_future(place.upkeep.run())
        await play(place)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(run())


def test_it_is_checked_once_a_week() -> None:
    """The start's own check was the first."""

    async def play(place: Place) -> None:
        await elapse(WEEK_S - 1)
        assert place.checks == []
        await elapse(2 * WEEK_S + 3 * LOOK_S)
        assert len(place.checks) == 3
        assert place.upkeep.report()["verdict"] == "ok"
        assert place.upkeep.report()["age_s"] <= 3 * LOOK_S

    played(play)


def test_a_session_is_not_held_up() -> None:
    """It is checked as soon as nobody charges."""

    async def play(place: Place) -> None:
        place.is_idle = False
        await elapse(2 * WEEK_S)
        assert place.checks == []
        place.is_idle = True
        await elapse(LOOK_S + 1)
        assert len(place.checks) == 1

    played(play)


@pytest.mark.parametrize("fails", [False, True])
def test_what_is_wrong_is_known(fails: bool) -> None:
    """Logged and shown; a disk that could not be read gives no verdict, and is asked again."""

    async def play(place: Place) -> None:
        place.verdict, place.fails = "row 3 missing from index", fails
        with capture_logs() as logged:
            await elapse(WEEK_S + 3 * LOOK_S)
        found = [(one["event"], one["log_level"]) for one in logged]
        if fails:
            assert len(found) >= 2
            assert set(found) == {("journal_unchecked", "warning")}
            assert place.upkeep.report()["verdict"] == "ok"
        else:
            assert found == [("journal_unsound", "critical")]
            assert place.upkeep.report()["verdict"] == place.verdict

    played(play)
