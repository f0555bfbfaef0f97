"""Physical quantities with their units in their names."""

from __future__ import annotations

from dataclasses import dataclass

from edge.core.instant import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a meter said at one moment.

    energy_wh is the import register, a lifetime counter; tuples hold one value per phase, L1 first.
    `None` and empty tuples mean that the meter does not measure it. *offered_a* and *offered_w* are
    what we signalled to the car at that moment, added by the core. *meter_serial* is the number of
    the meter that said it, where it tells one.
    """

    at: Instant
    energy_wh: int
    power_w: float | None = None
    voltage_v: tuple[float, ...] = ()
    current_a: tuple[float, ...] = ()
    frequency_hz: float | None = None
    soc_percent: float | None = None
    offered_a: float | None = None
    offered_w: float | None = None
    meter_serial: str | None = None
