"""Machine `cost`: what the central system says of prices, and when it wants a meter value for it.

Nothing of it is written: after a restart the central system tells the running cost with its answer
to the next sample, and a bill is its business alone. A sample that a trigger asked for is one of
the transaction, so it is delivered like every other; its context is Other, since Trigger is for
TriggerMessage (7.35).
Source: OCA application note "OCPP & California Pricing Requirements", 3.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from edge.core import keys
from edge.core.bay import Bay
from edge.core.cost_messages import (
    Cost,
    FinalCost,
    RunningCost,
    SetUserPrice,
    Triggers,
    UserPrice,
)
from edge.core.draft import Draft
from edge.core.facts import Bound, Granted, KeyChanged, Opened, PluggedIn
from edge.core.instant import Instant
from edge.core.state import ChargePoint, tag_key
from edge.core.vocabulary import ReadingContext
from edge.core.waiting import ToSample

MOST_USER_PRICES: Final = 8  # tags told of that have not started: more than two connectors need
READ_WITHIN_S: Final = 120.0  # a driver who has gone does not leave his bill to who comes by
HYSTERESIS: Final = 0.05  # of the threshold, either way: a car's power swings by a few per cent


def is_on(state: ChargePoint) -> bool:
    """Whether cost messages are understood here."""
    return keys.flag(state, "CustomDisplayCostAndPrice")


# ── what is said ─────────────────────────────────────────────────────────────────────────────────


def on_user_price(draft: Draft, said: SetUserPrice) -> bool:
    """The price for a tag, now or when it starts; without a tag, for the only session there is."""
    running = [
        number for number in draft.state.connectors if _is_of(draft.bay(number), said.id_token)
    ]
    if said.id_token is None and len(running) != 1:
        return False
    for number in running:
        _put(draft, number, price_text=said.price_text)
    if said.id_token is not None and not running:
        _hold(draft, tag_key(said.id_token), said.price_text)
    return True


def _is_of(bay: Bay, id_token: str | None) -> bool:
    transaction = bay.transaction
    return transaction is not None and (
        id_token is None or tag_key(id_token) == tag_key(transaction.id_tag)
    )


def _hold(draft: Draft, tag: str, price_text: str) -> None:
    """Keep the price for a tag that has not started yet, as long as it may."""
    others = tuple(one for one in draft.station.user_prices if one.id_tag != tag)
    until = draft.now + keys.number(draft.state, "ConnectionTimeOut")
    held = UserPrice(id_tag=tag, price_text=price_text, until=until)
    draft.put_station(user_prices=(*others, held)[-MOST_USER_PRICES:])


def on_running_cost(draft: Draft, said: RunningCost) -> bool:
    """The cost so far; its triggers replace all earlier ones."""
    for number in draft.state.connectors:
        bay = draft.bay(number)
        if bay.transaction is not None and bay.transaction.transaction_id == said.transaction_id:
            _put(draft, number, running=said, **_armed(bay, said.trigger_meter_value, draft.at))
            return True
    return False


def _armed(bay: Bay, wanted: Triggers, at: Instant) -> dict[str, Any]:
    """The triggers of *wanted* that have not come about already.

    A central system names the same ones again with each answer to a meter value: what is past would
    go round for ever. A power threshold that stays keeps its side as well.
    """
    is_over = wanted.at_time is not None and at.wall >= wanted.at_time
    is_drawn = _has_drawn(bay, wanted)
    stays = wanted.at_power_kw == bay.cost.armed.at_power_kw
    armed = replace(
        wanted,
        at_time=None if is_over else wanted.at_time,
        at_energy_kwh=None if is_drawn else wanted.at_energy_kwh,
    )
    return {
        "armed": armed,
        "due": _due(armed, at),
        "is_above": bay.cost.is_above if stays else None,
    }


def on_final_cost(draft: Draft, said: FinalCost) -> bool:
    """The cost of a session that is known here: the one that ends, or the last."""
    for number in draft.state.connectors:
        if draft.bay(number).cost.transaction_id == said.transaction_id:
            _put(draft, number, final=said)
            return True
    return False


# ── which session it is about ────────────────────────────────────────────────────────────────────


def on_coming(draft: Draft, fact: PluggedIn | Granted) -> None:
    """The next driver comes: what the last one paid is no longer his to see."""
    if draft.bay(fact.connector).transaction is None:
        draft.put(fact.connector, cost=Cost())


def on_opened(draft: Draft, fact: Opened) -> None:
    """A session begins, with the price that its tag was told."""
    transaction = draft.bay(fact.connector).transaction
    assert transaction is not None
    tag = tag_key(transaction.id_tag)
    own = [one.price_text for one in draft.station.user_prices if one.id_tag == tag]
    others = tuple(one for one in draft.station.user_prices if one.id_tag != tag)
    draft.put_station(user_prices=others)
    draft.put(fact.connector, cost=Cost(ref=transaction.ref, price_text=own[0] if own else None))


def on_bound(draft: Draft, fact: Bound) -> None:
    """The central system's number of a session, which may be over by now."""
    for number in draft.state.connectors:
        if draft.bay(number).cost.ref == fact.ref:
            _put(draft, number, transaction_id=fact.transaction_id)


