"""Machine `refusals`: for a moment the lamp says no, and the page too.

A card whose number changes or does not fit into OCPP is refused without asking anybody: nobody
could say whose it is, and what it began nobody could end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from edge.core import routing
from edge.core.draft import Draft
from edge.core.events import TagFlaw, TagUnusable
from edge.core.facts import TagRefused
from edge.core.state import ChargePoint, Refusal

REFUSED_FOR_S: Final = 3.0  # how long the lamp says no

_WORDS: Final[Mapping[TagFlaw | None, str]] = {
    None: "the card is not accepted",
    TagFlaw.CHANGES: "this card changes its number: use another one",
    TagFlaw.TOO_LONG: "this card's number is too long: use another one",
}
"""Words for whoever stands there, 50 letters at most."""


def on_refused(draft: Draft, fact: TagRefused) -> None:
    """A card may not, here and now."""
    _refuse(draft, fact.connectors, None)


def on_unusable(draft: Draft, event: TagUnusable) -> None:
    """A card whose number names nobody; while another card is asked about it is not looked at."""
    if not draft.station.authorisation.asking:
        _refuse(draft, routing.served(draft.state, event), event.flaw)


def _refuse(draft: Draft, connectors: tuple[int, ...], flaw: TagFlaw | None) -> None:
    refusal = Refusal(until=draft.now + REFUSED_FOR_S, flaw=flaw)
    draft.put_station(refusals={**draft.station.refusals, **dict.fromkeys(connectors, refusal)})


def on_tick(draft: Draft) -> None:
    """A refusing lamp goes back."""
    refusals = {
        connector: refusal
        for connector, refusal in draft.station.refusals.items()
        if draft.now < refusal.until
    }
    if len(refusals) != len(draft.station.refusals):
        draft.put_station(refusals=refusals)


def word(state: ChargePoint, connector: int) -> str | None:
    """What to say of the card that was just refused on *connector*."""
    refusal = state.station.refusals.get(connector)
    return None if refusal is None else _WORDS[refusal.flaw]
