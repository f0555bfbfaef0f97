"""Money is whole minor units, rounded in one place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csms_lite.tariffs.rules import cost_minor

ENERGY = st.integers(0, 10**9)
PRICE = st.integers(0, 10**6)


@pytest.mark.parametrize(
    ("energy_wh", "per_kwh_minor", "cost"),
    [(0, 45, 0), (1000, 45, 45), (1, 45, 0), (11, 45, 0), (12, 45, 1), (10, 50, 1), (9, 50, 0)],
)
def test_halves_are_rounded_up(energy_wh: int, per_kwh_minor: int, cost: int) -> None:
    """Half a cent is a cent."""
    assert cost_minor(energy_wh, per_kwh_minor) == cost


@given(ENERGY, PRICE)
def test_a_cost_is_never_more_than_half_a_unit_off(energy_wh: int, price: int) -> None:
    """Rounding is to the nearest unit, in exact arithmetic."""
    assert abs(2 * (1000 * cost_minor(energy_wh, price) - energy_wh * price)) <= 1000


@given(ENERGY, ENERGY, PRICE)
def test_more_energy_never_costs_less(one: int, more: int, price: int) -> None:
    """The estimate on the page only rises."""
    assert cost_minor(one + more, price) >= cost_minor(one, price)
