"""Machine `contactor`: from the wish for energy to orders, less first, more last.

Runs after all others in each step. A wish that ends without danger withdraws the offer and waits
for the load to go before it opens the contactor (ruling 2); danger opens it at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from edge.core import levels
from edge.core.bay import Bay, Contactor
from edge.core.draft import Draft
from edge.core.effects import Cut, Energise, Raise, Reduce
from edge.core.facts import Closed
from edge.core.records import ContactorWorn
from edge.core.setup import Policy

LOW_CURRENT_A: Final = 1.0  # below this a contactor opens without an arc worth the name
LOW_FOR_S: Final = 0.5


def settle(draft: Draft) -> None:
    """Bring every connector's orders in line with the state."""
    for connector in draft.state.connectors:
        _settle_load(draft, connector)
        _settle_offer(draft, connector)
        _settle_contactor(draft, connector)


def _settle_load(draft: Draft, connector: int) -> None:
    """Since when the car draws next to nothing."""
    bay = draft.bay(connector)
    last = bay.metering.last
    low = last is not None and is_low(last.current_a, last.power_w)
    since = bay.contactor.low_since
    if low and since is None and last is not None:
        since = last.at.monotonic
    elif not low:
        since = None
    if since != bay.contactor.low_since:
        draft.put(connector, contactor=replace(bay.contactor, low_since=since))


def is_low(current_a: tuple[float, ...], power_w: float | None) -> bool:
    """Whether the load is small enough to break; unknown counts as large."""
    if current_a:
        return max(current_a) < LOW_CURRENT_A
    return power_w is not None and power_w < levels.IDLE_POWER_W


def _settle_offer(draft: Draft, connector: int) -> None:
    contactor = draft.bay(connector).contactor
    limit_a = levels.limit_a(draft.state, connector, draft.now)
    if limit_a == contactor.offered_a:
        return
    more = limit_a > contactor.offered_a
    order = Raise if more else Reduce
    draft.do(order(connector=connector, limit_a=limit_a))
    draft.put(connector, contactor=replace(contactor, offered_a=limit_a))


def _settle_contactor(draft: Draft, connector: int) -> None:
    bay = _note_feedback(draft, connector)
    contactor = bay.contactor
    if contactor.ordered and contactor.seen_closed and not bay.seen.contactor_closed:
        _open(draft, connector, bay)  # the reflex was there first, and the cause is gone already
    elif levels.wants_energy(draft.state, connector, draft.now):
        if not contactor.ordered:
            draft.do(Energise(connector=connector))
        if not contactor.ordered or contactor.ramp_since is not None:
            draft.put(connector, contactor=_closing(draft, contactor))
    elif contactor.ordered:
        if levels.must_cut(draft.state, connector) or _has_ramped(draft, bay):
            _open(draft, connector, bay)
        elif contactor.ramp_since is None:
            draft.put(connector, contactor=replace(contactor, ramp_since=draft.now))


def _closing(draft: Draft, contactor: Contactor) -> Contactor:
    if contactor.ordered:  # the wish came back while the load was waited for
        return replace(contactor, ramp_since=None)
    closings = contactor.closings + 1
    return replace(contactor, ordered=True, closed_at=draft.now, closings=closings)


def _note_feedback(draft: Draft, connector: int) -> Bay:
    bay = draft.bay(connector)
    if bay.contactor.ordered and bay.seen.contactor_closed and not bay.contactor.seen_closed:
        draft.put(connector, contactor=replace(bay.contactor, seen_closed=True))
    return draft.bay(connector)


def _has_ramped(draft: Draft, bay: Bay) -> bool:
    """First of: no current for half a second, six seconds; the pilot is `must_cut`'s."""
    since = bay.contactor.ramp_since
    if since is None:
        return False
    if draft.now >= since + draft.policy.stop_within_s:
        return True
    low_since = bay.contactor.low_since
    return low_since is not None and draft.now >= max(low_since, since) + LOW_FOR_S


def _open(draft: Draft, connector: int, bay: Bay) -> None:
    last = bay.metering.last
    hot = last is not None and not is_low(last.current_a, last.power_w)
    draft.do(Cut(connector=connector))
    draft.put(
        connector,
        contactor=replace(
            bay.contactor,
            ordered=False,
            seen_closed=False,
            ramp_since=None,
            closed_at=None,
            opened_at=draft.now,
            hot_opens=bay.contactor.hot_opens + (1 if hot else 0),
        ),
    )


def on_closed(draft: Draft, fact: Closed) -> None:
    """The wear of a session goes with the commit of its end."""
    contactor = draft.bay(fact.connector).contactor
    counted = (contactor.closings, contactor.hot_opens)
    if counted == contactor.written:
        return
    closings, hot_opens = counted
    draft.write(ContactorWorn(connector=fact.connector, closings=closings, hot_opens=hot_opens))
    draft.put(fact.connector, contactor=replace(contactor, written=counted))


def deadlines(bay: Bay, policy: Policy) -> Iterator[float]:
    """When a ramp, a rest, or the patience with a car that draws nothing is over."""
    contactor = bay.contactor
    if contactor.ramp_since is not None:
        yield contactor.ramp_since + policy.stop_within_s
        if contactor.low_since is not None:
            yield max(contactor.low_since, contactor.ramp_since) + LOW_FOR_S
    if contactor.opened_at is not None:
        yield contactor.opened_at + policy.reclose_delay_s
