"""What energy costs: the only place that rounds money."""

from __future__ import annotations

from typing import Final, NamedTuple

WH_PER_KWH: Final = 1000


class Tariff(NamedTuple):
    """A price: whole minor units of *currency* (ISO 4217) per kWh."""

    currency: str
    per_kwh_minor: int


def cost_minor(energy_wh: int, per_kwh_minor: int) -> int:
    """Price an amount of energy in whole minor units, halves rounded up."""
    return (energy_wh * per_kwh_minor + WH_PER_KWH // 2) // WH_PER_KWH
