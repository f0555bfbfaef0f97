"""Which card lies on the reader, by what each look for cards found.

A card counts once two looks have found it with no other between them: one checksum byte lets one
in 256 garbled frames pass, and a frame that is wrong twice in the same way does not come. It counts
again when it has been away. Two cards at once that are found in turns count neither.
"""

from __future__ import annotations

from typing import Final

AWAY_S: Final = 0.2  # a card that is tilted in the hand is not taken away
LOOKS_TILL_AWAY: Final = 2  # some readers miss a 7-byte card at every second look
UNANSWERED_TILL_AWAY: Final = 5  # lost answers, one after the other, on a line that works besides


class Presence:
    """What one reader has seen; it outlives a connection, and so does a card that lies there."""

    def __init__(self) -> None:
        self._lying: bytes | None = None
        self._candidate: bytes | None = None
        self._seen_at = 0.0
        self._empty = 0
        self._unanswered = 0

    def found(self, uid: bytes, now: float) -> bool:
        """A look found *uid*; whether it counts now."""
        self._seen_at, self._empty, self._unanswered = now, 0, 0
        if uid == self._lying:
            self._candidate = None
        elif uid != self._candidate:
            self._candidate = uid
        else:
            self._lying, self._candidate = uid, None
            return True
        return False

    def found_none(self, now: float) -> None:
        """A look found no card."""
        self._unanswered = 0
        self._empty += 1
        if self._empty >= LOOKS_TILL_AWAY and now - self._seen_at >= AWAY_S:
            self._forget()

    def unanswered(self) -> None:
        """The chip took the order to look and did not say what came of it.

        One that heeds no limit looks until a card comes: that is how it says none.
        """
        self._unanswered += 1
        if self._unanswered >= UNANSWERED_TILL_AWAY:
            self._forget()

    def _forget(self) -> None:
        self._lying = self._candidate = None
