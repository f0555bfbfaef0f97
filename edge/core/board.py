"""The public status document (hmi/status.schema.json) as this station sees itself."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from edge.core import anchors, cost, keys, refusals, status, why
from edge.core.anchors import Clock
from edge.core.bay import Bay
from edge.core.cost_messages import CostState, DefaultPrice, IdlePrice, RunningCost
from edge.core.instant import Instant, rfc3339
from edge.core.state import ChargePoint, tag_key
from edge.core.tags import masked


def document(
    state: ChargePoint,
    now: Instant,
    *,
    station_id: str,
    sequence: int,
    name: str | None = None,
    default_price: DefaultPrice | None = None,
) -> dict[str, Any]:
    """The document, valid against the schema; times are RFC 3339, energies Wh, powers W.

    *name* is what drivers call the place, the make and model where nobody gave one.
    """
    identity = state.setup.identity
    return {
        "version": 1,
        "source": "edge",
        "sequence": sequence,
        "at": rfc3339(now.wall),
        "station": {
            "id": station_id,
            "name": name or f"{identity.charge_point_vendor} {identity.charge_point_model}",
            "online": state.station.registration.online,
            "heard_at": rfc3339(now.wall),
            "offline": _offline(state),
        },
        "tariff": None,
        "price_text": price_text(state, default_price),
        "connectors": [_connector(state, number, now) for number in state.connectors],
    }


def _offline(state: ChargePoint) -> str | None:
    apart = why.line(state)
    return None if apart is None else apart.what


def _connector(state: ChargePoint, number: int, now: Instant) -> dict[str, Any]:
    bay = state.bay(number)
    told, code, info = status.current(state, number, now.monotonic)
    last = bay.metering.last
    clock, since = state.station.clock, bay.notice.since
    return {
        "connector": number,
        "status": str(told),
        "error_code": str(code),
        "info": info or refusals.word(state, number),
        "since": _text(clock, since),
        "power_w": None if last is None else last.power_w,
        "measured_at": _text(clock, None if last is None else last.at),
        "session": _session(bay, clock),
        "cost": cost_of(state, number, now),
        "why": [_cause(one, now) for one in why.causes(state, number, now.monotonic)],
    }


def _cause(cause: why.Cause, now: Instant) -> dict[str, Any]:
    """Who decides, since when by today's clock, and what must change."""

    def wall(monotonic: float | None) -> str | None:
        try:
            return None if monotonic is None else rfc3339(now.later(monotonic - now.monotonic).wall)
        except OverflowError:
            return None  # beyond the calendar: for ever

    return {
        "what": cause.what,
        "owner": str(cause.owner),
        "since": wall(cause.since),
        "until": wall(cause.until),
        "remedy": cause.remedy,
    }


def _session(bay: Bay, clock: Clock) -> dict[str, Any] | None:
    transaction = bay.transaction
    if transaction is None:
        return None
    last = bay.metering.last
    register_wh = transaction.begin_wh if last is None else last.energy_wh
    return {
        "tag": masked(transaction.id_tag),
        "started_at": _text(clock, transaction.started_at),
        "stopped_at": _text(clock, transaction.stopping_at),
        "stop_reason": None if transaction.stop_reason is None else str(transaction.stop_reason),
        "energy_wh": max(0, register_wh - transaction.begin_wh),
        "cost_minor": None,
        "cost_final": False,
    }


def price_text(state: ChargePoint, default_price: DefaultPrice | None) -> str | None:
    """What anybody pays here, in words; other words where nobody can be asked."""
    if default_price is None or not cost.is_on(state):
        return None
    if not state.station.registration.online and default_price.price_text_offline is not None:
        return default_price.price_text_offline
    return default_price.price_text


def cost_of(state: ChargePoint, connector: int, now: Instant) -> dict[str, Any] | None:
    """What the central system said of the price of this connector's session, or of the last."""
    known = state.bay(connector).cost
    text = known.price_text or _held_for(state, connector)
    decimals = keys.number(state, "NumberOfDecimalsForCostValues")
    if known.final is not None:
        return {
            "price_text": known.final.price_text,
            "amount": _rounded(known.final.cost, decimals),
            "final": True,
            "qr_code_text": known.final.qr_code_text,
        }
    if known.running is not None:
        return {
            "price_text": text,
            "amount": _rounded(known.running.cost, decimals),
            "amount_at": rfc3339(known.running.timestamp),
            "final": False,
            **_prices(known.running, now),
        }
    return None if text is None else {"price_text": text, "amount": None, "final": False}


def _held_for(state: ChargePoint, connector: int) -> str | None:
    """The price of a tag that may start here and has not yet."""
    permits = [one.permit for one in state.station.authorisation.floating if connector in one.among]
    own = state.bay(connector).connector.permit
    tags = {tag_key(permit.id_tag) for permit in (own, *permits) if permit is not None}
    texts = (one.price_text for one in state.station.user_prices if one.id_tag in tags)
    return next(texts, None)


def _prices(running: RunningCost, now: Instant) -> dict[str, Any]:
    """The unit prices in force, as they were said: rounding is for amounts."""
    charging, idle, then = running.charging_price, running.idle_price, running.next_period
    if then is not None and now.wall >= then.at_time:
        charging, idle = then.charging_price, then.idle_price
    if running.state is CostState.IDLE:
        idle = idle or IdlePrice()
        return {
            "state": "Idle",
            "per_hour": _plain(idle.hour_price),
            "grace_minutes": idle.grace_minutes,
        }
    return {
        "state": "Charging",
        "per_kwh": _plain(charging.kwh_price),
        "per_hour": _plain(charging.hour_price),
        "flat_fee": _plain(charging.flat_fee),
    }


def _rounded(amount: Decimal, decimals: int) -> str:
    return f"{amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):f}"


def _plain(price: Decimal | None) -> str | None:
    return None if price is None else f"{price:f}"


def _text(clock: Clock, at: Instant | None) -> str | None:
    return None if at is None else rfc3339(anchors.final(clock, at).wall)
