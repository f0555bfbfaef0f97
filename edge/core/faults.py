"""Why a connector is Faulted, and in which words: one table, the weightiest first.

What OCPP is told as `info`, and what people read, is the text of the row that applies.
Source: OCPP 1.6 4.9, 7.6; safety 8, 9, 12, 13, 18, 19; ruling 17.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.core import limits, temperature
from edge.core.bay import Bay, Concern, Phase, Verdict
from edge.core.events import Pilot, Trip
from edge.core.records import Latch
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One connector and its *bay* at a monotonic second."""

    state: ChargePoint
    connector: int
    bay: Bay
    now: float


def case_of(state: ChargePoint, connector: int, now: float) -> Case:
    """*connector* as *state* has it, looked up once for all rows of a table."""
    return Case(state=state, connector=connector, bay=state.bay(connector), now=now)


Sign = Callable[[Case], bool]
Table = tuple[tuple[Sign, Fault], ...]


def fault(state: ChargePoint, connector: int, now: float) -> Fault | None:
    """Why *connector* is Faulted, or `None`."""
    return _first(FAULTS, state, connector, now)


def lasting(state: ChargePoint, connector: int, now: float) -> Fault | None:
    """A fault of *connector* that no transaction waits out, or `None`."""
    return _first(LASTING, state, connector, now)


def warning(state: ChargePoint, connector: int, now: float) -> Fault | None:
    """What is told beside the status of a *connector* that is not Faulted, or `None`."""
    return _first(WARNINGS, state, connector, now)


def _first(table: Table, state: ChargePoint, connector: int, now: float) -> Fault | None:
    case = case_of(state, connector, now)
    for is_there, found in table:
        if is_there(case):
            return found
    return None


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
    return any(now >= due for due in stale_at(bay))


def stale_at(bay: Bay) -> tuple[float, ...]:
    """When a meter that has failed is missed; empty while it works."""
    metering = bay.metering
    if metering.failed is None:
        return ()
    return ((metering.good_at or 0.0) + STALE_METER_S,)


def stops_at(state: ChargePoint, bay: Bay) -> tuple[float, ...]:
    """When a failed meter stops energy: what runs may go on for a while (safety 13)."""
    runs = bay.transaction is not None and bay.connector.phase is Phase.CHARGING
    spared_s = state.setup.policy.meter_lost_go_on_s if runs else 0.0
    return tuple(due + spared_s for due in stale_at(bay))


def _tripped(trip: Trip) -> Sign:
    return lambda case: trip in case.bay.seen.tripped


def _leaks(case: Case) -> bool:
    return Trip.RCD in case.bay.seen.tripped and not case.bay.rcd_test.trips


def _latched(latch: Latch) -> Sign:
    return lambda case: latch in case.bay.latches


def _judged(concern: Concern) -> Sign:
    return lambda case: case.bay.verdicts.get(concern, _NEVER).holds


_NEVER: Final = Verdict()


def _is_derated(case: Case) -> bool:
    owners = (limit.owner for limit in limits.slots(case.state, case.connector, case.now))
    return limits.Owner.TEMPERATURE in owners


def _misses_sensor(case: Case) -> bool:
    traits = case.state.setup.traits[case.connector - 1]
    return temperature.is_missed(case.bay, traits, case.now)


def _ended_idle(case: Case) -> bool:
    return case.bay.transaction is None and _judged(Concern.NO_LOAD)(case)


EMERGENCY_STOP: Final = Fault(
    code=ErrorCode.OTHER_ERROR, info="emergency stop", ends=StopReason.EMERGENCY_STOP
)
RCD: Final = Fault(
    code=ErrorCode.GROUND_FAILURE, info="residual current device", ends=StopReason.OTHER
)
WELDED: Final = Fault(
    code=ErrorCode.POWER_SWITCH_FAILURE, info="contactor does not open", ends=StopReason.OTHER
)
NOT_CLOSED: Final = Fault(
    code=ErrorCode.POWER_SWITCH_FAILURE, info="contactor does not close", ends=StopReason.OTHER
)
OVER_CURRENT: Final = Fault(
    code=ErrorCode.OVER_CURRENT_FAILURE, info="more current than offered", ends=StopReason.OTHER
)

