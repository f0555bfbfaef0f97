"""A rig that is recorded, as the loop records."""

from __future__ import annotations

from typing import Any

from edge.core.events import Event, Started
from edge.core.step import step
from edge.recording.flight import FlightRecorder
from edge.recording.veil import Veil
from tests.core.bench import setup
from tests.core.build import Rig

VEIL = Veil(b"k" * 24)


class RecordedRig(Rig):
    """One charge point whose every step is recorded, and put through `step` as the loop does."""

    def __init__(self, *args: Any, most_bytes: int = 1 << 20, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.flight = FlightRecorder(veil=VEIL, version="1.2.3", most_bytes=most_bytes)

    def _take(self, event: Event) -> None:
        before = self.state
        _, effects = step(before, event)
        super()._take(event)
        self.flight.stepped(before, event, effects)

    def text(self) -> str:
        """What was recorded."""
        recording = self.flight.recording()
        assert recording is not None
        return b"".join(recording.text()).decode()


def session(seconds: int = 30, **options: Any) -> RecordedRig:
    """A tap, a minute of charging, a tap."""
    rig = RecordedRig(setup(connectors=2), serve=True, **options)
    rig.step(Started(at=rig.instant))
    rig.link_up()
    rig.charging()
    for second in range(seconds):
        rig.wait(1.0)
        rig.meter(1, 1000 + second, 16.0)
    rig.tap()
    rig.wait(10.0)
    return rig
