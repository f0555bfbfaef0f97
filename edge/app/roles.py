"""`tapwatt edge cards`: roles given to cards at this machine, and taken away."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from edge.app.letters import written
from edge.core import cards
from edge.core.card_roles import CardAsked, Role
from edge.core.instant import Instant
from edge.core.state import ChargePoint
from edge.errors import ConfigError
from edge.runtime.loop import Loop
from edge.runtime.recorder import Recorder

LOOK_S: Final = 0.05  # nobody who lays a card on a reader notices
TAG_MOST: Final = 20  # letters of an idTag
UNWRITTEN: Final = "the role counts, and is written as soon as it does"


def listed(state: ChargePoint, now: float) -> dict[str, Any]:
    """Every card with a role, and how long the set-up window is open yet."""
    opened_at = state.station.cards.opened_at
    left_s = None if opened_at is None else round(opened_at + cards.WINDOW_S - now)
    known = sorted({*state.setup.card_roles, *state.station.cards.given})
    return {
        "cards": [
            {
                "id_tag": tag.upper(),
                "role": cards.role(state, tag),
                "here": tag in state.station.cards.given,
            }
            for tag in known
        ],
        "setup_left_s": left_s,
    }


async def change(
    loop: Loop[ChargePoint], recorder: Recorder, at: Instant, role: str | None, id_tag: str
) -> dict[str, Any]:
    """Give *id_tag* a role, or take it away; raises `ConfigError` with the objection."""
    if not 0 < len(id_tag) <= TAG_MOST:
        raise ConfigError(f"a card has 1 to {TAG_MOST} letters")
    _ask(loop, CardAsked(at=at, role=None if role is None else _role(role), id_tag=id_tag))
    await written(loop, recorder, UNWRITTEN)
    return {"id_tag": id_tag, "role": cards.role(loop.state, id_tag)}


async def learn(
    loop: Loop[ChargePoint], recorder: Recorder, at: Instant, role: str
) -> dict[str, Any]:
    """Give the card that is laid on a reader next a role; raises `ConfigError` if none comes."""
    _ask(loop, CardAsked(at=at, role=_role(role)))
    await loop.come_round()
    while (learning := loop.state.station.cards.learning) is not None:
        if learning.id_tag is not None:
            await written(loop, recorder, UNWRITTEN)
            return {"id_tag": learning.id_tag, "role": learning.role}
        await asyncio.sleep(LOOK_S)
    raise ConfigError("no card came while the set-up window was open: ask again, then tap")


def _ask(loop: Loop[ChargePoint], asked: CardAsked) -> None:
    objection = cards.objection(loop.state, asked)
    if objection is not None:
        raise ConfigError(objection)
    loop.post(asked)


def _role(word: str) -> Role:
    try:
        return Role(word)
    except ValueError:
        raise ConfigError(f"{word} is none of {', '.join(Role)}") from None