LATCHED: Final = {
    Latch.WELDED: WELDED,
    Latch.FLOWS_WHILE_OPEN: Fault(
        code=ErrorCode.POWER_SWITCH_FAILURE,
        info="current while open: contactor welded",
        ends=StopReason.OTHER,
    ),
    Latch.RCD: Fault(
        code=ErrorCode.GROUND_FAILURE,
        info="residual current again and again: look",
        ends=StopReason.OTHER,
    ),
    Latch.RCD_TEST: Fault(
        code=ErrorCode.GROUND_FAILURE,
        info="residual current device: self-test failed",
        ends=StopReason.OTHER,
    ),
}
"""What stays over a restart."""

FAULTS: Final[Table] = (
    (
        lambda case: case.bay.seen.lost is not None,
        Fault(code=ErrorCode.INTERNAL_ERROR, info="charging point does not answer"),
    ),
    (_tripped(Trip.EMERGENCY_STOP), EMERGENCY_STOP),
    (_leaks, RCD),
    (_latched(Latch.RCD), LATCHED[Latch.RCD]),
    (_latched(Latch.RCD_TEST), LATCHED[Latch.RCD_TEST]),
    (_tripped(Trip.WELDED), WELDED),
    (lambda case: case.bay.seen.welded, WELDED),
    (_latched(Latch.FLOWS_WHILE_OPEN), LATCHED[Latch.FLOWS_WHILE_OPEN]),
    (
        _judged(Concern.WELD_LIKELY),
        Fault(code=ErrorCode.POWER_SWITCH_FAILURE, info="current while open: welded?"),
    ),
    (_tripped(Trip.NOT_CLOSED), NOT_CLOSED),
    (_judged(Concern.OVER_CURRENT), OVER_CURRENT),
    (
        _tripped(Trip.OVER_TEMPERATURE),
        Fault(code=ErrorCode.HIGH_TEMPERATURE, info="too hot"),
    ),
    (
        lambda case: case.bay.temperature.too_hot.holds,
        Fault(code=ErrorCode.HIGH_TEMPERATURE, info="too hot inside"),
    ),
    (
        _tripped(Trip.PILOT_LOST),
        Fault(code=ErrorCode.OTHER_ERROR, info="control pilot lost"),
    ),
    (
        _tripped(Trip.DEAD_MAN),
        Fault(code=ErrorCode.INTERNAL_ERROR, info="controller did not answer"),
    ),
    (
        lambda case: case.bay.seen.lock_failed,
        Fault(code=ErrorCode.CONNECTOR_LOCK_FAILURE, info="cable not locked"),
    ),
    (
        lambda case: case.bay.seen.pilot in (Pilot.E, Pilot.F),
        Fault(code=ErrorCode.OTHER_ERROR, info="control pilot in state E or F"),
    ),
    (
        _judged(Concern.OVER_VOLTAGE),
        Fault(code=ErrorCode.OVER_VOLTAGE, info="supply voltage too high"),
    ),
    (
        _judged(Concern.UNDER_VOLTAGE),
        Fault(code=ErrorCode.UNDER_VOLTAGE, info="supply voltage too low"),
    ),
    (
        lambda case: any(case.now >= due for due in stops_at(case.state, case.bay)),
        Fault(code=ErrorCode.POWER_METER_FAILURE, info="no reading from the meter"),
    ),
)
"""Each fault and how it shows; the first that applies is told."""

LASTING: Final = tuple(row for row in FAULTS if row[1].ends is not None)

WARNINGS: Final[Table] = (
    (
        lambda case: meter_is_stale(case.bay, case.now),
        Fault(code=ErrorCode.POWER_METER_FAILURE, info="no reading from the meter, for now"),
    ),
    (
        _judged(Concern.WELD_SUSPECTED),
        Fault(code=ErrorCode.POWER_SWITCH_FAILURE, info="current while open"),
    ),
    (
        _judged(Concern.NOTHING_FLOWS),
        Fault(code=ErrorCode.POWER_SWITCH_FAILURE, info="no current though closed"),
    ),
    (
        _judged(Concern.HIGH_VOLTAGE),
        Fault(code=ErrorCode.OVER_VOLTAGE, info="supply voltage high"),
    ),
    (
        _judged(Concern.LOW_VOLTAGE),
        Fault(code=ErrorCode.UNDER_VOLTAGE, info="supply voltage low"),
    ),
    (_is_derated, Fault(code=ErrorCode.HIGH_TEMPERATURE, info="warm inside: less current")),
    (_misses_sensor, Fault(code=ErrorCode.OTHER_ERROR, info="no temperature: less current")),
    (_ended_idle, Fault(code=ErrorCode.NO_ERROR, info="no load")),
)
"""What is not in order and keeps nobody from charging; the first that applies is told."""
