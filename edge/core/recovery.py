"""How a transaction that the last process left open ends, or goes on (rulings 4 and 40)."""

from __future__ import annotations

from edge.core import cards, faults, levels
from edge.core.draft import Draft
from edge.core.events import Pilot
from edge.core.facts import EndRead, MustStop, Resumed
from edge.core.vocabulary import StopReason


def decide(draft: Draft, connector: int) -> None:
    """Resume it where car, register, hardware and policy allow, else close it, as `restore` judged.

    What alone keeps it from going on, a fault that lasts or dark mains, is the reason then
    (ruling 17).
    """
    bay = draft.bay(connector)
    transaction = bay.transaction
    assert transaction is not None
    last = bay.metering.last
    known_wh = transaction.begin_wh if transaction.last_wh is None else transaction.last_wh
    is_sane = last is not None and last.energy_wh >= known_wh
    is_plugged = levels.is_plugged(draft.state, connector)
    is_there = is_plugged and bay.seen.pilot is not Pilot.A  # a locked cable needs no car
    goes_on = bay.connector.resumable and is_there and is_sane
    obstacle = _obstacle(draft, connector)
    if goes_on and obstacle is None:
        draft.tell(Resumed(connector=connector))
        return
    if transaction.stop_reason is None:
        why = bay.connector.recovery or StopReason.POWER_LOSS
        reason = obstacle if goes_on and obstacle is not None else why
        at = bay.connector.recovery_at or draft.at
        draft.tell(MustStop(connector=connector, reason=reason, at=at))
    draft.tell(EndRead(connector=connector, end=last))


def _obstacle(draft: Draft, connector: int) -> StopReason | None:
    """Why energy may not flow, whatever the session says."""
    if draft.station.supply_lost:
        return StopReason.POWER_LOSS
    bay = draft.bay(connector)
    if bay.transaction is not None and cards.bars(draft.state, bay.transaction.id_tag):
        return StopReason.OTHER
    broken = faults.lasting(draft.state, connector, draft.now)
    return None if broken is None else broken.ends
