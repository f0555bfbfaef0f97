"""A card's tag as the public may see it, whoever tells it."""

from __future__ import annotations

from typing import Final

SHOWN_MAX: Final = 4  # as in hmi/status.schema.json


def masked(tag: str) -> str:
    """Show an ellipsis and at most the last four characters.

    Short tags show half of themselves at most, so that the mask never is the tag.
    """
    shown = min(SHOWN_MAX, len(tag) // 2)
    return "…" + (tag[-shown:] if shown else "")
