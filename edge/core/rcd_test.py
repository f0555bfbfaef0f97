"""Machine `rcd_test`: whether the residual current device still trips, found out by its test coil.

    due and undisturbed ─► announced ─ on the disk ─► fired ─ tripped in time ─► clears ─► passed
                                │                      │ the pulse is over, no trip: latched
                                └──────────────────────┴─ no answer: again a minute later

Due when the computer starts, after each session and once a day. Nobody can start meanwhile, which
is under two seconds: a card is refused, and the lamp says so. What trips then is the test's doing.
The announcement is on the disk first, for a pulse may take the mains, and us, with it: a test that
never comes to an end is no reason to try for ever, nor to trust the device.
Source: safety 12.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from edge.core import faults, levels
from edge.core.bay import Bay, Phase, RcdTest, SelfTest
from edge.core.draft import Draft
from edge.core.effects import FireTestCoil, Rearm
from edge.core.events import EvseSeen, Stored, Trip
from edge.core.facts import MustLatch
from edge.core.records import Latch, RcdTested
from edge.core.setup import EvseTraits, Policy
from edge.core.waiting import ToTestRcd
from edge.core.wishes import ReleaseAsked

TRIP_WITHIN_S: Final = 0.3  # from the pulse's start: what a 30 mA device has at its rated current
ANSWER_WITHIN_S: Final = 2.0  # for the driver to show the pulse, and its end
CLEAR_WITHIN_S: Final = 1.0  # from the pulse's end
REARM_EVERY_S: Final = 0.2
AGAIN_S: Final = 60.0  # nothing is known: no reason to hammer the coil
MOST_TRIES: Final = 3  # in a row that came to no end


def _put(draft: Draft, connector: int, **changes: Any) -> None:
    draft.put(connector, rcd_test=replace(draft.bay(connector).rcd_test, **changes))


# ── beginning ────────────────────────────────────────────────────────────────────────────────────


def settle(draft: Draft) -> None:
    """Announce what is due where nobody is disturbed. Runs after each step's facts."""
    for connector in draft.state.connectors:
        if not _is_due(draft, connector) or _is_in_use(draft, connector):
            continue
        if not _is_fit(draft, connector):
            continue
        test = draft.bay(connector).rcd_test
        if test.tries >= MOST_TRIES:
            draft.tell(MustLatch(connector=connector, latch=Latch.RCD_TEST))
            continue
        begun = RcdTested(connector=connector, passed_at=test.passed_at, tries=test.tries + 1)
        draft.store(ToTestRcd(connector=connector), begun)
        _put(draft, connector, running=SelfTest(since=draft.now), again_at=None)


def _is_due(draft: Draft, connector: int) -> bool:
    test = draft.bay(connector).rcd_test
    if not draft.state.setup.traits[connector - 1].has_rcd_test or test.running is not None:
        return False
    if test.again_at is not None and draft.now < test.again_at:
        return False
    passed_at, begun_at = test.passed_at, draft.station.last_starts.get(connector)
    if passed_at is None or passed_at.boot != draft.station.clock.boot:
        return True
    had_session = begun_at is not None and begun_at.order >= passed_at.order
    return had_session or draft.now >= passed_at.monotonic + draft.policy.rcd_test_every_s


def _is_in_use(draft: Draft, connector: int) -> bool:
    """Somebody is about to start here, or may be; or the process is about to end."""
    station, found = draft.station, draft.bay(connector).connector
    at_rest = (Phase.IDLE, Phase.PREPARING, Phase.FINISHING)
    if found.phase not in at_rest or found.permit is not None or station.authorisation.asking:
        return True
    floats = any(connector in one.among for one in station.authorisation.floating)
    return floats or station.restarting is not None or levels.is_updating(draft.state)


def _is_fit(draft: Draft, connector: int) -> bool:
    """Whether a test could tell anything: all is seen and in order, and the contactor open."""
    bay = draft.bay(connector)
    is_open = not bay.contactor.ordered and not bay.seen.contactor_closed
    return (
        bay.seen.known
        and is_open
        and not draft.station.supply_lost
        and faults.fault(draft.state, connector, draft.now) is None
        and faults.unrecorded(draft.state) is None
    )


