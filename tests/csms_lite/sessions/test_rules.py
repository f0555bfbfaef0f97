"""Reading power and energy from what stations send."""

from __future__ import annotations

from typing import Any

import pytest

from csms_lite.sessions.rules import ENERGY, POWER, measure


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
    assert measure(values, ENERGY) == energy_wh


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
    assert measure(values, POWER) == power_w
