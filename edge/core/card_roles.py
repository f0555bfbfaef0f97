"""The local roles of cards: what somebody asks, what the journal keeps, what the state holds.

Written by machine `cards` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from edge.core.instant import Instant


class Role(StrEnum):
    """What a card is here, whatever the central system says of it."""

    OWNER = "owner"  # starts without being asked about
    GUEST = "guest"  # known by name, and a card like any other
    ADMIN = "admin"  # ends anybody's session, has latched faults tried again
    INSTALLER = "installer"  # opens the set-up window, never starts a session
    BLOCKED = "blocked"  # lost: refused before anything is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class CardAsked:
    """Somebody on this machine wants *id_tag* to be *role*; `None`: no longer what it was given.

    Without *id_tag* the card is meant that is laid on a reader next.
    """

    at: Instant
    role: Role | None
    id_tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureAsked:
    """Somebody on this machine wants what is remembered of *id_tags* forgotten."""

    at: Instant
    id_tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardKept:
    """A card was given *role* at this machine; *id_tag* is folded to lower case."""

    id_tag: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class CardForgotten:
    """It has only the role that the configuration gives it, if any."""

    id_tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """The card that is laid on a reader until *until* becomes *role*; *id_tag* is it, once seen."""

    role: Role
    until: float
    id_tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cards:
    """Roles given at this machine (keys in lower case), and the set-up window.

    *opened_at* is when the installer's card opened the window, `None` while it is closed: a restart
    finds it so.
    """

    given: Mapping[str, Role] = field(default_factory=dict)
    opened_at: float | None = None
    learning: Learning | None = None
