"""Which connector is kept for whom: reservations as pure questions to the state.

A reservation of a connector keeps that one. One for connector 0 keeps no particular connector, but
the last that are free: while more are free than reserved, anybody may have one (5.13, ruling 23).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from edge.core.bay import Phase
from edge.core.state import ChargePoint, Reservation, same_group, tag_key

Kept = Mapping[int, tuple[Reservation, ...]]
"""Connector -> the reservations of which one is needed to start there; absent: none is."""


def kept(state: ChargePoint, able: Collection[int]) -> Kept:
    """The connectors kept for somebody, of those that are *able* to charge at all."""
    reservations = state.station.reservations
    held: dict[int, tuple[Reservation, ...]] = {
        one.connector: (one,) for one in reservations if one.connector
    }
    for_any = tuple(one for one in reservations if not one.connector)
    if not for_any:
        return held
    free = vacant(state, able)
    if len(free) <= len(for_any):
        held.update(dict.fromkeys(free, for_any))
    if len(free) < len(for_any):  # a plug alone, where the last place was, takes it from nobody
        held.update(dict.fromkeys(_plugged(state, able), for_any))
    return held


def vacant(state: ChargePoint, able: Collection[int]) -> tuple[int, ...]:
    """The *able* connectors that nobody uses, waits for, or has reserved by its number."""
    return _unclaimed(state, able, Phase.IDLE)


def _plugged(state: ChargePoint, able: Collection[int]) -> tuple[int, ...]:
    return _unclaimed(state, able, Phase.PREPARING)


def _unclaimed(state: ChargePoint, able: Collection[int], phase: Phase) -> tuple[int, ...]:
    reserved = {one.connector for one in state.station.reservations}
    return tuple(
        number
        for number in able
        if number not in reserved
        and state.bay(number).connector.phase is phase
        and state.bay(number).connector.permit is None
    )


def belongs(reservation: Reservation, id_tag: str, parent: str | None) -> bool:
    """Whether *reservation* is for this tag or its group; a parent is no tag (3.10)."""
    own = tag_key(reservation.id_tag) == tag_key(id_tag)
    return own or same_group(reservation.parent_id_tag, parent)


def admits(held: Kept, connector: int, id_tag: str, parent: str | None) -> bool:
    """Whether this tag, of the group *parent*, may start on *connector*."""
    needed = held.get(connector, ())
    return not needed or any(belongs(one, id_tag, parent) for one in needed)


def may_be_group(held: Kept, connector: int, parent: str | None) -> bool:
    """Whether the tag could turn out to be of the group that *connector* is kept for."""
    return parent is None and any(one.parent_id_tag is not None for one in held.get(connector, ()))


def own(state: ChargePoint, id_tag: str, parent: str | None, among: Sequence[int]) -> int | None:
    """The connector *among* these that is reserved by its number for this tag."""
    for one in state.station.reservations:
        if one.connector in among and belongs(one, id_tag, parent):
            return one.connector
    return None


def used_up(state: ChargePoint, connector: int, id_tag: str, parent: str | None) -> int | None:
    """The id of the reservation that a transaction of this tag on *connector* ends."""
    mine = [one for one in state.station.reservations if belongs(one, id_tag, parent)]
    for wanted in (connector, 0):
        for one in mine:
            if one.connector == wanted:
                return one.reservation_id
    return None
