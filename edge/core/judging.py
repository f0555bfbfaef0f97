"""Machine `judging`: what the meter's readings say, over time, of supply, load and contactor.

Each row of `RULES` reads a sign from a reading: yes, no, or neither in the band between. A verdict
turns when its sign has lasted; what follows from it is said in `faults` and `ending`.

A phase that is not there is not judged: a car induces 40 to 130 V on it, and behind an open
contactor all are gone. Source: safety 9, 14; firsts 11; rulings 2, 3; EN 50160.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final

from edge.core.bay import Bay, Concern, Phase, Verdict
from edge.core.contactor import is_low
from edge.core.draft import Draft
from edge.core.events import MeterRead, Pilot
from edge.core.facts import MustLatch, Opened, PluggedOut
from edge.core.quantities import Reading
from edge.core.records import Latch
from edge.core.setup import Bounds, EvseTraits, Setup

ABSENT_BELOW: Final = 0.6  # of the nominal voltage: above what a car induces (devices.md 4)
VOLTAGE_BAND: Final = 0.01  # of the nominal voltage: so far back before it counts as over
SETTLES_S: Final = 1.0  # a contactor has that long to open before a current counts against it
SUSPECTED_AFTER_S: Final = 3.0
LIKELY_AFTER_S: Final = 10.0
CERTAIN_AFTER_S: Final = 30.0  # no meter is as slow as that
SUSPICION_OVER_S: Final = 10.0
NOTHING_FLOWS_S: Final = 120.0  # cars take their time to wake up
NO_LOAD_W: Final = 50.0  # ruling 3
CALM_S: Final = 30.0  # the time to see who took too much, and to take note of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One reading, and the connector as it stood."""

    setup: Setup
    traits: EvseTraits
    bay: Bay
    reading: Reading


