"""Why a connector is Faulted, and in which words: one table, the weightiest first.

What OCPP is told as `info`, and what people read, is the text of the row that applies.
Source: OCPP 1.6 4.9, 7.6; safety 8, 9, 12, 13, 18, 19; ruling 17.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.core.bay import Bay
from edge.core.events import Pilot, Trip
from edge.core.setup import AfterDamage
from edge.core.state import ChargePoint
from edge.core.vocabulary import ErrorCode, StopReason

STALE_METER_S: Final = 10.0  # safety 13: ten readings missed


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One reason to be Faulted, in OCPP's code and in words (50 letters at most).

    A lasting one *ends* the transaction at once, for this reason; a passing one is waited out
    (ruling 17).
    """

    code: ErrorCode
    info: str
    ends: StopReason | None = None


Sign = Callable[[ChargePoint, Bay, float], bool]
"""Whether a fault is there at a monotonic second."""


def fault(state: ChargePoint, connector: int, now: float) -> Fault | None:
    """Why *connector* is Faulted, or `None`."""
    bay = state.bay(connector)
    return next((found for is_there, found in TABLE if is_there(state, bay, now)), None)


def lasting(state: ChargePoint, connector: int, now: float) -> Fault | None:
    """A fault of *connector* that no transaction waits out, or `None`."""
    bay = state.bay(connector)
    lasts = (row for row in TABLE if row[1].ends is not None)
    return next((found for is_there, found in lasts if is_there(state, bay, now)), None)


def unrecorded(state: ChargePoint) -> Fault | None:
    """Why no session may begin: what is billed cannot be kept now. Those that run go on."""
    station = state.station
    if station.journal_lost is not None:
        info = _UNWRITTEN.get(station.journal_lost, "journal: no writing")
        return Fault(code=ErrorCode.INTERNAL_ERROR, info=info)
    refuses = state.setup.keeping.after_damage is AfterDamage.REFUSE
    if station.damage is not None and refuses:
        info = "journal was damaged, not yet accepted"
        return Fault(code=ErrorCode.INTERNAL_ERROR, info=info)
    return None


_UNWRITTEN: Final = {
    "full": "journal: disk is full",
    "read_only": "journal: disk is read-only",
    "io": "journal: disk does not work",
    "corrupt": "journal: file is damaged",
}
"""`JournalFailed.kind` in words."""


def meter_is_stale(bay: Bay, now: float) -> bool:
    """Whether the meter has failed and its last word is too old to sell energy by."""
    metering = bay.metering
    if metering.failed is None:
        return False
    return metering.good_at is None or now >= metering.good_at + STALE_METER_S


def _tripped(trip: Trip) -> Sign:
    return lambda _state, bay, _now: trip in bay.seen.tripped


WELDED: Final = Fault(
    code=ErrorCode.POWER_SWITCH_FAILURE, info="contactor does not open", ends=StopReason.OTHER
)

TABLE: Final[tuple[tuple[Sign, Fault], ...]] = (
    (
        lambda _state, bay, _now: bay.seen.lost is not None,
        Fault(code=ErrorCode.INTERNAL_ERROR, info="charging point does not answer"),
    ),
    (
        _tripped(Trip.EMERGENCY_STOP),
        Fault(code=ErrorCode.OTHER_ERROR, info="emergency stop", ends=StopReason.EMERGENCY_STOP),
    ),
    (
        _tripped(Trip.RCD),
        Fault(code=ErrorCode.GROUND_FAILURE, info="residual current device", ends=StopReason.OTHER),
    ),
    (_tripped(Trip.WELDED), WELDED),
    (
        _tripped(Trip.NOT_CLOSED),
        Fault(
            code=ErrorCode.POWER_SWITCH_FAILURE,
            info="contactor does not close",
            ends=StopReason.OTHER,
        ),
    ),
    (
        _tripped(Trip.OVER_TEMPERATURE),
        Fault(code=ErrorCode.HIGH_TEMPERATURE, info="too hot"),
    ),
    (
        _tripped(Trip.PILOT_LOST),
        Fault(code=ErrorCode.OTHER_ERROR, info="control pilot lost"),
    ),
    (
        _tripped(Trip.DEAD_MAN),
        Fault(code=ErrorCode.INTERNAL_ERROR, info="controller did not answer"),
    ),
    (lambda _state, bay, _now: bay.seen.welded, WELDED),
    (
        lambda _state, bay, _now: bay.seen.lock_failed,
        Fault(code=ErrorCode.CONNECTOR_LOCK_FAILURE, info="cable not locked"),
    ),
    (
        lambda _state, bay, _now: bay.seen.pilot in (Pilot.E, Pilot.F),
        Fault(code=ErrorCode.OTHER_ERROR, info="control pilot in state E or F"),
    ),
    (
        lambda _state, bay, now: meter_is_stale(bay, now),
        Fault(code=ErrorCode.POWER_METER_FAILURE, info="no reading from the meter"),
    ),
)
"""Each fault and how it shows; the first that applies is told."""
