"""Reads sampled values: one unit per quantity, totals, phases, and power where none is told. Pure.

The number a station sent stays as it came; what is made of it stands beside it (B57).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from csms_lite.sessions.rules import Phases, Readings, Sample

ENERGY: Final = "Energy.Active.Import.Register"  # also what no measurand at all means (7.43)
POWER: Final = "Power.Active.Import"
CURRENT: Final = "Current.Import"
VOLTAGE: Final = "Voltage"
FACTOR: Final = "Power.Factor"
TEMPERATURE: Final = "Temperature"
SOC: Final = "SoC"
LARGEST: Final = 2**53  # beyond it a float no longer counts in ones
DIGITS: Final = 6  # hides 0.1 + 0.2, keeps µWh

UNITS: Final[Mapping[str, Mapping[str, tuple[float, float]]]] = {
    "Wh": {"Wh": (1, 0), "kWh": (1000, 0), "MWh": (1_000_000, 0)},
    "varh": {"varh": (1, 0), "kvarh": (1000, 0)},
    "W": {"W": (1, 0), "kW": (1000, 0), "MW": (1_000_000, 0)},
    "var": {"var": (1, 0), "kvar": (1000, 0)},
    "A": {"A": (1, 0), "mA": (0.001, 0)},
    "V": {"V": (1, 0), "mV": (0.001, 0), "kV": (1000, 0)},
    "Celsius": {
        "Celsius": (1, 0),
        "Celcius": (1, 0),  # the misspelling of the standard's first edition
        "K": (1, -273.15),
        "Fahrenheit": (5 / 9, -160 / 9),
    },
    "Percent": {"Percent": (1, 0)},
    "Hertz": {"Hertz": (1, 0)},
    "": {"": (1, 0), "Percent": (0.01, 0)},
}
"""Unit to which is converted: units in which it may come, as factor and offset."""

UNIT_OF: Final[Mapping[str, str]] = {
    "Energy.Active.Export.Register": "Wh",
    ENERGY: "Wh",
    "Energy.Reactive.Export.Register": "varh",
    "Energy.Reactive.Import.Register": "varh",
    "Energy.Active.Export.Interval": "Wh",
    "Energy.Active.Import.Interval": "Wh",
    "Energy.Reactive.Export.Interval": "varh",
    "Energy.Reactive.Import.Interval": "varh",
    "Power.Active.Export": "W",
    POWER: "W",
    "Power.Offered": "W",
    "Power.Reactive.Export": "var",
    "Power.Reactive.Import": "var",
    FACTOR: "",
    CURRENT: "A",
    "Current.Export": "A",
    "Current.Offered": "A",
    VOLTAGE: "V",
    "Frequency": "Hertz",
    TEMPERATURE: "Celsius",
    SOC: "Percent",
    "RPM": "",
}
"""Every measurand of OCPP 1.6 (7.31) and the unit to which its values are converted."""

_SCALES: Final[Mapping[tuple[str, str | None], tuple[float, float]]] = {
    (measurand, told): UNITS[unit][told or unit]
    for measurand, unit in UNIT_OF.items()
    for told in (*UNITS[unit], "", None)
}
"""Measurand and unit as told -> factor, offset."""

LINES: Final = ("L1", "L2", "L3")
PAIRS: Final = frozenset({"L1-L2", "L2-L3", "L3-L1"})
BETWEEN_LINES: Final = math.sqrt(3)  # how much more than to neutral
LARGEST_TO_NEUTRAL_V: Final = 300  # no mains has more; a plain voltage above it is between lines

Values = Sequence[Mapping[str, Any]]


def read_sample(at_ms: int, values: Values) -> Sample:
    """Make a sample of what was told of one moment."""
    found = readings(values)
    power = _total(found.power)
    derived = None if power is not None else derived_power_w(found)
    told = power if power is not None else derived
    return Sample(
        at_ms=at_ms,
        energy_wh=_whole(_total(found.energy)),
        power_w=_whole(told),
        values=values,
        readings=found,
        power_derived=derived is not None,
        soc_percent=None if found.soc is None else min(100, max(0, round(found.soc))),
    )


def convert(value: Mapping[str, Any]) -> tuple[float, str] | None:
    """Give a sampled value as number and unit; `None` for signed data and for what is no number.

    No unit means the unit to which is converted. A unit of another quantity is a mistake.
    """
    measurand = value.get("measurand", ENERGY)
    number = _number(value, measurand)
    return None if number is None else (number, UNIT_OF[measurand])


def readings(values: Values) -> Readings:
    """Sort the numbers that are used; of a reading told twice for one moment the last counts."""
    found = Readings()
    by_phase = {
        ENERGY: found.energy,
        POWER: found.power,
        CURRENT: found.current,
        VOLTAGE: found.voltage,
        FACTOR: found.factor,
    }
    for value in values:
        measurand = value.get("measurand", ENERGY)
        phases = by_phase.get(measurand)
        if phases is not None:
            if value.get("location", "Outlet") == "Outlet":
                number = _number(value, measurand)
                if number is not None:
                    phase = value.get("phase")
                    phases[None if phase is None else phase.removesuffix("-N")] = number
        elif measurand == SOC:
            number = _number(value, measurand)
            found.soc = found.soc if number is None else number
        elif measurand == TEMPERATURE and value.get("location") != "EV":
            number = _number(value, measurand)  # a hot battery is the car's own affair
            if number is not None:
                found.temperatures.append(number)
    return found


def _number(value: Mapping[str, Any], measurand: str) -> float | None:
    """Convert one value of a *measurand*."""
    scale = _SCALES.get((measurand, value.get("unit")))
    if scale is None or value.get("format", "Raw") != "Raw":
        return None
    factor, offset = scale
    try:
        number = float(value["value"])
    except ValueError:
        return None
    if factor != 1 or offset:
        number = round(number * factor + offset, DIGITS)
    return number if -LARGEST < number < LARGEST else None


def derived_power_w(found: Readings) -> float | None:
    """Reckon active power from current, voltage and power factor; `None` where it is ambiguous.

    By line: Σ U·I·λ. Direct current and one phase: U·I·λ. A single current with voltages between
    lines only is a balanced three-phase load: √3·U·I·λ. Without a factor it is taken as 1.
    """
    lines = [line for line in LINES if line in found.current]
    if lines:
        parts = [
            _of_line(found, line, found.current[line], is_alone=len(lines) == 1) for line in lines
        ]
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None
    current = found.current.get(None)
    if current is None:
        return None
    factor = found.factor.get(None, 1.0)
    if None in found.voltage:
        return found.voltage[None] * current * factor
    to_neutral = [found.voltage[line] for line in LINES if line in found.voltage]
    if len(to_neutral) == 1:
        return to_neutral[0] * current * factor
    between = [found.voltage[pair] for pair in PAIRS if pair in found.voltage]
    if between and not to_neutral:
        return BETWEEN_LINES * sum(between) / len(between) * current * factor
    return None  # three voltages and one current: its phase, or the mean of three?


def _of_line(found: Readings, line: str, current: float, *, is_alone: bool) -> float | None:
    voltage = found.voltage.get(line)
    if voltage is None:
        between = [found.voltage[pair] for pair in PAIRS if pair in found.voltage]
        plain = found.voltage.get(None)
        if between:
            voltage = sum(between) / len(between) / BETWEEN_LINES
        elif plain is not None:
            is_between = plain > LARGEST_TO_NEUTRAL_V and not is_alone
            voltage = plain / BETWEEN_LINES if is_between else plain
    if voltage is None:
        return None
    return voltage * current * found.factor.get(line, found.factor.get(None, 1.0))


def _total(phases: Phases) -> float | None:
    """Give the total; without one the phases are added."""
    if None in phases:
        return phases[None]
    return sum(phases.values()) if phases else None


def _whole(number: float | None) -> int | None:
    return None if number is None or not -LARGEST < number < LARGEST else round(number)
