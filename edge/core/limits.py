"""How much current a connector may offer now, and who says so: named slots, the lowest counts.

Every owner has his own slot and removes nobody else's. Only a local energy manager's word runs out;
charging profiles hold without the central system (ruling 28, OCPP 1.6 3.13.6).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from edge.core import temperature
from edge.core.bay import Phase
from edge.core.schedules import least_a, tenths
from edge.core.setup import PhaseSwitching
from edge.core.state import ChargePoint


class Owner(StrEnum):
    """Who limits."""

    RATING = "rating"
    PROFILES = "profiles"
    PHASES = "phases"
    TEMPERATURE = "temperature"
    SENSOR = "sensor"  # that is silent
    SETPOINT = "setpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """*owner* allows *limit_a*, *since* then if that is known, and *until* then if it runs out."""

    owner: Owner
    limit_a: float
    since: float | None = None
    until: float | None = None


def slots(state: ChargePoint, connector: int, now: float) -> tuple[Limit, ...]:
    """Every limit in force on *connector*, the lowest first."""
    return tuple(sorted(_slots(state, connector, now), key=lambda limit: limit.limit_a))


def allowed_a(state: ChargePoint, connector: int, now: float) -> float:
    """What all owners together allow; 0 if that is less than the connector can offer (ruling 3)."""
    traits = state.setup.traits[connector - 1]
    lowest_a = tenths(slots(state, connector, now)[0].limit_a)
    if lowest_a < least_a(traits.rated_a, has_pilot=traits.has_pilot):
        return 0.0
    return lowest_a if traits.has_pilot else traits.rated_a


def phases(state: ChargePoint, connector: int) -> int:
    """Over how many phases a car can draw now."""
    return state.bay(connector).seen.phases or state.setup.traits[connector - 1].phases


def usable_phases(state: ChargePoint, connector: int) -> int:
    """Over how many phases charging profiles let it draw, where that can be switched."""
    wired = state.setup.traits[connector - 1].phases
    return state.station.charging.phases.get(connector, wired)


def keeps_phases(state: ChargePoint, connector: int) -> bool:
    """Whether the phases stay as they are until the session ends."""
    by_session = state.setup.policy.phase_switching is PhaseSwitching.SESSIONS
    return by_session and state.bay(connector).phases.is_committed


def is_beyond_reach(state: ChargePoint, connector: int) -> bool:
    """Whether a session has more phases than profiles allow, and keeps them: it gets nothing."""
    fewer = usable_phases(state, connector) < phases(state, connector)
    charges = state.bay(connector).connector.phase is Phase.CHARGING
    return charges and fewer and keeps_phases(state, connector)


def _slots(state: ChargePoint, connector: int, now: float) -> Iterator[Limit]:
    traits, bay = state.setup.traits[connector - 1], state.bay(connector)
    yield Limit(owner=Owner.RATING, limit_a=traits.rated_a)
    profiles_a = state.station.charging.limits.get(connector)
    if profiles_a is not None:
        yield Limit(owner=Owner.PROFILES, limit_a=profiles_a)
    if is_beyond_reach(state, connector):
        yield Limit(owner=Owner.PHASES, limit_a=0.0)
    warm_since = bay.temperature.warm_since
    if warm_since is not None and traits.has_pilot:  # without a pilot there is no less, only none
        limit_a = _derated_a(state, connector)
        yield Limit(owner=Owner.TEMPERATURE, limit_a=limit_a, since=warm_since)
    if temperature.is_missed(bay, traits, now):
        yield Limit(
            owner=Owner.SENSOR,
            limit_a=state.setup.bounds.without_sensor_a,
            since=temperature.stale_at(bay, traits),
        )
    setpoint = bay.setpoint
    if setpoint is not None and now < setpoint.until:
        yield Limit(
            owner=Owner.SETPOINT,
            limit_a=setpoint.limit_a,
            since=setpoint.since,
            until=setpoint.until,
        )
    elif setpoint is not None:
        expired_a = state.setup.bounds.setpoint_expired_a
        yield Limit(owner=Owner.SETPOINT, limit_a=expired_a, since=setpoint.until)


def _derated_a(state: ChargePoint, connector: int) -> float:
    """From the rating where it is warm, in a straight line, to the least where it is too hot."""
    bounds, traits = state.setup.bounds, state.setup.traits[connector - 1]
    felt_c = state.bay(connector).temperature.felt_c
    assert felt_c is not None, "warm is what a sensor said"
    share = (felt_c - bounds.derate_from_c) / (bounds.stop_at_c - bounds.derate_from_c)
    lowest_a = least_a(traits.rated_a, has_pilot=True)
    return traits.rated_a - min(share, 1.0) * (traits.rated_a - lowest_a)
