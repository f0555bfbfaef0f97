"""When a measured value is worth an alarm, with a gap so that none flickers. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from csms_lite.sessions.measures import BETWEEN_LINES, LARGEST_TO_NEUTRAL_V, PAIRS
from csms_lite.sessions.rules import Readings

VOLTAGE_LOW: Final = "under_voltage"
VOLTAGE_HIGH: Final = "over_voltage"
CURRENT_HIGH: Final = "over_current"
TEMPERATURE_HIGH: Final = "over_temperature"

DEAD_BELOW: Final = 0.2  # of nominal: a meter behind an open contactor reads about nothing
GAP_VOLTAGE: Final = 0.01  # of nominal
OVER_RATING: Final = 1.05  # meters and cars err by some per cent
GAP_TEMPERATURE_C: Final = 5.0
DIRECT: Final = frozenset({"CCS1", "CCS2", "CHAdeMO"})
DIRECT_OR_NOT: Final = "GB/T"  # both kinds have the name; a plate without phases is direct current


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is usual at a connector; `None` where nothing is known, and nothing is judged.

    *nominal_v* is to neutral. A rating in V and A is the connector's own.
    """

    nominal_v: float = 230.0
    tolerance: float = 0.1
    """Of the nominal voltage, either way (EN 50160)."""
    rated_a: float | None = None
    is_dc: bool = False
    """Its voltage follows the battery: only the rated one is a limit."""
    rated_v: float | None = None
    temperature_c: float = 80.0
    """Plugs of IEC 62196 are to switch off at 90 °C or below."""


USUAL: Final = Limits()


def rated(
    limits: Limits,
    connector_type: str,
    voltage_v: int | None,
    current_a: float | None,
    phases: int | None,
) -> Limits:
    """Give the limits of a connector by its plate."""
    is_dc = connector_type in DIRECT or (connector_type == DIRECT_OR_NOT and phases is None)
    return replace(limits, is_dc=is_dc, rated_v=voltage_v, rated_a=current_a)


class Finding(NamedTuple):
    """One quantity against its limit: beyond it, well within it, or between."""

    kind: str
    is_beyond: bool
    is_well_within: bool
    value: float
    limit: float


class Change(NamedTuple):
    """An alarm to raise, or to end."""

    kind: str
    is_raised: bool
    value: float
    limit: float


def changes(found: Readings, limits: Limits, raised: AbstractSet[str]) -> list[Change]:
    """Give what changes now that *raised* stand; a value between the limits changes nothing."""
    changed = []
    for one in findings(found, limits):
        if one.is_beyond and one.kind not in raised:
            changed.append(Change(one.kind, True, one.value, one.limit))
        elif one.is_well_within and one.kind in raised:
            changed.append(Change(one.kind, False, one.value, one.limit))
    return changed


def findings(found: Readings, limits: Limits) -> Iterator[Finding]:
    """Judge each quantity that was measured, by its worst value."""
    yield from _voltage(found, limits)
    currents = [number for phase, number in found.current.items() if phase != "N"]
    if currents and limits.rated_a is not None:
        value, limit = max(currents), limits.rated_a
        yield Finding(CURRENT_HIGH, value > limit * OVER_RATING, value <= limit, value, limit)
    if found.temperatures:
        value, limit = max(found.temperatures), limits.temperature_c
        is_well = value <= limit - GAP_TEMPERATURE_C
        yield Finding(TEMPERATURE_HIGH, value > limit, is_well, value, limit)


def _voltage(found: Readings, limits: Limits) -> Iterator[Finding]:
    if limits.is_dc:
        plain = found.voltage.get(None)
        if plain is not None and limits.rated_v is not None:
            limit = limits.rated_v
            yield Finding(VOLTAGE_HIGH, plain > limit * OVER_RATING, plain <= limit, plain, limit)
        return
    nominal = limits.nominal_v
    seen = [one for one in _to_neutral(found) if one >= nominal * DEAD_BELOW]
    if not seen:
        return
    low, high = (round(nominal * (1 + side * limits.tolerance), 3) for side in (-1, 1))
    gap = nominal * GAP_VOLTAGE
    worst = min(seen)
    yield Finding(VOLTAGE_LOW, worst < low, worst >= low + gap, worst, low)
    worst = max(seen)
    yield Finding(VOLTAGE_HIGH, worst > high, worst <= high - gap, worst, high)


def _to_neutral(found: Readings) -> Iterator[float]:
    for phase, number in found.voltage.items():
        if phase in PAIRS:
            yield number / BETWEEN_LINES
        elif phase is not None or number <= LARGEST_TO_NEUTRAL_V:
            yield number  # a plain voltage above it is between lines or of a battery: unknown
