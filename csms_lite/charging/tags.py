"""With which tag somebody charges who is not at the charger with a card."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from csms_lite.chance import Chance
from csms_lite.clock import Clock
from csms_lite.errors import Forbidden, Unacceptable
from csms_lite.gate import Principal, Role
from csms_lite.people.service import find_card, virtual_card

TagOf = Callable[[Connection, Principal, str | None], str]


def own_tags(clock: Clock, chance: Chance) -> TagOf:
    """Make the verb that gives a caller's tag; operators may name any, others their own cards.

    Without a name it is the account's virtual card, made when it is first needed. It raises
    `Forbidden` for somebody else's card, `Unacceptable` where there is none to take.
    """

    def tag_of(db: Connection, who: Principal, tag: str | None) -> str:
        if tag is None:
            if who.user_id is None:
                raise Unacceptable("name the tag to charge with")
            return virtual_card(
                db, who.user_id, chance.virtual_tag, clock.now_ms(), who=who.name
            ).tag
        if who.may(Role.OPERATOR):
            return tag
        card = find_card(db, tag)
        if card is None or card.user_id is None or card.user_id != who.user_id:
            raise Forbidden("this is not one of your cards: leave the tag out, or name one of them")
        return card.tag

    return tag_of
