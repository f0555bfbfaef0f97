"""Tags that nobody knows, and windows in which the next one presented becomes a card.

open ──► done         an unknown tag was presented by Authorize: it is a card now
  ├────► cancelled    somebody thought better of it
  └────► lapsed       the time ran out; told, never stored
"""

from __future__ import annotations

from typing import Final, NamedTuple

MOST_UNKNOWN: Final = 1000  # newest kept: a station that sends noise must not fill the disk
SHORTEST_S: Final = 5  # to walk to the reader
LONGEST_S: Final = 600  # a forgotten window would take a stranger's card
USUAL_S: Final = 60


class UnknownTag(NamedTuple):
    """A tag that was presented and belongs to no card; *charger* and *connector* are the last."""

    tag: str
    charger: str
    connector: int | None
    presented: int
    first_at_ms: int
    last_at_ms: int


class Enrolment(NamedTuple):
    """A window on a charger, and what the card that comes of it will be."""

    enrolment_id: int
    state: str
    opened_at_ms: int
    until_ms: int
    who: str
    kind: str
    label: str | None
    user_id: int | None
    parent: str | None
    expires_at_ms: int | None
    tag: str | None


def state_of(enrolment: Enrolment, now_ms: int) -> str:
    """Say how a window stands now: open, done, cancelled or lapsed."""
    if enrolment.state == "open" and enrolment.until_ms <= now_ms:
        return "lapsed"
    return enrolment.state
