"""What a card and a group of cards are, and when a card is good."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from csms_lite.clock import rfc3339
from csms_lite.errors import Unacceptable
from edge.hmi.tags import masked

TAG_LENGTH: Final = 20  # CiString20, OCPP 1.6 7.28
KINDS: Final = ("rfid", "virtual", "guest")
PERIODS: Final = ("day", "week", "month")
LARGEST_BUDGET: Final = 10**12  # Wh or sessions: beyond any car park, within any integer
LARGEST_ID: Final = 2**31 - 1  # of an account
MOST_CHARGERS: Final = 1000  # in one card's or group's rights

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UPPER: Final = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}


class Budget(NamedTuple):
    """How much may be taken in a period; what is `None` is not counted."""

    period: str
    energy_wh: int | None
    sessions: int | None


class Card(NamedTuple):
    """A card as it is stored; *status* is Accepted or Blocked, *parent* its group's idTag."""

    tag: str
    status: str
    parent: str | None
    expires_at_ms: int | None
    kind: str = "rfid"
    label: str | None = None
    user_id: int | None = None
    reason: str | None = None
    valid_from_ms: int | None = None
    chargers: tuple[str, ...] | None = None
    """Identities of the chargers it may use; `None` is all."""
    budgets: tuple[Budget, ...] = ()


class Group(NamedTuple):
    """What holds for all cards with one parent idTag."""

    name: str
    status: str = "Accepted"
    label: str | None = None
    reason: str | None = None
    chargers: tuple[str, ...] | None = None
    budgets: tuple[Budget, ...] = ()


class Change(NamedTuple):
    """One change of a card or group: each changed field with what it was and became."""

    at_ms: int
    who: str
    fields: Mapping[str, Any]


def tag_key(tag: str) -> str:
    """Give the form in which tags are compared: OCPP's idTag is case-insensitive ASCII.

    Only ASCII letters change, as in SQLite's `upper`: both sides of each comparison agree.
    """
    return tag.translate(_UPPER)


def is_same_tag(told: object, tag: str) -> bool:
    """Say whether what was told is *tag*; a payload that was forced may hold anything."""
    return isinstance(told, str) and tag_key(told) == tag_key(tag)


def card_status(card: Card | None, now_ms: int) -> str:
    """Say what OCPP says of a card now: Accepted, Blocked, Expired or Invalid (7.2).

    A card that is not valid yet is known and may not charge, which is Blocked.
    """
    if card is None:
        return "Invalid"
    if card.status != "Accepted":
        return card.status
    if card.expires_at_ms is not None and card.expires_at_ms <= now_ms:
        return "Expired"
    if card.valid_from_ms is not None and card.valid_from_ms > now_ms:
        return "Blocked"
    return "Accepted"


def card_why(card: Card | None, now_ms: int) -> str | None:
    """Say in words why a card may not charge now; `None` when by itself it may."""
    if card is None:
        return "nobody knows this card: add it, or accept it from the unknown cards"
    name = f"the card {masked(card.tag)}"
    match card_status(card, now_ms):
        case "Accepted":
            return None
        case "Expired" if card.expires_at_ms is not None:
            return f"{name} expired on {rfc3339(card.expires_at_ms)}"
        case _ if card.status == "Accepted" and card.valid_from_ms is not None:
            return f"{name} is valid from {rfc3339(card.valid_from_ms)} on"
        case _:
            return f"{name} is blocked" + (f": {card.reason}" if card.reason else "")


def is_tag(tag: str) -> bool:
    """Say whether this can be an idTag: printable ASCII of its length (7.28)."""
    return 1 <= len(tag) <= TAG_LENGTH and tag.isascii() and tag.isprintable()


def check_tag(tag: str) -> None:
    """Refuse what no card could have as its tag; raises `Unacceptable`."""
    if not is_tag(tag):
        raise Unacceptable(f"a tag is 1 to {TAG_LENGTH} printable ASCII characters")


def check_card(card: Card) -> None:
    """Refuse a card that cannot be; raises `Unacceptable`."""
    check_tag(card.tag)
    if card.parent is not None:
        check_tag(card.parent)
    if card.user_id is not None and not 1 <= card.user_id <= LARGEST_ID:
        raise Unacceptable(f"user_id is 1 to {LARGEST_ID}")
    if card.kind == "guest" and card.expires_at_ms is None:
        raise Unacceptable("a guest's card needs an expiry: say when the visit ends")
    if (
        card.valid_from_ms is not None
        and card.expires_at_ms is not None
        and card.valid_from_ms >= card.expires_at_ms
    ):
        raise Unacceptable("valid_from is not before expiry: the card could never be used")
    _check_limits(card)


def check_group(group: Group) -> None:
    """Refuse a group that cannot be; raises `Unacceptable`."""
    check_tag(group.name)
    _check_limits(group)


def check_text(name: str, text: str | None) -> None:
    """Refuse what would not survive a line of a table; raises `Unacceptable`."""
    if text is not None and (text != text.strip() or _CONTROL.search(text)):
        raise Unacceptable(f"{name} has no line breaks, and no blanks at its ends")


def differences(before: Card | Group | None, after: Card | Group | None) -> dict[str, list[Any]]:
    """Give each field that changed with what it was and what it became."""
    old = {} if before is None else before._asdict()
    new = {} if after is None else after._asdict()
    return {
        name: [old.get(name), new.get(name)]
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    }


def _check_limits(holder: Card | Group) -> None:
    check_text("label", holder.label)
    check_text("reason", holder.reason)
    if holder.reason is not None and holder.status == "Accepted":
        raise Unacceptable("a reason belongs to status Blocked: leave it out, or block it")
    if holder.chargers is not None and len(holder.chargers) > MOST_CHARGERS:
        raise Unacceptable(f"at most {MOST_CHARGERS} chargers can be named: use no limit instead")
    if len({budget.period for budget in holder.budgets}) != len(holder.budgets):
        raise Unacceptable("there is one budget per day, week and month at most")
    for budget in holder.budgets:
        if budget.period not in PERIODS:
            raise Unacceptable(f"a budget is per {', '.join(PERIODS)}, not per {budget.period!r}")
        counted = [one for one in (budget.energy_wh, budget.sessions) if one is not None]
        if not counted or not all(0 <= one <= LARGEST_BUDGET for one in counted):
            raise Unacceptable(
                f"the budget per {budget.period} needs energy_wh or sessions, 0 to {LARGEST_BUDGET}"
            )
