"""The status document is shown to who looks: at once if he waits for it, else now and then."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from edge.core.instant import Instant
from edge.runtime.showing import BETWEEN_S, QUIET_S, Showing
from tests.waiting import until

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@dataclass
class Scene:
    """A board, a clock and a station that the test moves."""

    is_watched: bool = True
    is_awaited: bool = True
    passed_s: float = 0.0
    state: object = 0
    status: str = "Available"
    power_w: float = 0.0
    session: Mapping[str, Any] | None = None
    shown: list[Mapping[str, Any]] = field(default_factory=list)
    made: int = 0

    def show(self, document: Mapping[str, Any]) -> None:
        self.shown.append(document)
        self.is_awaited = False

    def now(self) -> Instant:
        return Instant(wall=NOON + timedelta(seconds=self.passed_s), monotonic=self.passed_s)

    def learn(self, wall_at: Instant) -> None:
        raise AssertionError("nobody tells the time here")

    def make(self, now: Instant, sequence: int) -> dict[str, Any]:
        self.made += 1
        at = now.wall.isoformat()
        connector = {
            "status": self.status,
            "power_w": self.power_w,
            "measured_at": at,
            "session": self.session,
            "why": [{"what": "no central system", "owner": "site", "since": at}],
        }
        station = {"id": "TOWN", "heard_at": at}
        return {"sequence": sequence, "at": at, "station": station, "connectors": [connector]}

    def showing(self) -> Showing:
        return Showing(self, state=lambda: self.state, make=self.make, clock=self, first=100)

    def after(self, seconds: float, **changes: object) -> None:
        self.passed_s += seconds
        for name, value in changes.items():
            setattr(self, name, value)
        self.state = object()

    @property
    def sequences(self) -> list[int]:
        return [document["sequence"] for document in self.shown]


def test_nobody_watches_and_nothing_is_made() -> None:
    """A charging point without a screen pays nothing for it."""
    scene = Scene(is_watched=False)
    scene.showing().look()
    assert scene.made == 0


def test_who_comes_is_shown_what_is_now() -> None:
    """At once, and so is the next one after a time without anybody."""
    scene = Scene()
    showing = scene.showing()
    showing.look()
    assert scene.sequences == [100]
    scene.after(1.2, is_awaited=True)
    showing.look()
    assert scene.sequences == [100, 101]


def test_who_comes_and_goes_all_the_time_costs_no_more() -> None:
    """Ten visitors in a second see what was made for the first: control makes one a second."""
    scene = Scene()
    showing = scene.showing()
    for _ in range(10):
        scene.is_awaited = True
        showing.look()
        assert not scene.is_awaited
        scene.after(0.09)
    assert (scene.made, set(scene.sequences), len(scene.shown)) == (1, {100}, 10)


def test_a_driver_sees_at_once_what_his_card_does() -> None:
    """The second is not used up by numbers that nobody waits for."""
    scene = Scene()
    showing = scene.showing()
    showing.look()
    for _ in range(3):
        scene.after(BETWEEN_S, power_w=scene.power_w + 1)
        showing.look()
    assert scene.sequences == [100]
    scene.after(0.1, status="Preparing")
    showing.look()
    assert [document["connectors"][0]["status"] for document in scene.shown] == [
        "Available",
        "Preparing",
    ]


def test_at_most_one_a_second_is_shown() -> None:
    """However fast things change; the latest is what counts then."""
    scene = Scene(session={"tag": "…E580"})
    showing = scene.showing()
    for tenth in range(101):
        scene.after(0.1, power_w=float(tenth))
        showing.look()
    times = [datetime.fromisoformat(document["at"]) for document in scene.shown]
    gaps = [(then - now).total_seconds() for now, then in itertools.pairwise(times)]
    assert len(gaps) >= 9
    assert min(gaps) >= BETWEEN_S
    assert scene.shown[-1]["connectors"][0]["power_w"] >= 90


def test_a_quiet_station_is_shown_again_before_it_looks_old() -> None:
    """Nothing was stepped, and yet the page must know that we live; but nothing is made between."""
    scene = Scene()
    showing = scene.showing()
    showing.look()
    scene.passed_s += QUIET_S - 0.1
    showing.look()
    assert scene.made == 1
    scene.passed_s += 0.1
    showing.look()
    assert scene.sequences == [100, 101]


async def test_it_looks_by_itself() -> None:
    """Until it is told to stop."""
    scene = Scene()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(scene.showing().run())
        await until(lambda: scene.shown)
        running.cancel()
