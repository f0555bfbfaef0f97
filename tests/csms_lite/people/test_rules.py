"""Cards: how tags compare, when a card is good, what the public may see."""

from __future__ import annotations

import pytest

from csms_lite.people.rules import Card, card_status, tag_key
from edge.hmi.tags import masked

GOOD = Card(tag="04A2b1", status="Accepted", parent=None, expires_at_ms=None)


def test_tags_compare_without_case() -> None:
    """An idTag is case-insensitive (7.28)."""
    assert tag_key("04a2B1") == tag_key("04A2b1")


@pytest.mark.parametrize(
    ("card", "status"),
    [
        (None, "Invalid"),
        (GOOD, "Accepted"),
        (GOOD._replace(status="Blocked"), "Blocked"),
        (GOOD._replace(expires_at_ms=1000), "Expired"),
        (GOOD._replace(expires_at_ms=1001), "Accepted"),
        (GOOD._replace(status="Blocked", expires_at_ms=1), "Blocked"),
    ],
)
def test_a_card_is_judged_by_itself_and_the_time(card: Card | None, status: str) -> None:
    """Unknown, blocked and expired cards have their own words (7.2)."""
    assert card_status(card, now_ms=1000) == status


@pytest.mark.parametrize(
    ("tag", "shown"),
    [("04A2B1C3D4E580", "…E580"), ("ABCD", "…CD"), ("A", "…"), ("", "…")],
)
def test_a_masked_tag_never_is_the_tag(tag: str, shown: str) -> None:
    """Whole card numbers were found on public pages of others; here they cannot be."""
    assert masked(tag) == shown
