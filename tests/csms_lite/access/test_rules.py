"""Whether a tag may charge here now, and the words for why not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from csms_lite.access.rules import Place, Spent, Verdict, began_ms, judge
from csms_lite.clock import rfc3339, to_ms
from csms_lite.people.rules import Budget, Card, Group

CARD = Card(tag="04A2B1C3D4E580", status="Accepted", parent="P", expires_at_ms=5000)
HERE = Place(charger="CP-1", policy="closed")
DAY = Budget("day", 10_000, None)


def place(**more: Any) -> Place:
    return Place(**{"charger": "CP-1", "policy": "closed", **more})


def test_a_verdict_carries_parent_and_expiry() -> None:
    """The station's cache and local rules live on them (7.8)."""
    assert judge(CARD, None, 1, HERE) == Verdict(status="Accepted", parent="P", expires_at_ms=5000)


@pytest.mark.parametrize(("elsewhere", "status"), [(True, "ConcurrentTx"), (False, "Accepted")])
def test_a_second_transaction_is_refused(elsewhere: bool, status: str) -> None:
    """Families share cards: the caller asks only when the operator chose so."""
    assert judge(CARD, None, 1, place(runs_elsewhere=elsewhere)).status == status


def test_a_bad_card_stays_bad_wherever_it_charges() -> None:
    """ConcurrentTx never hides that a card is blocked."""
    blocked = CARD._replace(status="Blocked", reason="lost on Monday")
    verdict = judge(blocked, None, 1, place(runs_elsewhere=True))
    assert (verdict.status, verdict.why) == (
        "Blocked",
        "the card …E580 is blocked: lost on Monday",
    )


def test_an_unknown_tag_is_invalid() -> None:
    """Nothing is said of a tag nobody knows, but to the operator."""
    verdict = judge(None, None, 1, HERE)
    assert (verdict.status, verdict.parent, verdict.expires_at_ms) == ("Invalid", None, None)
    assert verdict.why is not None
    assert "nobody knows" in verdict.why


@pytest.mark.parametrize(
    ("card", "group", "where", "status", "word"),
    [
        (CARD._replace(expires_at_ms=1), None, HERE, "Expired", "expired on 1970"),
        (CARD._replace(valid_from_ms=2), None, HERE, "Blocked", "valid from 1970"),
        (CARD._replace(chargers=("CP-2",)), None, HERE, "Blocked", "may not charge at CP-1"),
        (CARD._replace(chargers=()), None, HERE, "Blocked", "may not charge at CP-1"),
        (CARD._replace(chargers=("CP-1",)), None, HERE, "Accepted", None),
        (CARD._replace(chargers=("cp-1",)), None, HERE, "Blocked", "may not charge"),
        (CARD, Group(name="P", status="Blocked", reason="left"), HERE, "Blocked", "group P is"),
        (CARD, Group(name="P", chargers=("CP-2",)), HERE, "Blocked", "the group P may not"),
        (
            CARD._replace(chargers=("CP-1",)),
            Group(name="P", chargers=("CP-2",)),
            HERE,
            "Blocked",
            "the group P",
        ),
        (CARD._replace(status="Blocked"), None, place(policy="open"), "Blocked", "blocked"),
        (None, None, place(policy="open"), "Accepted", None),
        (None, None, place(policy="free"), "Accepted", None),
        (CARD._replace(status="Blocked"), None, place(policy="free"), "Accepted", None),
        (CARD, None, place(policy="free", runs_elsewhere=True), "Accepted", None),
    ],
)
def test_a_tag_is_judged_by_card_group_place_and_time(
    card: Card | None, group: Group | None, where: Place, status: str, word: str | None
) -> None:
    """Each limit holds: a group's is not lifted by its card's, nor the other way round."""
    verdict = judge(card, group, 1, where)
    assert verdict.status == status
    assert (verdict.why is None) == (word is None)
    assert word is None or word in str(verdict.why)
    assert "04A2" not in str(verdict.why)


@pytest.mark.parametrize(
    ("budget", "spent", "status"),
    [
        (DAY, Spent(9_999, 99), "Accepted"),
        (DAY, Spent(10_000, 0), "Blocked"),
        (Budget("week", None, 2), Spent(10**9, 1), "Accepted"),
        (Budget("week", None, 2), Spent(0, 2), "Blocked"),
        (Budget("month", 5, 5), Spent(4, 5), "Blocked"),
        (Budget("month", 0, None), Spent(0, 0), "Blocked"),
    ],
)
@pytest.mark.parametrize("holder", ["card", "group"])
def test_a_budget_that_is_used_up_blocks(
    budget: Budget, spent: Spent, status: str, holder: str
) -> None:
    """Energy and sessions are counted for the card, or for all cards of its group."""
    card = CARD._replace(budgets=(budget,)) if holder == "card" else CARD
    group = Group(name="P", budgets=(budget,)) if holder == "group" else None
    asked: list[tuple[str, Budget]] = []

    def count(of: str, what: Budget) -> Spent:
        asked.append((of, what))
        return spent

    verdict = judge(card, group, 1, place(spent=count))
    assert verdict.status == status
    assert asked == [(holder, budget)]
    if status == "Blocked":
        assert f"this {budget.period}" in str(verdict.why)


@pytest.mark.parametrize(
    ("period", "zone", "began"),
    [
        ("day", "UTC", "2026-03-01T00:00:00.000Z"),
        ("week", "UTC", "2026-02-23T00:00:00.000Z"),
        ("month", "UTC", "2026-03-01T00:00:00.000Z"),
        ("day", "Asia/Jakarta", "2026-03-01T17:00:00.000Z"),
        ("week", "Asia/Jakarta", "2026-03-01T17:00:00.000Z"),
        ("month", "America/New_York", "2026-03-01T05:00:00.000Z"),
    ],
)
def test_a_period_begins_at_the_operators_midnight(period: str, zone: str, began: str) -> None:
    """Sunday 1 March 2026, 20:00 UTC: already Monday in Jakarta."""
    now_ms = to_ms(datetime(2026, 3, 1, 20, tzinfo=UTC))
    assert rfc3339(began_ms(period, now_ms, ZoneInfo(zone))) == began
