"""Each cause why no energy flows or nobody can start: its sign, its words, its owner, its times.

Two tables, the weightiest cause first; longer words are in `reason_words`. `why` asks them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.core import faults, levels, limits
from edge.core.bay import Phase
from edge.core.events import Pilot
from edge.core.faults import Case
from edge.core.reason_words import (
    ENDED,
    HELD,
    LIMITS,
    MEND,
    MEND_ELSE,
    MEND_WORDS,
    NOT_ASKING,
    RESERVED,
    Owner,
    Words,
)
from edge.core.state import ChargePoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One cause: whether it is there, its words, and how its times follow from the state.

    *is_told*: StatusNotification says it; what passes within seconds is not worth a message.
    """

    is_there: Callable[[Case], bool]
    what: Callable[[Case], str]
    owner: Callable[[Case], Owner]
    remedy: Callable[[Case], str]
    since: Callable[[Case], float | None] = lambda _: None
    until: Callable[[Case], float | None] = lambda _: None
    is_told: bool = False


def limit_until(state: ChargePoint, lowest: limits.Limit) -> float | None:
    """When a limit ends, or is another, by time alone."""
    due = state.station.charging.due
    return due if lowest.owner is limits.Owner.PROFILES else lowest.until


def _lowest(case: Case) -> limits.Limit:
    return limits.slots(case.state, case.connector, case.now)[0]


def _pausing(case: Case) -> Words:
    lowest = _lowest(case)
    is_share = lowest.owner is limits.Owner.PROFILES
    if is_share and case.connector in case.state.station.charging.left_out:
        return Words(
            what="another car is served first",
            owner=Owner.STATION,
            remedy="It goes on when another car is full, or when the shared limit allows for both.",
        )
    return LIMITS[lowest.owner]


def _fault_info(case: Case) -> str:
    found = faults.fault(case.state, case.connector, case.now)
    assert found is not None
    return found.info


def _mend(case: Case) -> str:
    found = faults.fault(case.state, case.connector, case.now)
    assert found is not None
    told = HELD.get(found.info) or MEND_WORDS.get(found.info)
    return told or MEND.get(found.code, MEND_ELSE)


def _unwritten(case: Case) -> str:
    found = faults.unrecorded(case.state)
    assert found is not None
    return found.info


def _stopping(case: Case) -> str:
    assert case.bay.transaction is not None
    reason = case.bay.transaction.stop_reason
    return "the session is being ended" if reason is None else ENDED[reason][0]


def _stopper(case: Case) -> Owner:
    assert case.bay.transaction is not None
    reason = case.bay.transaction.stop_reason
    return Owner.STATION if reason is None else ENDED[reason][1]


def _stopping_since(case: Case) -> float | None:
    assert case.bay.transaction is not None
    at = case.bay.transaction.stopping_at
    here = at is not None and at.boot == case.state.station.clock.boot
    return at.monotonic if at is not None and here else None


def _reset_since(case: Case) -> float | None:
    under_way = case.state.station.restarting
    return None if under_way is None else under_way.since


def _reset_until(case: Case) -> float | None:
    under_way = case.state.station.restarting
    return None if under_way is None else under_way.until


def _tested_since(case: Case) -> float | None:
    running = case.bay.rcd_test.running
    return None if running is None else running.since


def _tested_until(case: Case) -> float | None:
    running = case.bay.rcd_test.running
    return None if running is None else running.until


def _asked_until(case: Case) -> float | None:
    waits = (one.until for one in case.state.waiting.values() if levels.is_asking(one.purpose))
    return max((until for until in waits if until is not None), default=None)


def _phases_rest_until(case: Case) -> float | None:
    moved_at = case.bay.phases.moved_at
    return None if moved_at is None else moved_at + case.state.setup.policy.phase_pause_s


# ── the tables ───────────────────────────────────────────────────────────────────────────────────


def _row(
    is_there: Callable[[Case], bool],
    what: str,
    owner: Owner,
    remedy: str,
    *,
    since: Callable[[Case], float | None] = lambda _: None,
    until: Callable[[Case], float | None] = lambda _: None,
    is_told: bool = False,
) -> Row:
    """A cause that always has the same words."""
    return Row(
        is_there=is_there,
        what=lambda _: what,
        owner=lambda _: owner,
        remedy=lambda _: remedy,
        since=since,
        until=until,
        is_told=is_told,
    )


def _phase_until(case: Case) -> float | None:
    return case.bay.connector.until


_FAULT: Final = Row(
    is_there=lambda case: faults.fault(case.state, case.connector, case.now) is not None,
    what=_fault_info,
    owner=lambda case: Owner.SITE if _fault_info(case) in HELD else Owner.SERVICE,
    remedy=_mend,
    since=lambda case: case.bay.seen.fault_since,
)

