"""With which tag somebody charges who is not at the charger with a card."""

from __future__ import annotations

from sqlalchemy import Connection

from csms_lite.errors import Forbidden, Unacceptable
from csms_lite.gate import Principal, Role


def tag_of(_db: Connection, who: Principal, tag: str | None) -> str:
    """Give the tag that is named: operators may use any, nobody else may name one yet.

    Cards have no owner here; where they have, a person's own card or virtual tag is what counts.
    """
    if not who.may(Role.OPERATOR):
        raise Forbidden("this account has no tag to charge with: ask the operator for one")
    if tag is None:
        raise Unacceptable("name the tag to charge with")
    return tag
