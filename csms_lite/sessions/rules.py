"""What a transaction and its samples are, and what can be read from a sample."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

ENERGY: Final = "Energy.Active.Import.Register"  # also what no measurand at all means (7.43)
POWER: Final = "Power.Active.Import"
SCALE: Final[Mapping[str, Mapping[str, float]]] = {
    ENERGY: {"Wh": 1, "kWh": 1000},
    POWER: {"W": 1, "kW": 1000},
}
LARGEST: Final = 2**53  # beyond it a float no longer counts in ones


class Session(NamedTuple):
    """A transaction as it is stored, with the OCPP identity of its charger."""

    transaction_id: int
    station_id: int
    charger: str
    connector: int
    id_tag: str
    verdict: str
    state: str
    meter_start_wh: int
    started_at_ms: int
    received_at_ms: int
    meter_stop_wh: int | None
    stopped_at_ms: int | None
    stop_reason: str | None
    cable_out_at_ms: int | None
    register_wh: int | None
    power_w: int | None
    measured_at_ms: int | None
    currency: str | None
    per_kwh_minor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was measured at one moment: converted, and as it came."""

    at_ms: int
    energy_wh: int | None
    power_w: int | None
    values: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A transaction that began at a station."""

    connector: int
    id_tag: str
    meter_start_wh: int
    started_at_ms: int
    reservation_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A transaction that ended at a station."""

    transaction_id: int
    meter_stop_wh: int
    stopped_at_ms: int
    reason: str
    id_tag: str | None
    samples: tuple[Sample, ...]


def energy_wh(session: Session) -> int:
    """Give the energy of a session so far, or in the end; never less than nothing."""
    newest = session.meter_stop_wh if session.meter_stop_wh is not None else session.register_wh
    return 0 if newest is None else max(0, newest - session.meter_start_wh)


def measure(values: Sequence[Mapping[str, Any]], measurand: str) -> int | None:
    """Read one measurand from OCPP sampledValues, in W or Wh; `None` when it is not there.

    The total wins; without one the phases are added. Only the outlet counts, which is also what
    no location means. Values that are no number are passed over: some stations send them.
    """
    total: float | None = None
    phases: dict[str, float] = {}
    for sampled in values:
        number = _number(sampled, measurand)
        if number is None:
            continue
        phase = sampled.get("phase")
        if phase is None:
            total = number
        else:
            phases[str(phase).removesuffix("-N")] = number
    found = total if total is not None else (sum(phases.values()) if phases else None)
    return None if found is None else round(found)


def same_stop(session: Session, stop: Stop) -> bool:
    """Say whether *stop* only repeats how *session* is known to have ended."""
    return (
        session.meter_stop_wh == stop.meter_stop_wh
        and session.stopped_at_ms == stop.stopped_at_ms
        and session.stop_reason == stop.reason
    )


def newest(samples: Iterable[Sample]) -> Sample | None:
    """Give the latest of some samples."""
    return max(samples, key=lambda sample: sample.at_ms, default=None)


def _number(sampled: Mapping[str, Any], measurand: str) -> float | None:
    if sampled.get("measurand", ENERGY) != measurand:
        return None
    if sampled.get("location", "Outlet") != "Outlet" or sampled.get("format", "Raw") != "Raw":
        return None
    units = SCALE[measurand]
    scale = units.get(sampled.get("unit") or next(iter(units)))
    if scale is None:
        return None
    try:
        number = float(sampled["value"]) * scale
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) < LARGEST else None
