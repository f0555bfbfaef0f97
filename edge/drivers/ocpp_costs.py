"""The cost messages in a DataTransfer, and the value of DefaultPrice, as typed values.

Both are JSON inside a string, so nobody before us has looked at it: size, depth, numbers and texts
are bounded here. What is there must be right; what we do not know is left aside.
Quality: the application note's own examples and hostile variants in tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar

from edge.core.commands import IncomingTransfer
from edge.core.cost_messages import (
    COST_VENDOR,
    ChargingPrice,
    CostMessage,
    CostState,
    DefaultPrice,
    FinalCost,
    IdlePrice,
    NextPeriod,
    RunningCost,
    SetUserPrice,
    Triggers,
)
from edge.core.instant import moment_of
from edge.core.messages import DataTransfer
from edge.core.vocabulary import ConnectorStatus
from edge.errors import ConfigError

DATA_MOST: Final = 8192  # characters: the longest message has a dozen texts of TEXT_MOST
OPENINGS_MOST: Final = 64  # braces and brackets, so no deeper than that
TEXT_MOST: Final = 512  # as OCPP 2.0.1 bounds a MessageContent
TAG_MOST: Final = 20  # CiString20
MONEY_MOST: Final = 10**9
DECIMALS_MOST: Final = 9
MINUTES_MOST: Final = 10**6
STATUSES_MOST: Final = 9  # as many as there are
ID_MOST: Final = 2**63

T = TypeVar("T")


class Malformed(ValueError):
    """What was said is not what the application note lets it be."""


def read_transfer(message: DataTransfer) -> IncomingTransfer:
    """Read what the data of *message* says, where we know the vendor's words."""
    read = _READERS.get((message.message_id or "").lower())
    known = message.vendor_id.lower() == COST_VENDOR and read is not None
    said: CostMessage | None = _read(message.data or "", read) if known and read else None
    return IncomingTransfer(vendor_id=message.vendor_id, message_id=message.message_id, said=said)


def read_default_price(value: str) -> DefaultPrice | None:
    """Read the value of the key DefaultPrice; `None` if it is none."""
    return _read(value, _default_price)


def check_default_price(*layers: Mapping[str, str]) -> None:
    """Raise `ConfigError` if an installer's DefaultPrice in *layers* of keys could not be shown."""
    for value in (layer.get("DefaultPrice") for layer in layers):
        if value and read_default_price(value) is None:
            raise ConfigError(
                f"ocpp.DefaultPrice is {value!r}: make it a JSON object with a priceText,"
                ' such as {"priceText": "0.49 EUR/kWh"}'
            )


def _read(data: str, read: Callable[[_Object], T]) -> T | None:
    if len(data) > DATA_MOST or data.count("{") + data.count("[") > OPENINGS_MOST:
        return None
    try:
        parsed = json.loads(data, parse_float=Decimal)
        return read(_Object(parsed))
    except (ValueError, ArithmeticError):
        return None


class _Object:
    """A JSON object whose fields are read one by one; raises `ValueError`."""

    def __init__(self, value: Any) -> None:
        if not isinstance(value, dict):
            raise Malformed("not an object")
        self._fields = value

    def need(self, name: str, read: Callable[[Any], T]) -> T:
        """Read a field that must be there."""
        found = self.may(name, read)
        if found is None:
            raise Malformed(f"{name} is missing")
        return found

    def may(self, name: str, read: Callable[[Any], T]) -> T | None:
        """Read a field if it is there; null is not there."""
        value = self._fields.get(name)
        return None if value is None else read(value)


# ── the messages ─────────────────────────────────────────────────────────────────────────────────


def _user_price(said: _Object) -> SetUserPrice:
    return SetUserPrice(
        price_text=said.need("priceText", _text), id_token=said.may("idToken", _tag)
    )


def _running_cost(said: _Object) -> RunningCost:
    said.need("meterValue", _decimal)
    return RunningCost(
        transaction_id=said.need("transactionId", _id),
        timestamp=said.need("timestamp", _moment),
        cost=said.need("cost", _decimal),
        state=said.need("state", CostState),
        charging_price=said.need("chargingPrice", _charging_price),
        idle_price=said.may("idlePrice", _idle_price),
        next_period=said.may("nextPeriod", _next_period),
        trigger_meter_value=said.may("triggerMeterValue", _triggers) or Triggers(),
    )


def _final_cost(said: _Object) -> FinalCost:
    return FinalCost(
        transaction_id=said.need("transactionId", _id),
        cost=said.need("cost", _decimal),
        price_text=said.need("priceText", _text),
        qr_code_text=said.may("qrCodeText", _text),
    )


def _default_price(said: _Object) -> DefaultPrice:
    said.may("chargingPrice", _charging_price)
    return DefaultPrice(
        price_text=said.need("priceText", _text),
        price_text_offline=said.may("priceTextOffline", _text),
    )


def _charging_price(value: Any) -> ChargingPrice:
    said = _Object(value)
    return ChargingPrice(
        kwh_price=said.may("kWhPrice", _decimal),
        hour_price=said.may("hourPrice", _decimal),
        flat_fee=said.may("flatFee", _decimal),
    )


def _idle_price(value: Any) -> IdlePrice:
    said = _Object(value)
    return IdlePrice(
        grace_minutes=said.may("graceMinutes", _minutes),
        hour_price=said.may("hourPrice", _decimal),
    )


def _next_period(value: Any) -> NextPeriod:
    said = _Object(value)
    return NextPeriod(
        at_time=said.need("atTime", _moment),
        charging_price=said.need("chargingPrice", _charging_price),
        idle_price=said.may("idlePrice", _idle_price),
    )


def _triggers(value: Any) -> Triggers:
    said = _Object(value)
    return Triggers(
        at_time=said.may("atTime", _moment),
        at_energy_kwh=said.may("atEnergykWh", _positive),
        at_power_kw=said.may("atPowerkW", _positive),
        at_cp_status=said.may("atCPStatus", _statuses) or (),
    )


_READERS: Final[dict[str, Callable[[_Object], CostMessage]]] = {
    "setuserprice": _user_price,
    "runningcost": _running_cost,
    "finalcost": _final_cost,
}


# ── single values ────────────────────────────────────────────────────────────────────────────────


def _text(value: Any, most: int = TEXT_MOST) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise Malformed(f"not a text of {most} characters at most")
    value.encode()  # half a character pair, which only JSON can spell, could not be shown
    return value


def _tag(value: Any) -> str:
    return _text(value, TAG_MOST)


def _moment(value: Any) -> Any:
    return moment_of(_text(value))


def _whole(value: Any, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= most:
        raise Malformed("not a whole number in bounds")
    return value


def _id(value: Any) -> int:
    return _whole(value, ID_MOST)


def _minutes(value: Any) -> int:
    minutes = _whole(value, MINUTES_MOST)
    if minutes < 0:
        raise Malformed("minutes below zero")
    return minutes


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Malformed("not a number")
    number = Decimal(value)
    exponent = number.as_tuple().exponent
    small = isinstance(exponent, int) and exponent < -DECIMALS_MOST
    if small or not abs(number) < MONEY_MOST:
        raise Malformed("a number out of bounds")
    return number


def _positive(value: Any) -> Decimal:
    number = _decimal(value)
    if number <= 0:
        raise Malformed("not above zero")
    return number


def _statuses(value: Any) -> tuple[ConnectorStatus, ...]:
    if not isinstance(value, list) or len(value) > STATUSES_MOST:
        raise Malformed("not a list of statuses")
    return tuple(ConnectorStatus(_text(each)) for each in value)
