"""The phase relay: moved at a confirmed 0 A only, rested, not too often, not under a car's feet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.core import levels, limits, why
from edge.core.bay import Phase
from edge.core.deadlines import next_deadline
from edge.core.effects import BEATS, Beat, Cut, Energise, Raise, Reduce, SwitchPhases
from edge.core.events import MeterFailed, Pilot
from edge.core.vocabulary import ConnectorStatus
from tests.core.bench import of, setup
from tests.core.build import Rig
from tests.core.charging_bench import offered, put
from tests.core.relay import SESSION, WORDS, allow, charging, fitted, live, moves, told
from tests.core.restarts import after, interrupted


def test_safety_23_nothing_moves_without_a_session() -> None:
    """After a start the relay stays where its pin fell: on one phase, contactor open."""
    rig = Rig(fitted(SESSION), serve=True).online()
    put(rig, allow(3))
    rig.plug()
    live(rig, 30)
    assert moves(rig) == []
    assert rig.bay().seen.phases == 1


def test_safety_23_three_phases_come_before_the_first_energy() -> None:
    """The relay first, then its pause, then the offer, then the contactor."""
    rig = Rig(fitted(), serve=True).online()
    rig.charging()
    began = rig.now
    assert moves(rig) == [3]
    assert told(rig) == (ConnectorStatus.SUSPENDED_EVSE, WORDS)
    assert (offered(rig), rig.socket().closed) == (0.0, False)
    live(rig, 9)
    assert not of(Energise, rig.log)
    live(rig, 1)
    order = [type(one) for one in rig.log if isinstance(one, SwitchPhases | Raise | Energise)]
    assert order == [SwitchPhases, Raise, Energise]
    assert rig.now == began + 10.0
    assert told(rig)[0] is ConnectorStatus.CHARGING


def test_safety_23_a_session_that_may_have_one_phase_begins_at_once() -> None:
    """The relay is there already."""
    rig = Rig(fitted(), serve=True).online()
    assert put(rig, allow(1)) == "Accepted"
    rig.charging()
    assert moves(rig) == []
    assert rig.socket().closed
    assert offered(rig) == 16.0


def test_safety_23_amid_a_session_the_sequence_is_kept() -> None:
    """Offer, contactor, meter, relay, pause, offer, contactor."""
    rig = charging(SESSION)
    rig.socket().stubborn = True
    assert put(rig, allow(1)) == "Accepted"
    assert told(rig) == (ConnectorStatus.SUSPENDED_EVSE, WORDS)
    assert of(Reduce, rig.log)
    assert not of(Cut, rig.log)
    live(rig, 5)
    assert moves(rig) == []
    rig.see(pilot=Pilot.B, current_a=0.0)
    assert of(Cut, rig.log)
    assert moves(rig) == [], "the meter has not been read since"
    rig.meter()
    assert moves(rig) == [1]
    moved_at = rig.now
    (found,) = [one for one in why.causes(rig.state, 1, rig.now) if one.what == WORDS]
    assert found.until == moved_at + 10.0
    assert found.since is not None
    assert found.since < moved_at
    rig.log.clear()
    live(rig, 9)
    assert not of(Raise, rig.log)
    live(rig, 1)
    assert of(Raise, rig.log) == [Raise(connector=1, limit_a=16.0)]
    assert rig.socket().closed
    assert rig.bay().seen.phases == 1


@pytest.mark.parametrize("leak_a", [0.5, 0.9])
def test_safety_23_a_current_that_stays_holds_the_relay(leak_a: float) -> None:
    """Half an ampere on a single phase is not 0 A."""
    rig = charging(SESSION)
    rig.socket().leak_a = leak_a
    put(rig, allow(1))
    live(rig, 30)
    assert moves(rig) == []
    assert not rig.socket().closed
    assert levels.is_switching(rig.state, 1)
    rig.socket().leak_a = 0.4
    live(rig, 1)
    assert moves(rig) == [1]


def test_safety_23_a_contactor_that_does_not_open_holds_the_relay() -> None:
    """Seen open, not merely told to open."""
    rig = charging(SESSION)
    rig.socket().deaf = True
    put(rig, allow(1))
    rig.socket().current_a = 0.0
    live(rig, 30)
    assert of(Cut, rig.log)
    assert moves(rig) == []


def test_safety_23_a_reading_from_before_is_no_confirmation() -> None:
    """Neither an old reading nor a meter that fails tells anything of now."""
    rig = charging(SESSION)
    put(rig, allow(1))
    rig.wait(2)
    assert not rig.socket().closed
    rig.step(MeterFailed(at=rig.instant, connector=1, why="silent"))
    rig.wait(3)
    assert moves(rig) == []
    rig.meter()
    assert moves(rig) == [1]


def test_safety_23_a_reading_grows_old() -> None:
    """What the meter said some seconds ago says nothing of now."""
    rig = charging(SESSION)
    rig.socket().deaf = True
    put(rig, allow(1))
    rig.socket().current_a = 0.0
    live(rig, 7)
    rig.wait(5)
    rig.see(closed=False)
    assert of(Cut, rig.log)
    assert moves(rig) == []
    rig.meter()
    assert moves(rig) == [1]


def test_safety_23_a_meter_that_forgets_its_phases_holds_the_relay() -> None:
    """One current of three is no confirmation, small as it may be."""
    rig = charging(SESSION)
    rig.socket().blind = True
    put(rig, allow(1))
    live(rig, 5)
    assert not rig.socket().closed
    assert moves(rig) == []
    rig.socket().blind = False
    live(rig, 1)
    assert moves(rig) == [1]


def test_safety_23_a_fault_holds_the_relay() -> None:
    """Nothing moves on a charging point that is not in order."""
    rig = charging(SESSION)
    put(rig, allow(1))
    rig.wait(2)
    rig.see(pilot=Pilot.E, closed=False)
    live(rig, 3)
    assert moves(rig) == []


def test_safety_23_by_default_no_car_sees_phases_come_or_go() -> None:
    """3.13: damage is possible, so what a profile wants amid a session waits for the next one."""
    rig = charging(phases=1)
    put(rig, allow(3))
    live(rig, 60)
    assert moves(rig) == []
    assert rig.socket().closed
    rig.tap()
    live(rig, 12)
    rig.unplug()
    live(rig, 2)
    assert rig.bay().transaction is None
    rig.charging()
    live(rig, 12)
    assert moves(rig) == [3]
    assert rig.socket().closed


def test_safety_23_a_session_that_keeps_three_phases_waits_where_one_is_allowed() -> None:
    """The profile was accepted, so it is kept: no energy rather than three times as much."""
    rig = charging()
    assert put(rig, allow(1)) == "Accepted"
    live(rig, 10)
    assert moves(rig) == []
    assert not rig.socket().closed
    assert told(rig) == (
        ConnectorStatus.SUSPENDED_EVSE,
        "one phase allowed, the session keeps three",
    )
    assert limits.slots(rig.state, 1, rig.now)[0].owner is limits.Owner.PHASES
    put(rig, allow(3))
    live(rig, 10)
    assert rig.socket().closed


def test_safety_23_more_phases_come_only_so_often() -> None:
    """A profile that flaps does not wear the relay: one phase stays."""
    policy = replace(SESSION, phase_switches_an_hour=2)
    rig = charging(policy)
    for phases in (1, 3, 1, 3, 1, 3):
        put(rig, allow(phases))
        live(rig, 30)
    assert moves(rig) == [1, 3, 1], "the session's begin was the first of two"
    assert rig.socket().closed
    due = next_deadline(rig.state)
    assert due is not None
    live(rig, 3600)
    assert moves(rig)[-1] == 3
    assert rig.socket().closed


def test_safety_23_where_0_a_cannot_be_confirmed_the_session_goes_on_with_one() -> None:
    """Patience ends, each attempt counts, and the car is not left without energy."""
    rig = Rig(fitted(replace(SESSION, phase_switches_an_hour=1)), serve=True)
    rig.socket().leak_a = 0.6
    rig.online().charging()
    live(rig, 59)
    assert not rig.socket().closed
    live(rig, 2)
    assert rig.socket().closed
    assert moves(rig) == []


def test_safety_23_a_meter_that_knows_no_single_phase_means_one_phase() -> None:
    """It could never show that nothing flows."""
    rig = Rig(fitted(SESSION), serve=True)
    rig.socket().blind = True
    rig.online().charging()
    live(rig, 30)
    assert moves(rig) == []
    assert rig.socket().closed


def test_safety_23_a_relay_that_does_not_obey_is_asked_again_and_no_energy_flows_meanwhile() -> (
    None
):
    """What it gives is what its driver says, never what it was told."""
    rig = Rig(fitted(SESSION), serve=True).online()
    rig.socket().stuck = True
    rig.charging()
    live(rig, 25)
    assert moves(rig) == [3, 3, 3]
    assert not rig.socket().closed
    live(rig, 30)
    assert moves(rig) == [3, 3, 3, 3], "as often as the hour allows"
    assert rig.socket().closed
    assert limits.phases(rig.state, 1) == 1


def test_safety_23_a_session_that_ends_amid_a_switch_leaves_the_relay() -> None:
    """Nobody is there to switch for."""
    rig = charging(SESSION)
    rig.socket().leak_a = 0.6
    put(rig, allow(1))
    live(rig, 3)
    rig.unplug()
    rig.socket().leak_a = 0.0
    live(rig, 5)
    assert rig.bay().connector.phase is Phase.IDLE
    assert moves(rig) == []
    assert not levels.is_switching(rig.state, 1)


def test_safety_23_a_resumed_session_stays_on_one_phase() -> None:
    """What the car had before the restart nobody knows, and phases must not come back."""
    rig = after(interrupted(), relay=True)
    live(rig, 30)
    assert moves(rig) == []
    assert rig.socket().closed
    assert rig.phase() is Phase.CHARGING
    rig = after(interrupted(), relay=True, policy=SESSION)
    live(rig, 30)
    assert moves(rig) == [3]


def test_the_relay_moves_at_once_behind_the_cuts() -> None:
    """A slow disk must not take from the pause."""
    assert Beat.CUT < BEATS[SwitchPhases] <= Beat.SHOW


def test_what_is_offered_in_watts_counts_the_phases_that_are_on() -> None:
    """Power.Offered of a sample."""
    assert limits.phases(charging(phases=1).state, 1) == 1
    assert limits.phases(charging(phases=3).state, 1) == 3
    assert limits.phases(Rig(setup(phases=3)).state, 1) == 3
