"""Machine `reservations`: a connector is kept for a tag, until it comes or its time is over.

What a reservation means for cards, remote starts and statuses is in `holds`.
Source: OCPP 1.6 5.1, 5.13, 9.3; rulings 10, 16, 23.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from edge.core import faults, holds, keys, levels
from edge.core.bay import Phase
from edge.core.commands import (
    CancelReservation,
    CancelReservationConf,
    ReserveNow,
    ReserveNowConf,
)
from edge.core.draft import Draft
from edge.core.effects import Refuse, Reply
from edge.core.facts import Opened
from edge.core.records import ReservationEnded, ReservationMade
from edge.core.state import ChargePoint, Reservation
from edge.core.vocabulary import AvailabilityType

DRIFT_S: Final = 1.0  # a deadline is set anew when the wall clock moved by more than this
SOONEST_S: Final = 0.01  # two readings of two clocks are never closer than this


def on_reserve(draft: Draft, call_id: int, command: ReserveNow) -> None:
    """Keep what was asked for, in place of an older reservation of the same id."""
    status = _judge(draft, command)
    if status == "Accepted":
        _end(draft, command.reservation_id, silently=True)
        _make(draft, command)
    say = Reply if status == "Accepted" else Refuse
    draft.do(say(call_id=call_id, answer=ReserveNowConf(status=status)))


def on_cancel(draft: Draft, call_id: int, command: CancelReservation) -> None:
    """Accepted if there is such a reservation (5.1)."""
    known = any(one.reservation_id == command.reservation_id for one in draft.station.reservations)
    if known:
        _end(draft, command.reservation_id)
    status = "Accepted" if known else "Rejected"
    draft.do(Reply(call_id=call_id, answer=CancelReservationConf(status=status)))


def _make(draft: Draft, command: ReserveNow) -> None:
    made = Reservation(
        reservation_id=command.reservation_id,
        connector=command.connector_id,
        id_tag=command.id_tag,
        parent_id_tag=command.parent_id_tag,
        expiry_date=command.expiry_date,
        until=draft.now,  # `on_tick` sets it in this very step
    )
    draft.put_station(reservations=(*draft.station.reservations, made))
    draft.write(
        ReservationMade(
            reservation_id=made.reservation_id,
            connector=made.connector,
            id_tag=made.id_tag,
            parent_id_tag=made.parent_id_tag,
            expiry_date=made.expiry_date,
        )
    )


def _end(draft: Draft, reservation_id: int, *, silently: bool = False) -> None:
    """Let it go; *silently* where a record that replaces it follows."""
    others = tuple(
        one for one in draft.station.reservations if one.reservation_id != reservation_id
    )
    draft.put_station(reservations=others)
    if not silently:
        draft.write(ReservationEnded(reservation_id=reservation_id))


# ── may it be reserved ───────────────────────────────────────────────────────────────────────────


def _judge(draft: Draft, command: ReserveNow) -> str:
    state = draft.state
    refuses = (
        command.expiry_date <= draft.at.wall
        or command.connector_id not in (0, *state.connectors)
        or (not command.connector_id and not keys.flag(state, "ReserveConnectorZeroSupported"))
        or faults.unrecorded(state) is not None
        or state.station.restarting is not None
    )
    if refuses:
        return "Rejected"
    before = next(
        (one for one in _all(state) if one.reservation_id == command.reservation_id), None
    )
    rest = tuple(one for one in _all(state) if one is not before)
    freed = replace(state, station=replace(state.station, reservations=rest))
    if command.connector_id:
        return _judge_one(freed, command.connector_id, before, draft.now)
    return _judge_any(freed, before, draft.now)


def _all(state: ChargePoint) -> tuple[Reservation, ...]:
    return state.station.reservations


def _judge_one(state: ChargePoint, connector: int, before: Reservation | None, now: float) -> str:
    """*connector*, in a *state* without the reservation *before* that this one replaces."""
    if faults.fault(state, connector, now) is not None:
        return "Faulted"
    if connector not in levels.able(state, now):
        return "Unavailable"
    bay = state.bay(connector)
    free = holds.vacant(state, levels.able(state, now))
    if connector in free and len(free) > _promised(state):
        return "Accepted"
    held = {one.connector for one in _all(state)}
    keeps = before is not None and before.connector == connector and connector not in held
    plugged_only = bay.connector.phase is Phase.PREPARING and bay.connector.permit is None
    return "Accepted" if keeps and plugged_only else "Occupied"


def _judge_any(state: ChargePoint, before: Reservation | None, now: float) -> str:
    if all(faults.fault(state, number, now) is not None for number in state.connectors):
        return "Faulted"
    able = levels.able(state, now)
    if not able or state.station.service is AvailabilityType.INOPERATIVE:
        return "Unavailable"
    was_any = before is not None and not before.connector
    enough = was_any or len(holds.vacant(state, able)) > _promised(state)
    return "Accepted" if enough else "Occupied"


def _promised(state: ChargePoint) -> int:
    """How many of the free connectors somebody already counts on, without saying which."""
    for_any = sum(1 for one in _all(state) if not one.connector)
    return for_any + len(state.station.authorisation.floating)


# ── how it ends ──────────────────────────────────────────────────────────────────────────────────


def on_opened(draft: Draft, fact: Opened) -> None:
    """Its transaction has started (5.13 (1))."""
    if fact.reservation_id is not None:
        _end(draft, fact.reservation_id)


def on_tick(draft: Draft) -> None:
    """Its time is over (5.13 (2)); the deadline follows a wall clock that was set."""
    for one in draft.station.reservations:
        left_s = (one.expiry_date - draft.at.wall).total_seconds()
        until = draft.now + max(left_s, SOONEST_S)
        if left_s <= 0:
            _end(draft, one.reservation_id)
        elif draft.now >= one.until or abs(until - one.until) > DRIFT_S:
            _put(draft, replace(one, until=until))


def _put(draft: Draft, changed: Reservation) -> None:
    draft.put_station(
        reservations=tuple(
            changed if one.reservation_id == changed.reservation_id else one
            for one in draft.station.reservations
        )
    )


def settle(draft: Draft) -> None:
    """Its connector is Faulted or Unavailable (5.13 (3)). Runs after each step's facts."""
    if not draft.station.reservations:
        return
    able = levels.able(draft.state, draft.now)
    closed = draft.station.service is AvailabilityType.INOPERATIVE or not able
    for one in draft.station.reservations:
        if (one.connector not in able) if one.connector else closed:
            _end(draft, one.reservation_id)
