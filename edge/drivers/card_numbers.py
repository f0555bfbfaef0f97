"""From a card's number, as a reader reads it, to the idTag of OCPP: one form, and what is no tag.

Every kind of reader has these settings in its table. Tags compare without case, all else must be
the same text everywhere: in the lists of the central system and at each reader.
Source: complaints 20 and 21; OCPP 1.6 7.2 (CiString20); ISO 14443-3 6.5.4 (a UID of 4 bytes that
begins with 08 is random).

Quality: arithmetic.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
import structlog

from edge.core.events import TagFlaw, TagPresented, TagUnusable
from edge.ports import Clock

MOST_CHARACTERS: Final = 20  # of an idTag
RANDOM_BYTES: Final = 4
RANDOM_FIRST: Final = 0x08

log = structlog.get_logger()


class UidForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[readers.N.uid]`: how a UID is written.

    `order = "reversed"` is for readers and lists that begin with the last byte. `most_bytes` is the
    longest UID that is let in; with a separator a UID of 10 bytes does not fit into an idTag.
    """

    case: Literal["upper", "lower"] = "upper"
    order: Literal["as_read", "reversed"] = "as_read"
    separator: Literal["", ":", "-", " "] = ""
    most_bytes: Literal[4, 7, 10] = 10

    def __post_init__(self) -> None:
        needed = len(self.write(bytes(self.most_bytes)))
        if needed > MOST_CHARACTERS:
            message = (
                f'a UID of {self.most_bytes} bytes with separator "{self.separator}" has {needed} '
                f"characters, an idTag {MOST_CHARACTERS}: leave the separator out, or write "
                "most_bytes = 7 if no card has more"
            )
            raise ValueError(message)

    def write(self, uid: bytes) -> str:
        """*uid* as text."""
        ordered = uid if self.order == "as_read" else uid[::-1]
        text = ordered.hex(self.separator) if self.separator else ordered.hex()
        return text.upper() if self.case == "upper" else text


class ReaderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every reader's table may have: the connectors it serves (none: all), and its cards.

    `random_uids`: phones and bank cards show another number at each tap, so that nobody can be
    known by it, nor end with it what he began; `allow` only where every card is let in anyway.
    """

    connectors: tuple[Annotated[int, msgspec.Meta(ge=1)], ...] = ()
    uid: UidForm = UidForm()
    random_uids: Literal["refuse", "allow"] = "refuse"


class Cards:
    """Makes the events of reader *number*, one for each card laid on it."""

    def __init__(self, settings: ReaderSettings, clock: Clock, number: int) -> None:
        self._settings = settings
        self._clock = clock
        self._number = number

    def laid(self, uid: bytes) -> TagPresented | TagUnusable:
        """The card with *uid* has come."""
        if len(uid) > self._settings.uid.most_bytes:
            return self._unusable(TagFlaw.TOO_LONG)
        if _is_random(uid) and self._settings.random_uids == "refuse":
            return self._unusable(TagFlaw.CHANGES)
        return self._presented(self._settings.uid.write(uid))

    def numbered(self, text: str) -> TagPresented | TagUnusable:
        """The card has come on which *text* stands, or which a reader names so."""
        if len(text) > MOST_CHARACTERS:
            return self._unusable(TagFlaw.TOO_LONG)
        return self._presented(text)

    def _presented(self, id_tag: str) -> TagPresented:
        log.info("tag_presented", reader=self._number, tag=f"…{id_tag[-4:]}")
        return TagPresented(
            at=self._clock.now(),
            id_tag=id_tag,
            reader=self._number,
            connectors=self._settings.connectors,
        )

    def _unusable(self, flaw: TagFlaw) -> TagUnusable:
        log.info("tag_unusable", reader=self._number, flaw=str(flaw))
        return TagUnusable(
            at=self._clock.now(),
            flaw=flaw,
            reader=self._number,
            connectors=self._settings.connectors,
        )


def _is_random(uid: bytes) -> bool:
    return len(uid) == RANDOM_BYTES and uid[0] == RANDOM_FIRST
