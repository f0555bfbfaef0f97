"""Machine `supply`: the mains, where an input tells that they are going.

A back-up holds the computer up for a moment, not the car: there is no time to ramp. One step cuts
every contactor and writes, in one commit, why and when each session ended and its register as it
was read last; what is left of the moment goes to the end register and to telling.

A session that was ended so stays ended when the mains come back before the computer is down: its
end is written, perhaps told, and what was said about money never changes. Its card begins another.
Source: OCPP 1.6 4.10 (TC_032_1); ruling 4; firsts 19.
"""

from __future__ import annotations

from edge.core import transaction
from edge.core.bay import Phase
from edge.core.draft import Draft
from edge.core.events import PowerFailing, PowerReturned
from edge.core.facts import MustStop
from edge.core.vocabulary import StopReason


def on_failing(draft: Draft, _: PowerFailing) -> None:
    """Cut, write, tell; nobody begins until the mains are back (`levels.may_begin`)."""
    draft.put_station(supply_lost=True)
    for connector in draft.state.connectors:
        _note_register(draft, connector)
        draft.tell(MustStop(connector=connector, reason=StopReason.POWER_LOSS, urgent=True))


def _note_register(draft: Draft, connector: int) -> None:
    """The newest reading is worth a write now: the meter may be dark already, and soon we are."""
    bay = draft.bay(connector)
    if bay.connector.phase in (Phase.CHARGING, Phase.STOPPING):
        assert bay.metering.last is not None, "no session runs without a reading"
        transaction.note(draft, connector, bay.metering.last)


def on_returned(draft: Draft, _: PowerReturned) -> None:
    """The mains are back and we are still here: who wants to charge may begin."""
    draft.put_station(supply_lost=False)
