"""What hypothesis makes of the core's types: any event, any effect, any state."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

from hypothesis import strategies as st

from edge.core.effects import Effect
from edge.core.events import Event
from edge.core.state import ChargePoint

EVENTS: tuple[type, ...] = get_args(Event)
EFFECTS: tuple[type, ...] = get_args(Effect)
KINDS: tuple[type, ...] = (*EVENTS, *EFFECTS, ChargePoint)

moments = st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  bounds of hypothesis are naive
amounts = st.decimals(allow_nan=False, allow_infinity=False, places=3)

st.register_type_strategy(datetime, moments)
st.register_type_strategy(Decimal, amounts)
st.register_type_strategy(float, st.floats(allow_nan=False))  # one that is not even equal to itself
st.register_type_strategy(object, st.text(max_size=3))  # details of a CALLERROR


def some(kind: type) -> st.SearchStrategy[Any]:
    """Values of a class, however deep."""
    return st.from_type(kind)
