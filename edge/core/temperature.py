"""Machine `temperature`: how warm it is inside, and whether that is too much.

Warm means less current (`limits`), hot means none (`faults`); a sensor that is silent is taken for
neither, but lets no more than a fallback pass. Source: safety 15.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from edge.core.bay import Bay, Temperature
from edge.core.draft import Draft
from edge.core.events import EvseSeen, TemperatureRead
from edge.core.setup import Bounds, EvseTraits

STALE_SENSOR_S: Final = 30.0  # six readings missed
BACKLASH_K: Final = 1.0  # so far down before the current rises: noise must not move the offer
COOLS_K: Final = 5.0  # so far below where it stopped before it goes on
HOT_AFTER_S: Final = 5.0  # a second reading says so, too


def on_seen(draft: Draft, event: EvseSeen) -> None:
    """A controller with a sensor of its own tells it with its inputs."""
    if event.temperature_c is not None:
        _take(draft, event.connector, event.temperature_c)


def on_read(draft: Draft, event: TemperatureRead) -> None:
    """A sensor beside the contactor."""
    _take(draft, event.connector, event.celsius)


def _take(draft: Draft, connector: int, celsius: float) -> None:
    before, bounds = draft.bay(connector).temperature, draft.state.setup.bounds
    felt_c = _felt_c(before, celsius)
    is_warm = felt_c > bounds.derate_from_c
    warm_since = draft.now if before.warm_since is None else before.warm_since
    draft.put(
        connector,
        temperature=Temperature(
            celsius=celsius,
            felt_c=felt_c,
            seen_at=draft.now,
            warm_since=warm_since if is_warm else None,
            too_hot=before.too_hot.heard(
                _is_hot(celsius, bounds), draft.now, after_s=HOT_AFTER_S, over_s=HOT_AFTER_S
            ),
        ),
    )


def _felt_c(before: Temperature, celsius: float) -> float:
    """Up at once, down with some backlash."""
    if before.felt_c is None or celsius >= before.felt_c:
        return celsius
    return min(before.felt_c, celsius + BACKLASH_K)


def _is_hot(celsius: float, bounds: Bounds) -> bool | None:
    if celsius >= bounds.stop_at_c:
        return True
    return False if celsius <= bounds.stop_at_c - COOLS_K else None


def is_missed(bay: Bay, traits: EvseTraits, now: float) -> bool:
    """Whether there should be a sensor, and it has said nothing for too long."""
    due = stale_at(bay, traits)
    return due is not None and now >= due


def stale_at(bay: Bay, traits: EvseTraits) -> float | None:
    """When a sensor that stays silent is missed; `None` where there is none."""
    if not traits.has_temperature:
        return None
    return (bay.temperature.seen_at or 0.0) + STALE_SENSOR_S


def deadlines(bay: Bay, traits: EvseTraits) -> Iterator[float | None]:
    """When the sensor is missed."""
    yield stale_at(bay, traits)


def begun(now: float) -> Temperature:
    """A process begins: the sensor gets its time to come up."""
    return replace(Temperature(), seen_at=now)
