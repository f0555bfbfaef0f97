"""What people may say of cards and groups by HTTP, and how these are shown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from csms_lite.clock import maybe_rfc3339, rfc3339, to_ms
from csms_lite.errors import Unacceptable
from csms_lite.people.rules import (
    LARGEST_BUDGET,
    LARGEST_ID,
    MOST_CHARGERS,
    TAG_LENGTH,
    Budget,
    Card,
    Change,
    Group,
)

TagText = Annotated[str, Field(min_length=1, max_length=TAG_LENGTH)]
LabelText = Annotated[str, Field(min_length=1, max_length=50)]
ReasonText = Annotated[str, Field(min_length=1, max_length=200)]
UserId = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Charger = Annotated[str, Field(min_length=1, max_length=48)]
Counted = Annotated[int, Field(ge=0, le=LARGEST_BUDGET)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BudgetBody(_Body):
    """How much may be taken per day, week or month."""

    energy_wh: Counted | None = None
    sessions: Counted | None = None


class LimitsBody(_Body):
    """What cards and groups have in common."""

    status: Literal["Accepted", "Blocked"] = "Accepted"
    reason: ReasonText | None = None
    label: LabelText | None = None
    chargers: Annotated[list[Charger], Field(max_length=MOST_CHARGERS)] | None = None
    budgets: dict[Literal["day", "week", "month"], BudgetBody] = {}

    def limits(self) -> dict[str, Any]:
        """Give these as fields of a card or group."""
        return {
            "status": self.status,
            "reason": self.reason,
            "label": self.label,
            "chargers": None if self.chargers is None else tuple(self.chargers),
            "budgets": tuple(
                Budget(period, one.energy_wh, one.sessions) for period, one in self.budgets.items()
            ),
        }


class CardBody(LimitsBody):
    """What may be said of a card."""

    kind: Literal["rfid", "guest", "virtual"] = "rfid"
    parent: TagText | None = None
    user_id: UserId | None = None
    valid_from: AwareDatetime | None = None
    expiry: AwareDatetime | None = None

    def card(self, tag: str) -> Card:
        """Give the card with this *tag*; raises `Unacceptable`."""
        return Card(
            tag=tag,
            kind=self.kind,
            parent=self.parent,
            user_id=self.user_id,
            valid_from_ms=moment("valid_from", self.valid_from),
            expires_at_ms=moment("expiry", self.expiry),
            **self.limits(),
        )


class GroupBody(LimitsBody):
    """What may be said of a group."""


class BlockBody(_Body):
    """Why a card is blocked."""

    reason: ReasonText


def moment(name: str, at: datetime | None) -> int | None:
    """Give a time as it is stored; raises `Unacceptable` for one that UTC has no date for."""
    try:
        return None if at is None else to_ms(at)
    except OverflowError as failure:
        raise Unacceptable(f"{name} is a date of the years 1 to 9999 in UTC") from failure


def card_json(card: Card) -> dict[str, Any]:
    """Write a card for who may see its tag."""
    return {
        "tag": card.tag,
        "kind": card.kind,
        "label": card.label,
        "user_id": card.user_id,
        "status": card.status,
        "reason": card.reason,
        "parent": card.parent,
        "valid_from": maybe_rfc3339(card.valid_from_ms),
        "expiry": maybe_rfc3339(card.expires_at_ms),
        **_limits(card),
    }


def own_card_json(card: Card) -> dict[str, Any]:
    """Write a card for its owner, to whom a virtual one's tag is never shown."""
    return card_json(card) | ({"tag": None} if card.kind == "virtual" else {})


def group_json(group: Group) -> dict[str, Any]:
    """Write a group."""
    return {
        "name": group.name,
        "label": group.label,
        "status": group.status,
        "reason": group.reason,
        **_limits(group),
    }


def change_json(change: Change) -> dict[str, Any]:
    """Write a change."""
    return {"at": rfc3339(change.at_ms), "who": change.who, "changes": change.fields}


def _limits(holder: Card | Group) -> dict[str, Any]:
    return {
        "chargers": holder.chargers,
        "budgets": {
            budget.period: {"energy_wh": budget.energy_wh, "sessions": budget.sessions}
            for budget in holder.budgets
        },
    }
