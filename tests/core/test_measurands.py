"""From a reading to OCPP's sampled values."""

from __future__ import annotations

from edge.core import keys
from edge.core.measurands import sampled
from edge.core.quantities import Reading
from edge.core.vocabulary import ReadingContext
from tests.core.bench import NOON, at

PERIODIC = ReadingContext.SAMPLE_PERIODIC


def test_every_measurand_of_the_keys_can_be_sampled() -> None:
    """Ruling 35: all phases, units as the standard writes them."""
    reading = Reading(
        at=at(0),
        energy_wh=1234567,
        power_w=7400.04,
        voltage_v=(230.04, 231.0, 229.5),
        current_a=(16.004, 0.0, 1e-7),
        frequency_hz=50.01,
        soc_percent=42.0,
        offered_a=32.0,
        offered_w=7360.0,
    )
    value = sampled(reading, PERIODIC, keys.MEASURANDS)
    assert value is not None
    assert value.timestamp.wall == NOON
    rows = [(one.measurand, one.phase, one.value, one.unit) for one in value.sampled_value]
    assert rows == [
        ("Energy.Active.Import.Register", None, "1234567", "Wh"),
        ("Power.Active.Import", None, "7400", "W"),
        ("Current.Import", "L1", "16", "A"),
        ("Current.Import", "L2", "0", "A"),
        ("Current.Import", "L3", "0", "A"),
        ("Voltage", "L1-N", "230", "V"),
        ("Voltage", "L2-N", "231", "V"),
        ("Voltage", "L3-N", "229.5", "V"),
        ("Frequency", None, "50.01", None),
        ("SoC", None, "42", "Percent"),
        ("Current.Offered", None, "32", "A"),
        ("Power.Offered", None, "7360", "W"),
    ]


def test_a_meter_that_knows_energy_only_tells_energy_only() -> None:
    """What is not measured is not told."""
    value = sampled(Reading(at=at(0), energy_wh=5), PERIODIC, keys.MEASURANDS)
    assert value is not None
    assert [one.value for one in value.sampled_value] == ["5"]


def test_one_phase_can_be_chosen_and_nothing_is_told_twice() -> None:
    """9.1.17, ruling 35: `Voltage.L1` is one of the phases that `Voltage` names."""
    reading = Reading(at=at(0), energy_wh=5, voltage_v=(230.0, 231.0), current_a=(6.0, 7.0))
    value = sampled(reading, PERIODIC, ("Current.Import.L2", "Voltage.L1", "Voltage", "Voltage.L3"))
    assert value is not None
    rows = [(one.measurand, one.phase, one.value) for one in value.sampled_value]
    assert rows == [
        ("Current.Import", "L2", "7"),
        ("Voltage", "L1-N", "230"),
        ("Voltage", "L2-N", "231"),
    ]
