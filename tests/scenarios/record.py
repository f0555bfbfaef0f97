"""Records the scenarios anew: `.venv/bin/python -m tests.scenarios.record` writes the .rec files.

The histories are those of the crash sweep, in virtual time, with the real loop and recorder. After
a change of what the core decides `tapwatt edge replay --rewrite FILE` keeps the events as they are.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

from edge.core.events import Trip
from edge.recording.flight import FlightRecorder
from edge.recording.veil import Veil
from tests.crash.histories import STORIES, Story
from tests.crash.wall import Wall
from tests.crash.world import World
from tests.recording.flights import RecordedRig, session
from tests.world.loop import VirtualLoop, elapse

HERE: Final = Path(__file__).parent
VEIL: Final = Veil(b"scenarios of the tests")

RECORDED: Final = {
    "offline_session": "whole session offline",
    "remote_session": "remote session",
    "emergency_stop": "emergency stop",
    "charging_profiles": "charging profiles",
    "mains_gone": "mains gone for a minute on a back-up",
}
"""File -> story of the crash sweep."""

OFFLINE_POWER_CUT: Final[Story] = (
    (2, lambda world: world.cut_line()),
    (5, lambda world: world.plug(1)),
    (8, lambda world: world.tap("04A2B1C3D4E580")),
    (80, lambda world: world.lose_power()),
    (85, lambda world: world.mend_line()),
)


class RecordedWorld(World):
    """A world whose every life is recorded."""

    def _born(self, state: Any) -> Any:
        self.witness = self.flight = FlightRecorder(veil=VEIL, version="scenario")
        return super()._born(state)


async def _history(story: Story) -> bytes:
    """Play *story*; what its last life recorded."""
    world = RecordedWorld(wall=Wall(kept=True))
    for moment, act in story:
        world.host.call_later(moment, act, world)
    end = story[-1][0] + 60.0
    while world.host.time() < end:
        try:
            async with asyncio.timeout(end - world.host.time()):
                await world.live()
                await elapse(1.0)
        except TimeoutError:
            break
    return _text(world.flight)


def _text(flight: FlightRecorder) -> bytes:
    recording = flight.recording()
    assert recording is not None
    return b"".join(recording.text())


def weld() -> RecordedRig:
    """A contactor that does not open when its session ends, and then does."""
    rig = session()
    rig.trip(Trip.WELDED)
    rig.wait(5.0)
    rig.trip()
    rig.wait(5.0)
    return rig


def main() -> None:
    """Write every file."""
    stories = {name: STORIES[story] for name, story in RECORDED.items()}
    for name, story in {**stories, "offline_power_cut": OFFLINE_POWER_CUT}.items():
        loop = VirtualLoop()
        try:
            text = loop.run_until_complete(_history(story))
        finally:
            loop.close()
        (HERE / f"{name}.rec").write_bytes(text)
    (HERE / "weld.rec").write_bytes(_text(weld().flight))


if __name__ == "__main__":
    main()
