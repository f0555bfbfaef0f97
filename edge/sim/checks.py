"""Arguments of verbs, checked: what is allowed is said in one sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from edge.errors import SimulationError
from edge.sim.pn532 import UID_BYTES

PHASES: Final = 3


def choice(name: str, value: Any, allowed: Sequence[str]) -> str:
    """*value*, which must be one of *allowed*."""
    if not isinstance(value, str) or value not in allowed:
        raise SimulationError(f"{name} is {value!r}: choose one of {', '.join(allowed)}")
    return value


def number(name: str, value: Any, *, least: float = -math.inf, most: float = math.inf) -> float:
    """*value* as a finite float from *least* to *most*."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SimulationError(f"{name} is {value!r}: give a number")
    if value < least:
        raise SimulationError(f"{name} is {value!r}: give {least:g} or more")
    if value > most:
        raise SimulationError(f"{name} is {value!r}: give {most:g} or less")
    return float(value)


def whole(name: str, value: Any, least: int, most: int) -> int:
    """*value* as a whole number from *least* to *most*."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise SimulationError(f"{name} is {value!r}: give a whole number from {least} to {most}")
    return value


def three(name: str, value: Any) -> tuple[float, ...]:
    """One value per phase; a single number counts for all."""
    values = value if isinstance(value, list) else [value] * PHASES
    if len(values) != PHASES:
        raise SimulationError(f"{name} has {len(values)} values: give one, or three")
    return tuple(number(name, each) for each in values)


def switch(name: str, value: Any) -> bool:
    """*value* as on or off."""
    if isinstance(value, bool):
        return value
    if value in ("on", "off"):
        return bool(value == "on")
    raise SimulationError(f"{name} is {value!r}: choose true or false, on or off")


def uid_of(value: Any) -> str:
    """A card's UID in upper-case hex; ISO 14443 knows 4, 7 and 10 bytes."""
    try:
        uid = bytes.fromhex(value)
    except (TypeError, ValueError):
        uid = b""
    if len(uid) not in UID_BYTES:
        raise SimulationError(f"uid is {value!r}: give 4, 7 or 10 bytes in hex, as 04A2B1C3D4E580")
    return uid.hex().upper()
