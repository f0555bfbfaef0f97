"""`[installation]`: who has seen to the protection outside the computer, and what it is.

Software protects nobody: with `production = true` the daemon starts only once the installer has
confirmed, with name and date, what does. Each missing thing is named in one sentence.
Source: ruling 3 (which kind of charging point may be used so), safety.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Any, Final

import msgspec

from edge.errors import ConfigError


class ResidualCurrent(StrEnum):
    """The residual current device upstream."""

    TYPE_B = "type_b"
    TYPE_A_WITH_6_MA_DC = "type_a_6ma_dc"


class EmergencyStop(StrEnum):
    """An emergency stop breaks the coil's circuit itself, or there is none."""

    IN_SERIES = "in_series"
    NONE = "none"


class HangGuard(StrEnum):
    """What opens the coil when the computer hangs."""

    DEAD_MAN = "dead_man"
    WATCHDOG = "watchdog"
    CONTROLLER = "controller"


class Outlet(StrEnum):
    """What a charging point without pilot ends in."""

    FIXED_CABLE = "fixed_cable"
    DOMESTIC_SOCKET = "domestic_socket"  # with shutter, behind a circuit breaker of its own


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """What the installer confirms; *over_current* in his words, as in `"C16, 4-pole"`."""

    production: bool = False
    confirmed_by: str | None = None
    confirmed_on: date | None = None
    residual_current: ResidualCurrent | None = None
    over_current: str | None = None
    emergency_stop: EmergencyStop | None = None
    coil_rest_open: bool = False
    hang_guard: HangGuard | None = None
    outlet: Outlet | None = None


MISSING: Final[Mapping[str, str]] = {
    "confirmed_by": "write the name of who has seen the installation",
    "confirmed_on": "write the day of it, as in 2026-05-31",
    "residual_current": "fit a residual current device and write type_b or type_a_6ma_dc",
    "over_current": "fit an over-current device for the cable and write what it is",
    "emergency_stop": "wire it in series with the coil and write in_series, or write none",
    "coil_rest_open": "make sure that the contactor is open without current and write true",
    "hang_guard": "write what opens the coil when we hang: dead_man, watchdog or controller",
}
"""What to do about each key that `[installation]` lacks."""


def check_production(
    installation: Installation, hardware: str, evses: Mapping[int, Mapping[str, Any]]
) -> None:
    """Refuse production without all that it needs; raises `ConfigError`."""
    if not installation.production:
        return
    found = [*_unconfirmed(installation), *_unfit(installation, evses)]
    if hardware != "real":
        found.insert(0, 'hardware: a simulated bay serves nobody, write hardware = "real"')
    if found:
        raise ConfigError("[installation] production = true:\n  " + "\n  ".join(found))


def _unconfirmed(installation: Installation) -> Iterator[str]:
    for key, remedy in MISSING.items():
        if not getattr(installation, key):
            yield f"{key}: {remedy}"


def _unfit(installation: Installation, evses: Mapping[int, Mapping[str, Any]]) -> Iterator[str]:
    """Charging points of a kind that production does not allow (ruling 3)."""
    for number, evse in evses.items():
        if evse.get("kind") != "gpio":
            continue
        where = f"connectors.{number}.evse"
        if installation.hang_guard is HangGuard.CONTROLLER:
            yield f"{where}: no controller watches its pins, write dead_man or watchdog"
        if installation.hang_guard is HangGuard.DEAD_MAN and "dead_man" not in evse:
            yield f"{where}: a dead-man needs its pin, write dead_man = PIN"
        if "pilot_pwm" in evse:
            continue
        if "plug" not in evse:
            yield f"{where}: without pilot and plug sense its empty socket is live, wire one"
        elif installation.outlet is None:
            yield (
                f"{where}: without pilot it may only end in a fixed_cable or a domestic_socket"
                " with shutter and circuit breaker, write which as outlet"
            )