START: Final = (
    _FAULT,
    Row(
        is_there=lambda case: faults.unrecorded(case.state) is not None,
        what=_unwritten,
        owner=lambda _: Owner.SERVICE,
        remedy=lambda _: "Mend the disk; for a damaged journal see `tapwatt edge journal accept`.",
    ),
    _row(
        lambda case: case.state.station.supply_lost,
        "the mains are gone",
        Owner.SITE,
        "The mains must come back.",
        is_told=True,
    ),
    _row(
        lambda case: case.state.station.restarting is not None,
        "a reset was asked for",
        Owner.CENTRAL_SYSTEM,
        "The station is back when it has restarted.",
        since=_reset_since,
        until=_reset_until,
    ),
    _row(
        lambda case: levels.is_updating(case.state),
        "new firmware is being installed",
        Owner.CENTRAL_SYSTEM,
        "The station is back when it is installed.",
        is_told=True,
    ),
    _row(
        lambda case: not levels.is_operative(case.state, case.connector),
        "taken out of service",
        Owner.CENTRAL_SYSTEM,
        "The central system must set it Operative (ChangeAvailability).",
        is_told=True,
    ),
    _row(
        lambda case: not case.bay.seen.known,
        "the charging point is not seen yet",
        Owner.STATION,
        "Wait a moment; if it stays, check its wires and supply.",
    ),
    _row(
        lambda case: case.bay.rcd_test.running is not None,
        "the residual current device is being tested",
        Owner.STATION,
        "It takes a second or two: lay the card on the reader again then.",
        since=_tested_since,
        until=_tested_until,
    ),
    _row(
        lambda case: levels.is_kept(case.state, case.connector, case.now),
        RESERVED,
        Owner.CENTRAL_SYSTEM,
        "Use the card that it is reserved for, or another connector.",
    ),
    _row(
        lambda case: case.bay.connector.phase is Phase.OPENING,
        "a session is about to begin",
        Owner.STATION,
        "Lock and meter are waited for, a few seconds.",
        until=_phase_until,
    ),
    _row(
        lambda case: case.state.station.authorisation.asking > 0,
        "the central system is asked about a card",
        Owner.CENTRAL_SYSTEM,
        "It must answer; after a few seconds the station decides by itself.",
        until=_asked_until,
    ),
    _row(
        lambda case: levels.is_cut_off(case.state),
        "neither card reader nor central system is there",
        Owner.SERVICE,
        "Mend the card reader, or the line to the central system.",
    ),
)
"""Why nobody can start."""

ENERGY: Final = (
    Row(
        is_there=lambda case: case.bay.connector.phase is Phase.STOPPING,
        what=_stopping,
        owner=_stopper,
        remedy=lambda _: "The session is over when the contactor is open and the meter read.",
        since=_stopping_since,
        until=_phase_until,
    ),
    _row(
        lambda case: case.bay.connector.phase is Phase.RECOVERING,
        "a session is settled after a restart",
        Owner.STATION,
        "Inputs and meter are waited for, a few seconds.",
        until=_phase_until,
    ),
    _FAULT,
    _row(
        lambda case: levels.is_unwelcome(case.state, case.connector),
        "the card is not accepted",
        Owner.CENTRAL_SYSTEM,
        "End the session and use a card that the central system accepts.",
        is_told=True,
    ),
    Row(
        is_there=lambda case: limits.allowed_a(case.state, case.connector, case.now) == 0,
        what=lambda case: _pausing(case).what,
        owner=lambda case: _pausing(case).owner,
        remedy=lambda case: _pausing(case).remedy,
        since=lambda case: _lowest(case).since,
        until=lambda case: limit_until(case.state, _lowest(case)),
        is_told=True,
    ),
    _row(
        lambda case: levels.is_switching(case.state, case.connector),
        "switching phases",
        Owner.STATION,
        "The contactor must be open and the meter show no current; then the relay rests a while.",
        since=lambda case: case.bay.phases.since,
        until=_phases_rest_until,
        is_told=True,
    ),
    Row(
        is_there=lambda case: not levels.asks(case.state, case.connector),
        what=lambda case: levels.GONE if case.bay.seen.pilot is Pilot.A else NOT_ASKING,
        owner=lambda _: Owner.CAR,
        remedy=lambda _: "Look at the car: it may be full, wait for its timer, or be unplugged.",
    ),
    _row(
        lambda case: levels.waits_to_reclose(case.state, case.connector, case.now),
        "the contactor rests",
        Owner.STATION,
        "It closes again after a few seconds.",
        since=lambda case: case.bay.contactor.opened_at,
        until=lambda case: levels.recloses_at(case.state, case.connector),
    ),
    _row(
        lambda case: not levels.is_closed(case.bay),
        "the contactor has not closed yet",
        Owner.STATION,
        "It closes when the session is on the disk.",
    ),
    _row(
        lambda case: levels.draws_nothing(case.bay),
        "the car draws nothing",
        Owner.CAR,
        "Look at the car: it may be full, or wait for its timer.",
        since=lambda case: case.bay.contactor.low_since,
    ),
)
"""Why no energy flows in a session."""
