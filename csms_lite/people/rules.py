"""What a card is and when it is good."""

from __future__ import annotations

from typing import Final, NamedTuple

TAG_LENGTH: Final = 20  # CiString20, OCPP 1.6 7.28


class Card(NamedTuple):
    """A card as it is stored; *status* is Accepted or Blocked."""

    tag: str
    status: str
    parent: str | None
    expires_at_ms: int | None


def tag_key(tag: str) -> str:
    """Give the form in which tags are compared: OCPP's idTag is case-insensitive."""
    return tag.upper()


def masked(tag: str) -> str:
    """Show a tag to the public: an ellipsis and at most its last four characters.

    Short tags show half of themselves at most, so that the mask never is the tag.
    """
    shown = min(4, len(tag) // 2)
    return "…" + (tag[-shown:] if shown else "")


def card_status(card: Card | None, now_ms: int) -> str:
    """Say what OCPP says of a card now: Accepted, Blocked, Expired or Invalid (7.2)."""
    if card is None:
        return "Invalid"
    if card.status != "Accepted":
        return card.status
    if card.expires_at_ms is not None and card.expires_at_ms <= now_ms:
        return "Expired"
    return "Accepted"
