"""Reading what stations measure: one unit per quantity, and power where none is told."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest

from csms_lite.sessions.measures import ENERGY, POWER, UNIT_OF, UNITS, convert, read_sample


def value(text: str, **more: str) -> dict[str, Any]:
    return {"value": text, **more}


@pytest.mark.parametrize(
    ("values", "energy_wh"),
    [
        ([value("1234")], 1234),
        ([value("1234", unit="Wh", measurand=ENERGY)], 1234),
        ([value("1.2345", unit="kWh")], 1234),
        ([value("12", measurand="Voltage"), value("7")], 7),
        ([value("7", location="Inlet")], None),
        ([value("7", location="Outlet", context="Transaction.End")], 7),
        ([value("1", phase="L1"), value("2", phase="L2-N"), value("3", phase="L3")], 6),
        ([value("1", phase="L1"), value("9")], 9),
        ([value("oops")], None),
        ([value("nan")], None),
        ([value("inf")], None),
        ([value("1e300")], None),
        ([value("7", unit="varh")], None),
        ([value("AB12", format="SignedData")], None),
        ([], None),
    ],
)
def test_energy_is_read_as_watt_hours(values: list[dict[str, Any]], energy_wh: int | None) -> None:
    """No measurand means the energy register, no unit Wh, no location the outlet (7.43)."""
    assert read_sample(0, values).energy_wh == energy_wh


@pytest.mark.parametrize(
    ("values", "power_w"),
    [
        ([value("7.4", measurand=POWER, unit="kW")], 7400),
        ([value("7400", measurand=POWER)], 7400),
        ([value(str(w), measurand=POWER, phase=p) for w, p in ((10, "L1"), (20, "L2"))], 30),
        ([value("1234")], None),
    ],
)
def test_power_is_read_as_watts(values: list[dict[str, Any]], power_w: int | None) -> None:
    """Power is only what is called power; phases are added when there is no total."""
    sample = read_sample(0, values)
    assert (sample.power_w, sample.power_derived) == (power_w, False)


CURRENT, VOLTAGE, FACTOR = "Current.Import", "Voltage", "Power.Factor"


@pytest.mark.parametrize(
    ("told", "converted"),
    [
        (value("7.4", measurand=POWER, unit="kW"), (7400, "W")),
        (value("1.5", unit="kWh"), (1500, "Wh")),
        (value("2", measurand="Energy.Reactive.Import.Register", unit="kvarh"), (2000, "varh")),
        (value("3", measurand="Power.Reactive.Export", unit="kvar"), (3000, "var")),
        (value("230500", measurand=VOLTAGE, unit="mV"), (230.5, "V")),
        (value("16000", measurand=CURRENT, unit="mA"), (16, "A")),
        (value("32", measurand="Current.Offered"), (32, "A")),
        (value("11", measurand="Power.Offered", unit="kW"), (11000, "W")),
        (value("55.5", measurand="SoC", unit="Percent"), (55.5, "Percent")),
        (value("300", measurand="Temperature", unit="K"), (26.85, "Celsius")),
        (value("104", measurand="Temperature", unit="Fahrenheit"), (40, "Celsius")),
        (value("40", measurand="Temperature", unit="Celcius"), (40, "Celsius")),
        (value("49.98", measurand="Frequency"), (49.98, "Hertz")),
        (value("98", measurand=FACTOR, unit="Percent"), (0.98, "")),
        (value("0.98", measurand=FACTOR), (0.98, "")),
        (value("-5", measurand=CURRENT), (-5, "A")),
        (value("0.3", measurand=VOLTAGE, unit="kV"), (300, "V")),
        (value("5", measurand=VOLTAGE, unit="A"), None),
        (value("1,5", measurand=VOLTAGE), None),
        (value("on", measurand=CURRENT), None),
        (value("", measurand=CURRENT), None),
        (value("7", measurand="Of.Tomorrow"), None),
    ],
)
def test_each_value_is_converted_and_nothing_is_guessed(
    told: dict[str, Any], converted: tuple[float, str] | None
) -> None:
    """Each kind of quantity has one unit; what is no number of it stays as it came (B53-B57)."""
    sample = read_sample(0, [told])
    assert convert(told) == converted
    assert sample.values == [told]


def test_every_measurand_and_unit_of_the_standard_is_known() -> None:
    """7.31 and 7.48, from the schema that stations are held to."""
    schema = json.loads((resources.files("ocpp.v16") / "schemas" / "MeterValues.json").read_text())
    meter_value = schema["properties"]["meterValue"]["items"]["properties"]
    told = meter_value["sampledValue"]["items"]["properties"]
    assert set(told["measurand"]["enum"]) == set(UNIT_OF)
    assert set(told["unit"]["enum"]) - {"VA", "kVA"} <= {
        unit for units in UNITS.values() for unit in units
    }
    assert convert(value("1", measurand=POWER, unit="VA")) is None  # apparent is not active


def of(measurand: str, **by_phase: float) -> list[dict[str, Any]]:
    return [
        value(str(number), measurand=measurand)
        | ({} if phase == "all" else {"phase": phase.replace("_", "-")})
        for phase, number in by_phase.items()
    ]


@pytest.mark.parametrize(
    ("values", "power_w"),
    [
        (of(CURRENT, all=16) + of(VOLTAGE, all=230), 3680),
        (of(CURRENT, all=16) + of(VOLTAGE, L1_N=230), 3680),
        (of(CURRENT, L1=16) + of(VOLTAGE, L1_N=230), 3680),
        (of(CURRENT, all=100) + of(VOLTAGE, all=400), 40000),
        (of(CURRENT, all=16) + of(VOLTAGE, all=230) + of(FACTOR, all=0.5), 1840),
        (of(CURRENT, L1=10, L2=10, L3=10) + of(VOLTAGE, L1=230, L2=231, L3=229), 6900),
        (of(CURRENT, L1=10, L2=0, L3=0, N=10) + of(VOLTAGE, L1=230, L2=231, L3=229), 2300),
        (of(CURRENT, L1=10, L2=10, L3=10) + of(VOLTAGE, all=230), 6900),
        (of(CURRENT, L1=10, L2=10, L3=10) + of(VOLTAGE, all=400), 6928),
        (of(CURRENT, L1=10, L2=10, L3=10) + of(VOLTAGE, L1_L2=400, L2_L3=400, L3_L1=400), 6928),
        (of(CURRENT, all=10) + of(VOLTAGE, L1_L2=400, L2_L3=400, L3_L1=400), 6928),
        (
            of(CURRENT, L1=10, L2=10) + of(VOLTAGE, L1=230, L2=230) + of(FACTOR, L1=0.5, all=0.9),
            3220,
        ),
        (of(CURRENT, all=10) + of(VOLTAGE, L1=230, L2=230, L3=230), None),
        (of(CURRENT, L1=10, L2=10) + of(VOLTAGE, L1=230), None),
        (of(CURRENT, all=10), None),
        (of(VOLTAGE, all=230), None),
    ],
)
def test_power_that_is_not_told_is_reckoned_and_marked(
    values: list[dict[str, Any]], power_w: int | None
) -> None:
    """One phase, three phases, direct current, power factor (B55); never where it is ambiguous."""
    sample = read_sample(0, values)
    assert (sample.power_w, sample.power_derived) == (power_w, power_w is not None)


def test_power_that_is_told_is_never_reckoned() -> None:
    """The meter knows better than U times I."""
    sample = read_sample(0, [*of(CURRENT, all=16), *of(VOLTAGE, all=230), *of(POWER, all=3000)])
    assert (sample.power_w, sample.power_derived) == (3000, False)


def test_the_state_of_charge_stays_within_a_hundred() -> None:
    """Some cars tell 101 %."""
    told = [read_sample(0, of("SoC", all=percent)).soc_percent for percent in (-1, 55.4, 101)]
    assert told == [0, 55, 100]