def on_key(draft: Draft, fact: KeyChanged) -> None:
    """Switched off, nothing of it is left, triggers included."""
    if fact.key != "CustomDisplayCostAndPrice" or is_on(draft.state):
        return
    draft.put_station(user_prices=())
    for number in draft.state.connectors:
        known = draft.bay(number).cost
        draft.put(number, cost=Cost(ref=known.ref, transaction_id=known.transaction_id))


# ── triggers ─────────────────────────────────────────────────────────────────────────────────────


def on_tick(draft: Draft) -> None:
    """Ask for the meter values that are due; forget what nobody is there any more to see."""
    held = draft.station.user_prices
    if any(draft.now >= one.until for one in held):
        draft.put_station(user_prices=tuple(one for one in held if draft.now < one.until))
    for number in draft.state.connectors:
        _forget_in_time(draft, number)
        _pull(draft, number)


def _forget_in_time(draft: Draft, connector: int) -> None:
    bay = draft.bay(connector)
    has_left = bay.transaction is None and not bay.seen.plugged
    if bay.cost.ref is None or not has_left:
        return
    if bay.cost.until is None:
        _put(draft, connector, until=draft.now + READ_WITHIN_S)
    elif draft.now >= bay.cost.until:
        draft.put(connector, cost=Cost())


Looked = tuple[Cost, bool]
"""What is left to wait for, and whether something came about."""


def _pull(draft: Draft, connector: int) -> None:
    """One reading answers all that came about at once, and what comes about while it is read."""
    bay = draft.bay(connector)
    cost, fired = bay.cost, False
    for look in (_at_status, _at_time, _at_energy, _at_power):
        cost, came = look(cost, bay, draft.at)
        fired = fired or came
    if cost is not bay.cost:
        draft.put(connector, cost=cost)
    sample = ToSample(connector=connector, context=ReadingContext.OTHER)
    if fired and not draft.awaits(sample):
        draft.read_meter(sample, connector)


def _at_status(cost: Cost, bay: Bay, _: Instant) -> Looked:
    """What counts is the status as the central system was told it, also after the session."""
    told = None if bay.notice.reported is None else bay.notice.reported[0]
    if told is None or told is cost.told:
        return cost, False
    entered = cost.told is not None and told in cost.armed.at_cp_status
    return replace(cost, told=told), entered


def _at_time(cost: Cost, bay: Bay, at: Instant) -> Looked:
    if cost.armed.at_time is None or bay.transaction is None:
        return cost, False
    if at.wall < cost.armed.at_time:
        return replace(cost, due=_due(cost.armed, at)), False  # the clock may have been set
    return replace(cost, armed=replace(cost.armed, at_time=None), due=None), True


def _due(armed: Triggers, at: Instant) -> float | None:
    """When the clock will show *at_time*, if nobody sets it."""
    if armed.at_time is None:
        return None
    return at.monotonic + (armed.at_time - at.wall).total_seconds()


def _at_energy(cost: Cost, bay: Bay, _: Instant) -> Looked:
    if not _has_drawn(bay, cost.armed):
        return cost, False
    return replace(cost, armed=replace(cost.armed, at_energy_kwh=None)), True


def _has_drawn(bay: Bay, triggers: Triggers) -> bool:
    last = bay.metering.last
    if triggers.at_energy_kwh is None or bay.transaction is None or last is None:
        return False
    return last.energy_wh - bay.transaction.begin_wh >= triggers.at_energy_kwh * 1000


def _at_power(cost: Cost, bay: Bay, _: Instant) -> Looked:
    """The threshold is passed once the power is clear of it on the other side."""
    last = bay.metering.last
    threshold_kw = cost.armed.at_power_kw
    if threshold_kw is None or bay.transaction is None or last is None or last.power_w is None:
        return cost, False
    threshold_w = float(threshold_kw) * 1000
    if cost.is_above is None:
        return replace(cost, is_above=last.power_w > threshold_w), False
    away = -HYSTERESIS if cost.is_above else HYSTERESIS
    is_above = last.power_w > threshold_w * (1 + away)
    if is_above is cost.is_above:
        return cost, False
    return replace(cost, is_above=is_above), True


def _put(draft: Draft, connector: int, **changes: Any) -> None:
    draft.put(connector, cost=replace(draft.bay(connector).cost, **changes))


def deadlines(state: ChargePoint) -> Iterator[float | None]:
    """When `on_tick` has something to do."""
    yield from (one.until for one in state.station.user_prices)
    for bay in state.bays:
        yield from (bay.cost.due, bay.cost.until)
