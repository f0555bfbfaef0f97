"""How a tag may be shown."""

from __future__ import annotations


def masked(id_tag: str) -> str:
    """A tag as it may be shown: its last four characters, fewer where that would be all of it."""
    return "…" + id_tag[-min(4, len(id_tag) // 2) :] if len(id_tag) > 1 else "…"
