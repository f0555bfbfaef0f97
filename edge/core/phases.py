"""Machine `phases`: when the phase relay of a charging point lets a car draw on one, when on three.

    offer withdrawn ─► contactor seen open, 0 A measured ─► relay ─► pause ─► offer again

While a switch is under way `levels` withholds the energy; offer and contactor are the contactor's
machine. By default the relay moves only before a session's first energy: some cars are destroyed
when phases come back in a session, and nobody can ask them (safety 23; OCPP 1.6 ed. 2, 3.13).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from edge.core import faults, limits
from edge.core.bay import Bay, Phase, Phases
from edge.core.draft import Draft
from edge.core.effects import SwitchPhases
from edge.core.facts import Closed, Resumed
from edge.core.setup import Policy

DEAD_BELOW_A: Final = 0.5  # on each phase: what a meter shows of nothing
FRESH_S: Final = 5.0  # the meter is read every second
PATIENCE_S: Final = 60.0  # for 0 A on the way to more phases; then the session goes on with fewer
HOUR_S: Final = 3600.0


def on_closed(draft: Draft, fact: Closed) -> None:
    """The next car has had nothing yet."""
    _put(draft, fact.connector, replace(draft.bay(fact.connector).phases, is_committed=False))


def on_resumed(draft: Draft, fact: Resumed) -> None:
    """What this car had before the restart nobody knows; the relay has fallen to one phase."""
    _put(draft, fact.connector, replace(draft.bay(fact.connector).phases, is_committed=True))


def settle(draft: Draft) -> None:
    """Bring every relay where profiles want it. Runs before the contactor's, which it holds off."""
    for connector in draft.state.connectors:
        if draft.state.setup.traits[connector - 1].switches_phases:
            _put(draft, connector, _committed(draft.bay(connector)))
            _put(draft, connector, _settled(draft, connector))


def _put(draft: Draft, connector: int, phases: Phases) -> None:
    if phases != draft.bay(connector).phases:
        draft.put(connector, phases=phases)


def _settled(draft: Draft, connector: int) -> Phases:
    phases = draft.bay(connector).phases
    if phases.moved_at is not None:
        if draft.now < phases.moved_at + draft.policy.phase_pause_s:
            return phases
        phases = replace(phases, since=None, moved_at=None)
    given = limits.phases(draft.state, connector)
    wanted = limits.usable_phases(draft.state, connector)
    rises = wanted > given
    goes = wanted != given and _may_switch(draft, connector)
    if not goes or (rises and not _may_rise(draft, connector, phases)):
        return replace(phases, since=None)
    if phases.since is None:
        phases = replace(phases, since=draft.now)
        if rises:
            phases = replace(phases, rises=(*_recent(phases, draft.now), draft.now))
    if _is_dead(draft, connector):
        draft.do(SwitchPhases(connector=connector, phases=wanted))
        phases = replace(phases, moved_at=draft.now)
    return phases


def _committed(bay: Bay) -> Phases:
    """From its first energy on a session has its phases."""
    closes = bay.contactor.ordered or bay.seen.contactor_closed
    if bay.connector.phase is Phase.CHARGING and closes:
        return replace(bay.phases, is_committed=True)
    return bay.phases


def _may_switch(draft: Draft, connector: int) -> bool:
    """For a session only, and not amid one unless the owner says that cars bear it."""
    charges = draft.bay(connector).connector.phase is Phase.CHARGING
    return charges and not limits.keeps_phases(draft.state, connector)


def _may_rise(draft: Draft, connector: int, phases: Phases) -> bool:
    """Not too often, not without end, and not where the meter could never show 0 A."""
    if not _tells_each_phase(draft, connector):
        return False
    if phases.since is not None:
        return draft.now < phases.since + PATIENCE_S
    return len(_recent(phases, draft.now)) < draft.policy.phase_switches_an_hour


def _recent(phases: Phases, now: float) -> tuple[float, ...]:
    return tuple(at for at in phases.rises if now < at + HOUR_S)


def _tells_each_phase(draft: Draft, connector: int) -> bool:
    last = draft.bay(connector).metering.last
    wired = draft.state.setup.traits[connector - 1].phases
    return last is not None and len(last.current_a) >= wired


def _is_dead(draft: Draft, connector: int) -> bool:
    """The contactor is seen open, and the meter has shown since that nothing flows (safety 23)."""
    bay, traits = draft.bay(connector), draft.state.setup.traits[connector - 1]
    last = bay.metering.last
    if bay.contactor.ordered or bay.seen.contactor_closed or bay.metering.failed is not None:
        return False
    if faults.fault(draft.state, connector, draft.now) is not None:
        return False
    if last is None or not _tells_each_phase(draft, connector):
        return False
    told_at, opened_at = last.at.monotonic, bay.contactor.opened_at or 0.0
    is_fresh = told_at >= opened_at + traits.meter_refresh_s and draft.now - told_at < FRESH_S
    return is_fresh and max(last.current_a) < DEAD_BELOW_A


def deadlines(bay: Bay, policy: Policy) -> Iterator[float]:
    """When the relay has rested, patience is over, or three phases may be tried again."""
    phases = bay.phases
    if phases.moved_at is not None:
        yield phases.moved_at + policy.phase_pause_s
    elif phases.since is not None:
        yield phases.since + PATIENCE_S
    if len(phases.rises) >= policy.phase_switches_an_hour:
        yield phases.rises[0] + HOUR_S
