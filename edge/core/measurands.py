"""From a reading to OCPP's sampled values: units, phases, text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from edge.core.instant import Instant
from edge.core.key_kinds import PHASES
from edge.core.messages import MeterValue, SampledValue
from edge.core.quantities import Reading
from edge.core.vocabulary import ReadingContext

Values = Sequence[tuple[str, str | None]]
"""Text and phase, one pair per phase."""


def _decimal(value: float, digits: int) -> str:
    """Plain text without exponent; whole numbers without a point."""
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _energy(reading: Reading) -> Values:
    return [(str(reading.energy_wh), None)]


def _power(reading: Reading) -> Values:
    return [] if reading.power_w is None else [(_decimal(reading.power_w, 1), None)]


def _voltage(reading: Reading) -> Values:
    return [(_decimal(value, 1), f"L{n}-N") for n, value in enumerate(reading.voltage_v, 1)]


def _current(reading: Reading) -> Values:
    return [(_decimal(value, 2), f"L{n}") for n, value in enumerate(reading.current_a, 1)]


def _frequency(reading: Reading) -> Values:
    return [] if reading.frequency_hz is None else [(_decimal(reading.frequency_hz, 2), None)]


def _soc(reading: Reading) -> Values:
    return [] if reading.soc_percent is None else [(_decimal(reading.soc_percent, 0), None)]


def _offered_current(reading: Reading) -> Values:
    return [] if reading.offered_a is None else [(_decimal(reading.offered_a, 1), None)]


def _offered_power(reading: Reading) -> Values:
    return [] if reading.offered_w is None else [(_decimal(reading.offered_w, 0), None)]


_SOURCES: Final[Mapping[str, tuple[Callable[[Reading], Values], str | None, str | None]]] = {
    "Energy.Active.Import.Register": (_energy, "Wh", "Outlet"),
    "Power.Active.Import": (_power, "W", "Outlet"),
    "Current.Import": (_current, "A", "Outlet"),
    "Voltage": (_voltage, "V", "Outlet"),
    "Frequency": (_frequency, None, "Outlet"),
    "SoC": (_soc, "Percent", "EV"),
    "Current.Offered": (_offered_current, "A", "Outlet"),
    "Power.Offered": (_offered_power, "W", "Outlet"),
}
"""Measurand -> where it comes from, its unit (Frequency has none: ruling 35), its location."""


def sampled(
    reading: Reading, context: ReadingContext, names: Sequence[str], at: Instant | None = None
) -> MeterValue | None:
    """The values of *names* that *reading* has; `None` if it has none of them.

    `Voltage` names all phases, `Voltage.L1` one of them; listed twice, a value is told once.
    """
    values = tuple(
        dict.fromkeys(
            SampledValue(
                value=text,
                context=context,
                measurand=measurand,
                phase=phase,
                location=location,
                unit=unit,
            )
            for measurand, only in map(_parted, names)
            for source, unit, location in (_SOURCES[measurand],)
            for text, phase in source(reading)
            if only is None or (phase or "").startswith(only)
        )
    )
    return MeterValue(timestamp=at or reading.at, sampled_value=values) if values else None


def _parted(name: str) -> tuple[str, str | None]:
    """The measurand that *name* lists, and the phase if it lists one only."""
    measurand, _, last = name.rpartition(".")
    return (measurand, last) if last in PHASES else (name, None)
