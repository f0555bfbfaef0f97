"""Which connector a card means (ruling 11), as a pure question to the state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.core import cards, holds, levels
from edge.core.bay import Bay, Phase
from edge.core.events import TagPresented, TagUnusable
from edge.core.state import ChargePoint, same_group, tag_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The card ends this connector's transaction; *ask*: once its group is confirmed."""

    connector: int
    ask: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack:
    """The card withdraws its own permit, or takes its cable."""

    connector: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """The card wants to start on *connector*, or on whichever of *among* is plugged first."""

    connector: int | None
    among: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Nothing that this card could do here now; *silently*: not even the lamp says so."""

    silently: bool = False


Meaning = Stop | GiveBack | Begin | Refuse


def served(state: ChargePoint, event: TagPresented | TagUnusable) -> tuple[int, ...]:
    """The connectors that the reader of *event* serves."""
    if event.connectors:
        return tuple(number for number in event.connectors if number in state.connectors)
    readers = state.setup.readers
    wired = readers[event.reader] if event.reader < len(readers) else ()
    return wired or tuple(state.connectors)


def meaning(
    state: ChargePoint, id_tag: str, parent: str | None, among: Sequence[int], now: float
) -> Meaning:
    """What *id_tag*, of the group *parent* if that is known, means at a reader of *among*."""
    return (
        _own_session(state, id_tag, among, now)
        or _own_permit(state, id_tag, among)
        or _own_cable(state, id_tag, parent, among)
        or _anybodys_session(state, id_tag, among)
        or _group_session(state, parent, among)
        or _reserved(state, id_tag, parent, among, now)
        or _elsewhere(state, id_tag, parent, among, now)
        or _of_a_group(state, parent, among, now)
        or _ask_group(state, among)
        or Refuse(silently=_is_busy(state, among))
    )


def _own_session(
    state: ChargePoint, id_tag: str, among: Sequence[int], now: float
) -> Stop | Refuse | None:
    own = [number for number in _running(state, among) if _started(state.bay(number), id_tag)]
    if not own:
        return None
    eldest = _eldest(state, own)
    started_at = state.bay(eldest).connector.started_at or 0.0
    if now - started_at < state.setup.policy.start_stop_dead_time_s:
        return Refuse(silently=True)
    return Stop(connector=eldest)


def _running(state: ChargePoint, among: Sequence[int]) -> list[int]:
    return [number for number in among if state.bay(number).connector.phase is Phase.CHARGING]


def _started(bay: Bay, id_tag: str) -> bool:
    return bay.transaction is not None and tag_key(bay.transaction.id_tag) == tag_key(id_tag)


def _own_permit(state: ChargePoint, id_tag: str, among: Sequence[int]) -> GiveBack | None:
    for number in among:
        connector = state.bay(number).connector
        if connector.permit is None or connector.permit.remote:
            continue
        if connector.phase is Phase.PREPARING and tag_key(connector.permit.id_tag) == tag_key(
            id_tag
        ):
            return GiveBack(connector=number)
    for floating in state.station.authorisation.floating:
        own = tag_key(floating.permit.id_tag) == tag_key(id_tag)
        if own and not floating.permit.remote:
            return GiveBack(connector=None)
    return None


def _own_cable(
    state: ChargePoint, id_tag: str, parent: str | None, among: Sequence[int]
) -> GiveBack | None:
    for number in among:
        bay = state.bay(number)
        if bay.connector.keeps_lock and keeps(bay, id_tag, parent):
            return GiveBack(connector=number)
    return None


def keeps(bay: Bay, id_tag: str, parent: str | None) -> bool:
    """Whether the finished session here was this tag's, or its group's."""
    connector = bay.connector
    own = connector.keeper is not None and tag_key(connector.keeper) == tag_key(id_tag)
    return own or same_group(connector.keeper_parent, parent)


def _anybodys_session(state: ChargePoint, id_tag: str, among: Sequence[int]) -> Stop | None:
    """An admin's card ends the session that has run longest."""
    running = _running(state, among)
    if not running or not cards.stops_any(state, id_tag):
        return None
    return Stop(connector=_eldest(state, running))


def _eldest(state: ChargePoint, running: Sequence[int]) -> int:
    return min(running, key=lambda number: state.bay(number).connector.started_at or 0.0)


def _group_session(state: ChargePoint, parent: str | None, among: Sequence[int]) -> Stop | None:
    for number in _running(state, among):
        transaction = state.bay(number).transaction
        if transaction is not None and same_group(transaction.parent_id_tag, parent):
            return Stop(connector=number, ask=True)
    return None


