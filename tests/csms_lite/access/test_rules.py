"""Whether a tag may charge here now."""

from __future__ import annotations

import pytest

from csms_lite.access.rules import AccessRules, Verdict, judge
from csms_lite.people.rules import Card

CARD = Card(tag="A", status="Accepted", parent="P", expires_at_ms=5000)


def test_a_verdict_carries_parent_and_expiry() -> None:
    """The station's cache and local rules live on them (7.8)."""
    verdict = judge(CARD, 1, runs_elsewhere=False, rules=AccessRules())
    assert verdict == Verdict(status="Accepted", parent="P", expires_at_ms=5000)


@pytest.mark.parametrize(("refuses", "status"), [(True, "ConcurrentTx"), (False, "Accepted")])
def test_a_second_transaction_is_refused_only_by_setting(refuses: bool, status: str) -> None:
    """Families share cards: whether that may be is the operator's choice."""
    rules = AccessRules(refuse_concurrent=refuses)
    assert judge(CARD, 1, runs_elsewhere=True, rules=rules).status == status


def test_a_bad_card_stays_bad_wherever_it_charges() -> None:
    """ConcurrentTx never hides that a card is blocked."""
    blocked = CARD._replace(status="Blocked")
    verdict = judge(blocked, 1, runs_elsewhere=True, rules=AccessRules(refuse_concurrent=True))
    assert verdict.status == "Blocked"


def test_an_unknown_tag_is_invalid() -> None:
    """Nothing is said of a tag nobody knows."""
    assert judge(None, 1, runs_elsewhere=False, rules=AccessRules()) == Verdict(status="Invalid")
