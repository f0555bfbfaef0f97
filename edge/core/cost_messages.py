"""Cost messages over DataTransfer as typed values, and what is kept of them.

Money is what the central system said, as a decimal: it is never reckoned with, only rounded for
show. Texts in further languages (`priceTextExtra`) are left aside: CustomMultiLanguageMessages is
not announced.
Source: OCA application note "OCPP & California Pricing Requirements", chapter 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from edge.core.vocabulary import ConnectorStatus

COST_VENDOR: Final = "org.openchargealliance.costmsg"


class CostState(StrEnum):
    """Which prices count now: those of charging or those of standing idle."""

    CHARGING = "Charging"
    IDLE = "Idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingPrice:
    """Prices while charging: of a kilowatt-hour, of an hour, once."""

    kwh_price: Decimal | None = None
    hour_price: Decimal | None = None
    flat_fee: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdlePrice:
    """Price of an hour while idle, after *grace_minutes*."""

    grace_minutes: int | None = None
    hour_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextPeriod:
    """The prices from *at_time* on."""

    at_time: datetime
    charging_price: ChargingPrice
    idle_price: IdlePrice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """When the central system wants a meter value out of turn.

    *at_energy_kwh* is energy of the session; *at_power_kw* is passed upwards or downwards;
    *at_cp_status* is entered. What has come about once is void, but power and statuses.
    """

    at_time: datetime | None = None
    at_energy_kwh: Decimal | None = None
    at_power_kw: Decimal | None = None
    at_cp_status: tuple[ConnectorStatus, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUserPrice:
    """What energy costs the owner of *id_token*, in words."""

    price_text: str
    id_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningCost:
    """What the session has cost up to *timestamp*, and what it costs from there."""

    transaction_id: int
    timestamp: datetime
    cost: Decimal
    state: CostState
    charging_price: ChargingPrice
    idle_price: IdlePrice | None = None
    next_period: NextPeriod | None = None
    trigger_meter_value: Triggers = field(default_factory=Triggers)


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalCost:
    """What the session cost."""

    transaction_id: int
    cost: Decimal
    price_text: str
    qr_code_text: str | None = None


CostMessage = SetUserPrice | RunningCost | FinalCost


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultPrice:
    """What anybody pays here, in words: the value of the key DefaultPrice."""

    price_text: str
    price_text_offline: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPrice:
    """*price_text* for a tag (in lower case) that may start until *until*."""

    id_tag: str
    price_text: str
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What is known of the price of a connector's session, or of its last until the next comes.

    *ref* and *transaction_id* are that session's. *armed* are the triggers not yet void, *due* is
    when the clock will reach theirs. *is_above* is the side of the power threshold that was
    last taken, *told* the status that the central system was told last. *until* is set once the
    driver has left.
    """

    ref: int | None = None
    transaction_id: int | None = None
    price_text: str | None = None
    running: RunningCost | None = None
    final: FinalCost | None = None
    armed: Triggers = field(default_factory=Triggers)
    due: float | None = None
    is_above: bool | None = None
    told: ConnectorStatus | None = None
    until: float | None = None