def _reserved(
    state: ChargePoint, id_tag: str, parent: str | None, among: Sequence[int], now: float
) -> Begin | None:
    """Rule 3: what is reserved for this card is what it means, plugged or not."""
    number = holds.own(state, id_tag, parent, among)
    return _begin_on_reserved(state, number, now)


def _begin_on_reserved(state: ChargePoint, number: int | None, now: float) -> Begin | None:
    if number is None or not levels.may_begin(state, number, now):
        return None
    connector = state.bay(number).connector
    unused = connector.phase in (Phase.IDLE, Phase.PREPARING) and connector.permit is None
    return Begin(connector=number, among=(number,)) if unused else None


def _elsewhere(
    state: ChargePoint, id_tag: str, parent: str | None, among: Sequence[int], now: float
) -> Begin | Refuse | None:
    """Rules 4 to 7, among the connectors that nobody else has reserved."""
    held = levels.kept(state, now)
    open_to = tuple(one for one in among if holds.admits(held, one, id_tag, parent))
    return (
        _plugged(state, open_to, now)
        or _finished(state, id_tag, parent, open_to, now)
        or _free(state, open_to, now)
        or _permitted_from_afar(state, open_to, now)
    )


def _of_a_group(
    state: ChargePoint, parent: str | None, among: Sequence[int], now: float
) -> Begin | None:
    """Nothing else is open to a card of unknown parent: it may be of the group (5.13)."""
    held = levels.kept(state, now)
    for number in among:
        begin = _begin_on_reserved(state, number, now)
        if begin is not None and holds.may_be_group(held, number, parent):
            return begin
    return None


def _plugged(state: ChargePoint, among: Sequence[int], now: float) -> Begin | None:
    waiting = [
        number
        for number in among
        if state.bay(number).connector.phase is Phase.PREPARING
        and state.bay(number).seen.plugged
        and state.bay(number).connector.permit is None
        and levels.may_begin(state, number, now)
    ]
    if not waiting:
        return None
    latest = max(waiting, key=lambda number: state.bay(number).connector.plugged_at or 0.0)
    return Begin(connector=latest, among=(latest,))


def _finished(
    state: ChargePoint, id_tag: str, parent: str | None, among: Sequence[int], now: float
) -> Begin | Refuse | None:
    for number in among:
        bay = state.bay(number)
        if bay.connector.phase is not Phase.FINISHING or not levels.may_begin(state, number, now):
            continue
        if keeps(bay, id_tag, parent) or (len(among) == 1 and not bay.connector.keeps_lock):
            stopped_at = bay.connector.stopped_at
            dead_time_s = state.setup.policy.stop_start_dead_time_s
            if stopped_at is not None and now - stopped_at < dead_time_s:
                return Refuse(silently=True)
            return Begin(connector=number, among=(number,))
    return None


def _free(state: ChargePoint, among: Sequence[int], now: float) -> Begin | None:
    if _is_reserved_by_a_permit(state, among):
        return None
    free = tuple(
        number
        for number in among
        if state.bay(number).connector.phase is Phase.IDLE and levels.may_begin(state, number, now)
    )
    if not free:
        return None
    return Begin(connector=free[0] if len(free) == 1 else None, among=free)


def _is_reserved_by_a_permit(state: ChargePoint, among: Sequence[int]) -> bool:
    """Somebody's card was let in and he has not plugged yet: the reader is busy."""
    floating = state.station.authorisation.floating
    permits = [state.bay(number).connector.permit for number in among]
    permits.extend(one.permit for one in floating if set(one.among) & set(among))
    return any(permit is not None and not permit.remote for permit in permits)


def _permitted_from_afar(state: ChargePoint, among: Sequence[int], now: float) -> Begin | None:
    """A card in the driver's hand takes the place of a remote start that has not plugged yet."""
    if _is_reserved_by_a_permit(state, among):
        return None
    for number in among:
        connector = state.bay(number).connector
        waits = connector.phase is Phase.PREPARING and connector.permit is not None
        if waits and levels.may_begin(state, number, now):
            return Begin(connector=number, among=(number,))
    return None


def _ask_group(state: ChargePoint, among: Sequence[int]) -> Stop | None:
    """No place to start: perhaps it is a group's card. Only a known parent is worth asking."""
    for number in _running(state, among):
        transaction = state.bay(number).transaction
        if transaction is not None and transaction.parent_id_tag is not None:
            return Stop(connector=number, ask=True)
    return None


def _is_busy(state: ChargePoint, among: Sequence[int]) -> bool:
    busy = (Phase.OPENING, Phase.STOPPING, Phase.RECOVERING)
    return any(state.bay(number).connector.phase in busy for number in among)
