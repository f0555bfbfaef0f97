"""Whether a tag may charge here now, and why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from csms_lite.clock import EPOCH, MILLISECOND, to_ms
from csms_lite.people.rules import Budget, Card, Group, card_status, card_why
from edge.hmi.tags import masked

POLICIES: Final = ("closed", "open", "free")
CLOSED, OPEN, FREE = POLICIES
WH_PER_KWH: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRules:
    """What the operator decided for all cards."""

    refuse_concurrent: bool = False
    """A tag that has a transaction running elsewhere may not start another."""
    policy: str = CLOSED
    """Of stations without one of their own: only known cards, unknown ones too, or everybody."""
    zone: tzinfo = UTC
    """Where the days, weeks and months of budgets begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What OCPP says of a tag in idTagInfo (7.8), and for people why."""

    status: str
    parent: str | None = None
    expires_at_ms: int | None = None
    why: str | None = None


class Spent(NamedTuple):
    """What was taken in a period so far."""

    energy_wh: int
    sessions: int


NOTHING_SPENT: Final = Spent(0, 0)
Count = Callable[[str, Budget], Spent]
"""Gives what a holder, `card` or `group`, has taken in the period of a budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where and for what a tag is presented."""

    charger: str
    policy: str
    spent: Count = lambda _holder, _budget: NOTHING_SPENT
    runs_elsewhere: bool = False
    owner_is_out: bool = False
    """The account that the card belongs to is disabled, or gone."""


def judge(card: Card | None, group: Group | None, now_ms: int, place: Place) -> Verdict:
    """Judge a tag by its card, its group, the place, the time and by what was done with it.

    A known card that has no right here, or has used its budget up, is Blocked: Invalid would say
    that nobody knows it (7.2).
    """
    parent = card.parent if card else None
    expires_at_ms = card.expires_at_ms if card else None

    def verdict(status: str, why: str | None = None) -> Verdict:
        return Verdict(status=status, parent=parent, expires_at_ms=expires_at_ms, why=why)

    if place.policy == FREE:
        return Verdict(status="Accepted", parent=parent)
    if card is None:
        if place.policy == OPEN:
            return verdict("Accepted")
        return verdict("Invalid", card_why(None, now_ms))
    status = card_status(card, now_ms)
    if status != "Accepted":
        return verdict(status, card_why(card, now_ms))
    if place.owner_is_out:
        return verdict("Blocked", f"the account of the card {masked(card.tag)} is closed")
    refusal = _limits_why("card", f"the card {masked(card.tag)}", card, place)
    if refusal is None and group is not None:
        refusal = _limits_why("group", f"the group {group.name}", group, place)
    if refusal is not None:
        return verdict("Blocked", refusal)
    if place.runs_elsewhere:
        return verdict("ConcurrentTx", f"the card {masked(card.tag)} charges elsewhere already")
    return verdict("Accepted")


def began_ms(period: str, now_ms: int, zone: tzinfo) -> int:
    """Give the moment at which the day, week (from Monday) or month of *now_ms* began."""
    local = (EPOCH + now_ms * MILLISECOND).astimezone(zone)
    first = local.date()
    if period == "week":
        first -= timedelta(days=first.weekday())
    elif period == "month":
        first = first.replace(day=1)
    return to_ms(datetime(first.year, first.month, first.day, tzinfo=zone))


def _limits_why(holder: str, name: str, limits: Card | Group, place: Place) -> str | None:
    if limits.status != "Accepted":
        return f"{name} is blocked" + (f": {limits.reason}" if limits.reason else "")
    if limits.chargers is not None and place.charger not in limits.chargers:
        return f"{name} may not charge at {place.charger}"
    for budget in limits.budgets:
        spent = place.spent(holder, budget)
        if budget.energy_wh is not None and spent.energy_wh >= budget.energy_wh:
            return (
                f"{name} has used up its {budget.energy_wh / WH_PER_KWH:g} kWh "
                f"of this {budget.period}"
            )
        if budget.sessions is not None and spent.sessions >= budget.sessions:
            return f"{name} has used up its {budget.sessions} sessions of this {budget.period}"
    return None