def on_announced(draft: Draft, purpose: ToTestRcd, event: Stored) -> None:
    """The disk knows of it: fire, unless something has happened meanwhile."""
    connector = purpose.connector
    test = draft.bay(connector).rcd_test
    assert test.running is not None, "only a test that is under way is announced"
    if event.failure is None:
        _put(draft, connector, tries=test.tries + 1)
    if event.failure is not None or not _is_fit(draft, connector):
        _give_up(draft, connector)
        return
    draft.do(FireTestCoil(connector=connector))
    _put(draft, connector, running=replace(test.running, until=draft.now + ANSWER_WITHIN_S))


# ── what comes of it ─────────────────────────────────────────────────────────────────────────────


def on_seen(draft: Draft, event: EvseSeen) -> None:
    """Follow the pulse by what the driver shows, in the order in which it happened."""
    connector = event.connector
    running = draft.bay(connector).rcd_test.running
    if running is None or not running.is_fired:
        return
    tripped = Trip.RCD in event.tripped
    if event.rcd_pulsed and running.pulse_at is None:
        running = replace(running, pulse_at=draft.now)
    if running.pulse_at is None:
        return  # seen before the order reached the driver
    if tripped and running.tripped_at is None:
        running = replace(running, tripped_at=draft.now)
    _put(draft, connector, running=running)
    if not event.rcd_pulsed:
        _judge(draft, connector, running, is_clear=not tripped)


def _judge(draft: Draft, connector: int, running: SelfTest, *, is_clear: bool) -> None:
    """The pulse is over: no trip is a fault, one in time must let go again."""
    if not running.has_tripped_within(TRIP_WITHIN_S):
        if draft.station.supply_lost:  # which the device may live on
            _give_up(draft, connector)
        else:
            _put(draft, connector, running=None)
            draft.tell(MustLatch(connector=connector, latch=Latch.RCD_TEST))
    elif is_clear:
        draft.write(RcdTested(connector=connector, passed_at=draft.at, tries=0))
        _put(draft, connector, running=None, passed_at=draft.at, tries=0)
    elif running.rearm_at is None:
        clears = replace(running, until=draft.now + CLEAR_WITHIN_S)
        _rearm(draft, connector, clears)


def _rearm(draft: Draft, connector: int, running: SelfTest) -> None:
    draft.do(Rearm(connector=connector))
    _put(draft, connector, running=replace(running, rearm_at=draft.now + REARM_EVERY_S))


def _give_up(draft: Draft, connector: int) -> None:
    """Nothing is known; a trip that is still there is a fault like any other from now on."""
    _put(draft, connector, running=None, again_at=draft.now + AGAIN_S)


def on_release(draft: Draft, event: ReleaseAsked) -> None:
    """Somebody has looked: tested anew, at once. Runs before the latch itself is released."""
    if Latch.RCD_TEST in draft.bay(event.connector).latches:
        draft.write(RcdTested(connector=event.connector, passed_at=None, tries=0))
        draft.put(event.connector, rcd_test=RcdTest())


# ── time ─────────────────────────────────────────────────────────────────────────────────────────


def on_tick(draft: Draft) -> None:
    """Rearm while the trip has time to clear; an end to all patience."""
    for connector in draft.state.connectors:
        running = draft.bay(connector).rcd_test.running
        if running is None or running.until is None:
            continue
        if draft.now >= running.until:
            _give_up(draft, connector)
        elif running.rearm_at is not None and draft.now >= running.rearm_at:
            _rearm(draft, connector, running)


def deadlines(bay: Bay, traits: EvseTraits, policy: Policy) -> Iterator[float | None]:
    """When `on_tick` has something to do, or a test may be due."""
    test = bay.rcd_test
    if test.running is not None:
        yield test.running.until
        yield test.running.rearm_at
    elif traits.has_rcd_test:
        yield test.again_at
        if test.passed_at is not None:
            yield test.passed_at.monotonic + policy.rcd_test_every_s
