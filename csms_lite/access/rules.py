"""Whether a tag may charge here now."""

from __future__ import annotations

from dataclasses import dataclass

from csms_lite.people.rules import Card, card_status


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRules:
    """What the operator decided for all cards."""

    refuse_concurrent: bool = False
    """A tag that has a transaction running elsewhere may not start another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What OCPP says of a tag in idTagInfo (7.8)."""

    status: str
    parent: str | None = None
    expires_at_ms: int | None = None


def judge(card: Card | None, now_ms: int, *, runs_elsewhere: bool, rules: AccessRules) -> Verdict:
    """Judge a tag by its card, by the time and by what already runs with it."""
    status = card_status(card, now_ms)
    if card is None:
        return Verdict(status=status)
    if status == "Accepted" and runs_elsewhere and rules.refuse_concurrent:
        status = "ConcurrentTx"
    return Verdict(status=status, parent=card.parent, expires_at_ms=card.expires_at_ms)
