"""What whoever is in charge on the spot may want, by the control socket: checked, then an event."""

from __future__ import annotations

import math
from typing import Any, Final

from edge.core.events import Event
from edge.core.instant import Instant
from edge.core.state import ChargePoint
from edge.core.wishes import ReleaseAsked, SetpointGiven
from edge.errors import ConfigError

MOST_FOR_S: Final = 86_400.0  # a word that holds longer is a setting


def release(state: ChargePoint, now: Instant, connector: Any) -> tuple[Event, dict[str, Any]]:
    """Somebody has looked at *connector*; the answer says what was latched there."""
    number = _connector(state, connector)
    released = sorted(state.bay(number).latches)
    return ReleaseAsked(at=now, connector=number), {"released": released}


def limit(
    state: ChargePoint, now: Instant, connector: Any, limit_a: Any, for_s: Any
) -> tuple[Event, dict[str, Any]]:
    """A local energy manager's word on *connector*, `None` to take it back."""
    number = _connector(state, connector)
    allowed_a = None if limit_a is None else _number("limit_a", limit_a, math.inf)
    event = SetpointGiven(
        at=now,
        connector=number,
        limit_a=allowed_a,
        for_s=_number("for_s", for_s, MOST_FOR_S),
    )
    return event, {"limit_a": allowed_a}


def _connector(state: ChargePoint, given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given not in state.connectors:
        raise ConfigError(f"there is no connector {given!r}, only 1 to {len(state.bays)}")
    return given


def _number(name: str, given: Any, most: float) -> float:
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if not is_number or not math.isfinite(given) or not 0 <= given <= most:
        raise ConfigError(f"{name} is {given!r}: give a number from 0 to {most:g}")
    return float(given)
