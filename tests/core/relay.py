"""A charging point with a phase relay, and sessions on it."""

from __future__ import annotations

from edge.core.effects import SwitchPhases
from edge.core.messages import StatusNotification
from edge.core.profiles import Profile
from edge.core.setup import PhaseSwitching, Policy, Setup
from edge.core.vocabulary import ConnectorStatus, RateUnit
from tests.core.bench import of, setup
from tests.core.build import Rig
from tests.core.charging_bench import DEFAULT, profile, put

SESSION = Policy(phase_switching=PhaseSwitching.SESSION)
WORDS = "switching phases"


def fitted(policy: Policy | None = None) -> Setup:
    return setup(phases=3, relay=True, policy=policy)


def allow(phases: int | None, limit: float = 16.0, unit: RateUnit = RateUnit.A) -> Profile:
    return profile(DEFAULT, (0, limit, phases), unit=unit)


def live(rig: Rig, seconds: float) -> None:
    """Time passes and the meter is read each second."""
    for _ in range(int(seconds)):
        rig.wait(1.0)
        rig.meter()


def charging(policy: Policy | None = None, phases: int | None = None) -> Rig:
    """A session that draws on as many phases as its profile says."""
    rig = Rig(fitted(policy), serve=True).online()
    if phases is not None:
        put(rig, allow(phases))
    rig.charging()
    live(rig, 12)
    assert rig.socket().closed
    assert rig.bay().seen.phases == (phases or 3)
    rig.log.clear()
    return rig


def moves(rig: Rig) -> list[int]:
    return [one.phases for one in of(SwitchPhases, rig.log)]


def told(rig: Rig) -> tuple[ConnectorStatus, str | None]:
    newest = rig.messages(StatusNotification)[-1]
    return newest.status, newest.info
