"""When a measured value raises an alarm, and that it does not flicker."""

from __future__ import annotations

from typing import Any

import pytest

from csms_lite.sessions.measures import readings
from csms_lite.sessions.warnings import (
    CURRENT_HIGH,
    TEMPERATURE_HIGH,
    USUAL,
    VOLTAGE_HIGH,
    VOLTAGE_LOW,
    Limits,
    changes,
    rated,
)

NONE: frozenset[str] = frozenset()
RATED = Limits(rated_a=32)
DIRECT = Limits(is_dc=True, rated_v=920, rated_a=500)


def told(measurand: str, number: float, **more: str) -> dict[str, Any]:
    return {"measurand": measurand, "value": str(number), **more}


def judged(
    *values: dict[str, Any], limits: Limits = USUAL, raised: frozenset[str] = NONE
) -> list[tuple[str, bool]]:
    found = readings(values)
    return [(change.kind, change.is_raised) for change in changes(found, limits, raised)]


@pytest.mark.parametrize(
    ("volts", "raised", "changed"),
    [
        (230, NONE, []),
        (207, NONE, []),
        (206.9, NONE, [(VOLTAGE_LOW, True)]),
        (253, NONE, []),
        (253.1, NONE, [(VOLTAGE_HIGH, True)]),
        (206.9, {VOLTAGE_LOW}, []),
        (208, {VOLTAGE_LOW}, []),
        (209.4, {VOLTAGE_LOW}, [(VOLTAGE_LOW, False)]),
        (252, {VOLTAGE_HIGH}, []),
        (250.6, {VOLTAGE_HIGH}, [(VOLTAGE_HIGH, False)]),
        (260, {VOLTAGE_LOW}, [(VOLTAGE_LOW, False), (VOLTAGE_HIGH, True)]),
        (0, NONE, []),
        (12, NONE, []),
        (0, {VOLTAGE_LOW}, []),
        (400, NONE, []),
    ],
)
def test_voltage_has_a_band(
    volts: float, raised: frozenset[str], changed: list[tuple[str, bool]]
) -> None:
    """B53: a tenth either way, with a gap; an open contactor is no low voltage."""
    assert judged(told("Voltage", volts), raised=frozenset(raised)) == changed


def test_the_worst_phase_counts() -> None:
    """Between lines it is √3 of the voltage to neutral."""
    phases = [told("Voltage", 230, phase="L1-N"), told("Voltage", 260, phase="L2-N")]
    assert judged(*phases) == [(VOLTAGE_HIGH, True)]
    assert judged(told("Voltage", 400, phase="L1-L2")) == []
    assert judged(told("Voltage", 450, phase="L1-L2")) == [(VOLTAGE_HIGH, True)]


@pytest.mark.parametrize(
    ("amps", "raised", "changed"),
    [
        (32, NONE, []),
        (33.6, NONE, []),
        (33.7, NONE, [(CURRENT_HIGH, True)]),
        (33, {CURRENT_HIGH}, []),
        (32, {CURRENT_HIGH}, [(CURRENT_HIGH, False)]),
    ],
)
def test_current_is_held_to_the_rating(
    amps: float, raised: frozenset[str], changed: list[tuple[str, bool]]
) -> None:
    """B54; the neutral may carry more with harmonics, and without a rating nothing is known."""
    sample = told("Current.Import", amps, phase="L1")
    assert judged(sample, limits=RATED, raised=frozenset(raised)) == changed
    assert judged(sample) == []
    assert judged(told("Current.Import", 60, phase="N"), limits=RATED) == []


@pytest.mark.parametrize(
    ("degrees", "raised", "changed"),
    [
        (80, NONE, []),
        (80.5, NONE, [(TEMPERATURE_HIGH, True)]),
        (77, {TEMPERATURE_HIGH}, []),
        (75, {TEMPERATURE_HIGH}, [(TEMPERATURE_HIGH, False)]),
    ],
)
def test_heat_is_told_until_it_has_cooled(
    degrees: float, raised: frozenset[str], changed: list[tuple[str, bool]]
) -> None:
    """The hottest place of the charger counts, not the car's battery."""
    hot = told("Temperature", degrees, location="Cable")
    cool = told("Temperature", 20, location="Body")
    assert judged(hot, cool, raised=frozenset(raised)) == changed
    assert judged(told("Temperature", 99, location="EV")) == []


def test_direct_current_follows_the_battery() -> None:
    """Only what the plug is rated for is a limit."""
    assert judged(told("Voltage", 250), limits=DIRECT) == []
    assert judged(told("Voltage", 920), limits=DIRECT) == []
    assert judged(told("Voltage", 970), limits=DIRECT) == [(VOLTAGE_HIGH, True)]
    assert judged(told("Voltage", 970), limits=Limits(is_dc=True)) == []


@pytest.mark.parametrize(
    ("plate", "is_dc"),
    [
        (("Type 2", 400, 32, 3), False),
        (("CCS2", 920, 500, None), True),
        (("CHAdeMO", 500, 400, None), True),
        (("GB/T", 750, 250, None), True),
        (("GB/T", 400, 32, 3), False),
        (("Schuko", None, None, None), False),
    ],
)
def test_a_plate_sets_the_limits(plate: tuple[Any, ...], is_dc: bool) -> None:
    """B51: what the operator wrote of a connector; the band of the mains stays the setting's."""
    limits = rated(USUAL, *plate)
    assert (limits.is_dc, limits.rated_v, limits.rated_a) == (is_dc, plate[1], plate[2])
    assert limits.nominal_v == USUAL.nominal_v


def test_what_was_not_measured_changes_nothing() -> None:
    """An alarm stands until a reading says otherwise."""
    everything = frozenset({VOLTAGE_LOW, VOLTAGE_HIGH, CURRENT_HIGH, TEMPERATURE_HIGH})
    assert judged(told("Power.Active.Import", 7400), limits=RATED, raised=everything) == []
