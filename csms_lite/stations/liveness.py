"""What follows from when a station was last heard, kept apart from what it reports. Pure.

There is one clock of life: any frame that came in, or a pong. What a station reports and what was
commanded is never overwritten by it. Defaults as decided in the requirements, 1.6 row 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MISSED_PINGS: Final = 2  # one may be lost to bad radio

OUT_OF_ORDER: Final = frozenset({"Faulted", "Unavailable"})
FREE: Final = frozenset({"Available", "Unknown"})
RESERVED: Final = frozenset({"Reserved"})


class Line(StrEnum):
    """Whether a station can be talked to."""

    CONNECTED = "CONNECTED"
    STALE = "STALE"
    DISCONNECTED = "DISCONNECTED"


class State(StrEnum):
    """What a station is to drivers (seed D)."""

    FREE = "Free"
    RESERVED = "Reserved"
    USED = "Used"
    DISMISSED = "Dismissed"
    BROKEN = "Broken"
    UNDEFINED = "Undefined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a silence means what, in seconds."""

    beat_s: float = 60
    """The heartbeat interval that stations are told."""
    ping_every_s: float = 20
    late_s: float = 90
    """How long after the beat that was expected a silent socket is stale."""
    offline_after_s: float = 300
    broken_after_beats: int = 3
    alert_after_s: float = 900

    @property
    def stale_after_s(self) -> float:
        """When a socket that says nothing is stale."""
        return max(self.beat_s + self.late_s, MISSED_PINGS * self.ping_every_s)

    @property
    def close_after_s(self) -> float:
        """When a stale socket is closed: the station may come back at once."""
        return max(self.offline_after_s, self.stale_after_s + self.ping_every_s)

    @property
    def broken_after_s(self) -> float:
        """When a silent station counts as broken."""
        return self.broken_after_beats * self.beat_s


def line_state(*, has_socket: bool, silent_s: float | None, patience: Patience) -> Line:
    """Tell how the line is; *silent_s* is `None` for a station never heard."""
    if not has_socket:
        return Line.DISCONNECTED
    is_stale = silent_s is not None and silent_s > patience.stale_after_s
    return Line.STALE if is_stale else Line.CONNECTED


def station_state(
    *,
    is_dismissed: bool,
    silent_s: float | None,
    statuses: Iterable[str],
    is_charging: bool,
    patience: Patience,
) -> State:
    """Tell what a station is to drivers, from the statuses of its connectors (0 left out).

    The first that holds: taken out of use, never seen, three beats missed, nothing in order,
    something free, something in use, the rest reserved.
    """
    if is_dismissed:
        return State.DISMISSED
    if silent_s is None:
        return State.UNDEFINED
    if silent_s > patience.broken_after_s:
        return State.BROKEN
    told = list(statuses)
    in_order = [status for status in told if status not in OUT_OF_ORDER]
    if told and not in_order:
        return State.USED if is_charging else State.BROKEN
    if any(status in FREE for status in in_order):
        return State.FREE
    if is_charging or any(status not in RESERVED for status in in_order):
        return State.USED
    return State.RESERVED if in_order else State.FREE


def derived_status(reported: str, silent_s: float | None, patience: Patience) -> str:
    """Tell what a connector's status is worth: after a long silence it cannot be used."""
    is_gone = silent_s is None or silent_s > patience.offline_after_s
    return "Unavailable" if is_gone else reported
