"""A station whose residual current devices are tested, and what such a device does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from edge.core.effects import FireTestCoil
from edge.core.events import (
    Trip,
)
from edge.core.records import FaultLatched, Latch
from edge.core.saved import Saved
from edge.core.setup import Setup
from tests.core.bench import of, setup
from tests.core.build import Rig

PULSE_S: Final = 0.5
DAY_S: Final = 86_400.0


def with_coil(**options: Any) -> Setup:
    """A station whose residual current devices have test coils."""
    made = setup(**options)
    return replace(made, traits=tuple(replace(one, has_rcd_test=True) for one in made.traits))


def station(saved: Saved | None = None, **options: Any) -> Rig:
    """A station online; its first test is under way, if one was due."""
    rig = Rig(with_coil(**options), saved=saved, serve=True).start()
    rig.link_up()
    return rig


def fired(rig: Rig) -> int:
    """How often the test coil was fired."""
    return len(of(FireTestCoil, rig.log))


def pulse(rig: Rig, trips_after_s: float | None = 0.05) -> None:
    """The driver carries the pulse out; the device trips, or does not; the reflex latches."""
    rig.see(pulsed=True)
    if trips_after_s is not None:
        rig.wait(trips_after_s)
        rig.see(tripped=frozenset({Trip.RCD}))
    rig.wait(PULSE_S - (trips_after_s or 0.0))
    rig.see(pulsed=False)


def passes(rig: Rig) -> None:
    """A sound device: it trips, and lets go."""
    pulse(rig)
    rig.see(tripped=frozenset())


def sound() -> Rig:
    """A station that has passed its first test."""
    rig = station()
    passes(rig)
    rig.log.clear()
    return rig


def is_tested(rig: Rig) -> bool:
    return rig.bay().rcd_test.running is not None


def latches(rig: Rig) -> list[Latch]:
    return [one.latch for one in rig.written(FaultLatched)]