Sign = Callable[[Case], bool | None]
Seconds = Callable[[Setup], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How a concern shows, how long before it holds, and how long before it is over."""

    concern: Concern
    sign: Sign
    after_s: Seconds
    over_s: Seconds


def on_read(draft: Draft, event: MeterRead) -> None:
    """Judge a reading that the meter machine has taken over."""
    if event.connector == 0 or draft.bay(event.connector).metering.last is not event.reading:
        return
    setup, bay = draft.state.setup, draft.bay(event.connector)
    traits = setup.traits[event.connector - 1]
    case = Case(setup=setup, traits=traits, bay=bay, reading=event.reading)
    verdicts = {
        rule.concern: bay.verdicts.get(rule.concern, Verdict()).heard(
            rule.sign(case),
            event.reading.at.monotonic,
            after_s=rule.after_s(setup),
            over_s=rule.over_s(setup),
        )
        for rule in RULES
    }
    draft.put(event.connector, verdicts=verdicts)
    if verdicts[Concern.WELD_CERTAIN].holds:
        draft.tell(MustLatch(connector=event.connector, latch=Latch.FLOWS_WHILE_OPEN))


def on_new_driver(draft: Draft, fact: Opened | PluggedOut) -> None:
    """That a session ended for want of a load is no news to whoever comes next."""
    verdicts = draft.bay(fact.connector).verdicts
    draft.put(fact.connector, verdicts={**verdicts, Concern.NO_LOAD: Verdict()})


def _volts(case: Case) -> tuple[float, ...]:
    """Those of the phases that are there."""
    least_v = ABSENT_BELOW * case.traits.nominal_v
    return tuple(v for v in case.reading.voltage_v[: case.traits.phases] if v >= least_v)


def _above(percent: Callable[[Bounds], float]) -> Sign:
    def sign(case: Case) -> bool | None:
        nominal_v = case.traits.nominal_v
        most_v = nominal_v * (1 + percent(case.setup.bounds) / 100)
        highest_v = max(_volts(case), default=0.0)
        return _beyond(highest_v - most_v, VOLTAGE_BAND * nominal_v)

    return sign


def _below(percent: Callable[[Bounds], float]) -> Sign:
    def sign(case: Case) -> bool | None:
        nominal_v = case.traits.nominal_v
        least_v = nominal_v * (1 - percent(case.setup.bounds) / 100)
        lowest_v = min(_volts(case), default=nominal_v)
        return _beyond(least_v - lowest_v, VOLTAGE_BAND * nominal_v)

    return sign


def _beyond(excess: float, band: float) -> bool | None:
    """Yes above the bound, no when it is more than *band* below, neither in between."""
    if excess > 0:
        return True
    return None if excess > -band else False


def _takes_too_much(case: Case) -> bool | None:
    """More than the offer, which without a pilot is the rating or nothing (safety 14, ruling 3).

    While an offer is withdrawn, the contactor opens soon by itself.
    """
    contactor = case.bay.contactor
    if not contactor.ordered:
        return False
    allowed_a = contactor.offered_a
    if not case.reading.current_a or not allowed_a:
        return None
    bounds, highest_a = case.setup.bounds, max(case.reading.current_a)
    band_a = allowed_a * bounds.over_current_percent / 100 + bounds.over_current_noise_a
    return _beyond(highest_a - allowed_a - band_a, band_a)


def _flows_while_open(case: Case) -> bool | None:
    """A load behind a contactor that was told to open, and that nothing shows to be closed.

    With a mirror contact that says so, its wire or the contact itself is broken.
    """
    contactor = case.bay.contactor
    if contactor.ordered:
        return False
    settled_at = (contactor.opened_at or -inf) + case.traits.meter_refresh_s + SETTLES_S
    is_judged = case.bay.seen.known and not case.bay.seen.contactor_closed
    if not is_judged or case.reading.at.monotonic < settled_at:
        return None
    return _has_load(case.reading)


def _has_load(reading: Reading) -> bool | None:
    measured = bool(reading.current_a) or reading.power_w is not None
    return not is_low(reading.current_a, reading.power_w) if measured else None


def _nothing_flows(case: Case) -> bool:
    """Closed, the car asks, and since it closed there was never a load; a full car has had one."""
    contactor, seen = case.bay.contactor, case.bay.seen
    closed_at, low_since = contactor.closed_at, contactor.low_since
    if not contactor.ordered or not seen.contactor_closed or seen.pilot not in (Pilot.C, Pilot.D):
        return False
    if _has_load(case.reading):
        return False
    return closed_at is not None and low_since is not None and low_since <= closed_at


def _is_idle(case: Case) -> bool | None:
    """A running session that may draw and does not; not while we keep the energy from it."""
    bay, reading = case.bay, case.reading
    if bay.connector.phase is not Phase.CHARGING or not bay.contactor.ordered:
        return None
    power_w = reading.power_w
    if power_w is None and reading.current_a:
        power_w = sum(reading.current_a) * case.traits.nominal_v
    return None if power_w is None else power_w < NO_LOAD_W


RULES: Final = (
    Rule(
        concern=Concern.OVER_VOLTAGE,
        sign=_above(lambda bounds: bounds.voltage_stop_percent),
        after_s=lambda setup: setup.bounds.voltage_stop_after_s,
        over_s=lambda setup: setup.bounds.voltage_clear_after_s,
    ),
    Rule(
        concern=Concern.UNDER_VOLTAGE,
        sign=_below(lambda bounds: bounds.voltage_stop_percent),
        after_s=lambda setup: setup.bounds.voltage_stop_after_s,
        over_s=lambda setup: setup.bounds.voltage_clear_after_s,
    ),
    Rule(
        concern=Concern.HIGH_VOLTAGE,
        sign=_above(lambda bounds: bounds.voltage_warn_percent),
        after_s=lambda setup: setup.bounds.voltage_warn_after_s,
        over_s=lambda setup: setup.bounds.voltage_clear_after_s,
    ),
    Rule(
        concern=Concern.LOW_VOLTAGE,
        sign=_below(lambda bounds: bounds.voltage_warn_percent),
        after_s=lambda setup: setup.bounds.voltage_warn_after_s,
        over_s=lambda setup: setup.bounds.voltage_clear_after_s,
    ),
    Rule(
        concern=Concern.OVER_CURRENT,
        sign=_takes_too_much,
        after_s=lambda setup: setup.bounds.over_current_after_s,
        over_s=lambda _: CALM_S,
    ),
    Rule(
        concern=Concern.WELD_SUSPECTED,
        sign=_flows_while_open,
        after_s=lambda _: SUSPECTED_AFTER_S,
        over_s=lambda _: SUSPICION_OVER_S,
    ),
    Rule(
        concern=Concern.WELD_LIKELY,
        sign=_flows_while_open,
        after_s=lambda _: LIKELY_AFTER_S,
        over_s=lambda _: SUSPICION_OVER_S,
    ),
    Rule(
        concern=Concern.WELD_CERTAIN,
        sign=_flows_while_open,
        after_s=lambda _: CERTAIN_AFTER_S,
        over_s=lambda _: 0.0,  # what it has latched stays
    ),
    Rule(
        concern=Concern.NOTHING_FLOWS,
        sign=_nothing_flows,
        after_s=lambda _: NOTHING_FLOWS_S,
        over_s=lambda _: 0.0,
    ),
    Rule(
        concern=Concern.NO_LOAD,
        sign=_is_idle,
        after_s=lambda setup: setup.policy.idle_stop_s,
        over_s=lambda _: 0.0,
    ),
)
"""Each concern once."""
