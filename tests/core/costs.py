"""Stories of prices: what the central system says, and the meter values it gets."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from edge.core.commands import IncomingTransfer
from edge.core.cost_messages import (
    COST_VENDOR,
    ChargingPrice,
    Cost,
    CostMessage,
    CostState,
    FinalCost,
    RunningCost,
    Triggers,
)
from edge.core.messages import MeterValues
from edge.core.vocabulary import ReadingContext
from tests.core.bench import NOON, setup
from tests.core.build import Rig

TRANSACTION = 4711
SILENT = {"MeterValueSampleInterval": "0"}


def tell(rig: Rig, said: CostMessage | None, message: str = "") -> str:
    """Say it over DataTransfer; the answer's status."""
    name = message or type(said).__name__
    answer = rig.call(IncomingTransfer(vendor_id=COST_VENDOR, message_id=name, said=said))
    status: str = answer.status
    return status


def running(transaction_id: int = TRANSACTION, **triggers: Any) -> RunningCost:
    """A RunningCost with these triggers."""
    return RunningCost(
        transaction_id=transaction_id,
        timestamp=NOON,
        cost=Decimal("1.25"),
        state=CostState.CHARGING,
        charging_price=ChargingPrice(kwh_price=Decimal("0.49")),
        trigger_meter_value=Triggers(**triggers),
    )


def final(transaction_id: int = TRANSACTION) -> FinalCost:
    """A FinalCost."""
    return FinalCost(transaction_id=transaction_id, cost=Decimal("3.31"), price_text="Thank you.")


def charging(connectors: int = 1, **keys: str) -> Rig:
    """A session whose only meter values are those asked for; the central system is kind."""
    made = setup(connectors=connectors, keys={**SILENT, **keys})
    return Rig(made, serve=True).online().charging()


def samples(rig: Rig) -> list[MeterValues]:
    """The MeterValues out of turn."""
    return [
        message
        for message in rig.messages(MeterValues)
        if message.meter_value[0].sampled_value[0].context is ReadingContext.OTHER
    ]


def cost(rig: Rig, connector: int = 1) -> Cost:
    """What is kept for *connector*."""
    return rig.bay(connector).cost


def later(rig: Rig, seconds: float) -> datetime:
    """The wall clock *seconds* from now."""
    return rig.instant.later(seconds).wall
