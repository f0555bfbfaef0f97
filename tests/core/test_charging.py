"""Charging profiles reach the output, and are shared where there is too little for all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from edge.core.bay import Phase
from edge.core.deadlines import next_deadline
from edge.core.effects import BEATS, Beat, Cut, Energise, Raise, Reduce, Reply, Write
from edge.core.events import Pilot, Ticked, Trip
from edge.core.messages import BootNotification, MeterValues
from edge.core.profiles import Installed
from edge.core.records import ProfileSet
from edge.core.saved import Saved
from edge.core.setup import Policy
from edge.core.vocabulary import ConnectorStatus
from tests.core.bench import BOB, NOON, at, of
from tests.core.build import Rig, booted
from tests.core.charging_bench import (
    DEFAULT,
    MAX,
    RELATIVE,
    TX,
    charging,
    clear,
    default,
    offered,
    profile,
    put,
)
from tests.core.restarts import after_power_cut, interrupted

NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # from a central system without a clock
CHARGING, SUSPENDED_EVSE = ConnectorStatus.CHARGING, ConnectorStatus.SUSPENDED_EVSE


def second_session(rig: Rig) -> None:
    """Another car, another card, on connector 2."""
    rig.plug(2)
    rig.tap(BOB)
    assert rig.phase(2) is Phase.CHARGING


# ── reaching the output ──────────────────────────────────────────────────────────────────────────


def test_a_limit_reaches_the_output_at_once() -> None:
    """TC_082, errata 3.8: a default set during a session takes effect in the same step."""
    rig = charging()
    assert offered(rig) == 32
    assert put(rig, default(10)) == "Accepted"
    assert of(Reduce, rig.last) == [Reduce(connector=1, limit_a=10)]
    assert rig.bay().contactor.ordered
    rig.meter(current_a=10)
    assert rig.told() == []


def test_less_comes_first_and_more_comes_last() -> None:
    """Ruling 2: a decrease waits for nothing, an increase for the disk."""
    rig = charging()
    put(rig, default(10))
    assert BEATS[Reduce] is Beat.CUT
    put(rig, default(16))
    assert of(Raise, rig.last) == [Raise(connector=1, limit_a=16)]
    kinds = [type(effect) for effect in rig.last]
    assert kinds.index(Write) < kinds.index(Raise) < kinds.index(Reply)


@pytest.mark.parametrize("limit", [0, 5.9])
def test_below_six_amperes_charging_is_paused(limit: float) -> None:
    """No pilot can signal it: offer withdrawn, contactor open, SuspendedEVSE."""
    rig = charging()
    put(rig, default(limit))
    assert of(Reduce, rig.last) == [Reduce(connector=1, limit_a=0)]
    assert of(Cut, rig.last)
    assert rig.told() == [SUSPENDED_EVSE]
    assert rig.phase() is Phase.CHARGING


def test_a_car_that_will_not_stop_is_waited_for() -> None:
    """Ruling 2: the contactor opens by ramp, six seconds at most."""
    rig = charging()
    rig.socket().stubborn = True
    put(rig, default(0))
    assert not of(Cut, rig.last)
    rig.wait(5.9)
    assert rig.bay().contactor.ordered
    rig.wait(0.1)
    assert not rig.socket().closed


def test_safety_06_clearing_the_limit_resumes() -> None:
    """Offer, rest of the contactor (safety 6), energy."""
    rig = charging()
    put(rig, default(0))
    assert clear(rig, id=1) == "Accepted"
    assert of(Raise, rig.last) == [Raise(connector=1, limit_a=32)]
    rig.wait(6)
    assert of(Energise, rig.log)
    assert rig.told()[0] is SUSPENDED_EVSE
    assert rig.told()[-1] is CHARGING


@pytest.mark.parametrize(("limit", "energy"), [(31, False), (32, True), (40, True)])
def test_without_a_pilot_a_limit_below_the_declared_current_opens(
    limit: float, energy: bool
) -> None:
    """Ruling 3: never ignored."""
    rig = charging(pilot=False)
    put(rig, default(limit))
    assert rig.socket().closed is energy
    assert offered(rig) == (32 if energy else 0)
    assert rig.told() == ([] if energy else [SUSPENDED_EVSE])


def test_the_next_period_begins_by_itself() -> None:
    """The core asks to be woken at the boundary; nothing else happens meanwhile."""
    rig = charging()
    start = rig.instant.wall
    put(rig, profile(DEFAULT, (0, 10), (20, 16), (40, 0), start=start, duration=60))
    due = next_deadline(rig.state)
    assert due is not None
    assert due < rig.now + 20.1
    offers = []
    for _ in range(4):
        offers.append(offered(rig))
        rig.wait(20.1)
    assert offers == [10, 16, 0, 32]


def test_samples_say_what_is_offered() -> None:
    """Current.Offered and Power.Offered follow the limit."""
    rig = charging(keys={"MeterValuesSampledData": "Current.Offered,Power.Offered"})
    put(rig, default(10))
    rig.wait(61)
    values = rig.messages(MeterValues)[0].meter_value[0].sampled_value
    assert [value.value for value in values] == ["10", "2300"]


def test_a_session_begins_within_the_limit() -> None:
    """TC_056: set before the transaction; the first offer is the right one."""
    rig = Rig(serve=True).online()
    put(rig, default(10), connector=0)
    rig.charging()
    assert of(Raise, rig.log) == [Raise(connector=1, limit_a=10)]


def test_a_clock_that_is_set_moves_the_schedules() -> None:
    """Absolute schedules stand on the wall clock, deadlines on the monotonic one."""
    rig = charging()
    put(rig, default(10, start=NOON + timedelta(hours=1)))
    assert offered(rig) == 32
    rig.wall += timedelta(hours=1)
    rig.meter()
    assert offered(rig) == 10


def test_a_clock_that_stands_still_before_a_boundary_is_looked_at_once_a_second() -> None:
    """A wall clock that does not come to the boundary must not keep the core spinning."""
    rig = charging()
    start = rig.instant.wall
    put(rig, profile(DEFAULT, (0, 10), (20, 16), start=start))
    rig.wait(19.995)
    for _ in range(100):
        due = next_deadline(rig.state)
        assert due is not None
        if due > rig.now + 10:
            break
        rig.wall -= timedelta(seconds=due - rig.now)
        rig.now = due
        rig.step(Ticked(at=rig.instant))
    assert offered(rig) == 10
    assert rig.now > 150
    rig.wait(5)
    assert offered(rig) == 16


@pytest.mark.parametrize("told", [True, False], ids=["by the boot", "later, by another"])
def test_a_station_limit_set_before_the_time_was_known_counts_its_own_seconds(
    *, told: bool
) -> None:
    """3.13.1: a relative ChargePointMaxProfile goes by what passed since it was set."""
    rig = Rig(trusted=False).start()
    rig.link_up()
    limits = profile(MAX, (0, 10), (60, 16), kind=RELATIVE, start=None)
    assert put(rig, limits, connector=0) == "Accepted"
    real = NOON + timedelta(days=700)
    rig.wait(5)
    rig.answer(BootNotification, booted(at(rig.now, wall=real).wall if told else NEVER))
    rig.wait(5)
    rig.trusted, rig.wall = True, real
    rig.charging()
    assert offered(rig) == 10
    rig.wait(49)
    assert offered(rig) == 10
    rig.wait(2)
    assert offered(rig) == 16
    again = Rig(saved=Saved(profiles=tuple(rig.written(ProfileSet)[-1:])), now=rig.now)
    assert again.state.station.charging.profiles == rig.state.station.charging.profiles


def test_a_session_begun_by_a_wrong_clock_counts_its_own_seconds() -> None:
    """A relative schedule goes by what passed, not by a clock learnt since."""
    rig = Rig(serve=True, trusted=False).online().charging()
    rig.trusted = True
    rig.wall += timedelta(days=700)
    put(rig, profile(TX, (0, 10), (60, 16), kind=RELATIVE, start=None))
    assert offered(rig) == 10
    rig.wait(61)
    assert offered(rig) == 16


def test_a_session_resumed_after_a_power_cut_counts_from_its_beginning() -> None:
    """Monotonic seconds of another boot mean nothing here; the wall clock does."""
    limits = profile(TX, (0, 10), (60, 16), kind=RELATIVE, start=None)
    installed = Installed(profile=limits, connector=1, since=NOON, ref=7)
    saved = replace(interrupted(), profiles=(ProfileSet(installed=installed),))
    rig = after_power_cut(saved, policy=Policy(resume_after_power_cut=True))
    rig.wall = NOON + timedelta(seconds=50)  # 55 s past noon now, 45 s since it began
    rig.wait(6)
    assert offered(rig) == 10
    rig.wait(10)
    assert offered(rig) == 16


# ── sharing ──────────────────────────────────────────────────────────────────────────────────────


def test_the_stations_limit_is_shared() -> None:
    """3.13.3, ruling 27: equal shares; whoever stays has it all again."""
    rig = charging(connectors=2)
    put(rig, profile(MAX, (0, 20)), connector=0)
    assert offered(rig) == 20
    second_session(rig)
    assert (offered(rig), offered(rig, 2)) == (10, 10)
    rig.unplug(1)
    assert offered(rig, 2) == 20


def test_with_too_little_for_two_the_second_waits() -> None:
    """Ruling 27: SuspendedEVSE until there is room."""
    rig = charging(connectors=2)
    put(rig, profile(MAX, (0, 10)), connector=0)
    second_session(rig)
    assert (offered(rig), offered(rig, 2)) == (10, 0)
    assert rig.told(2)[-1] is SUSPENDED_EVSE
    rig.unplug(1)
    assert offered(rig, 2) == 10


def test_a_car_that_draws_nothing_gives_its_turn_away() -> None:
    """Ruling 27: the longest waiting is paused first; a minute's patience."""
    rig = charging(connectors=2)
    put(rig, profile(MAX, (0, 10)), connector=0)
    second_session(rig)
    rig.meter(1, current_a=10)
    rig.wait(200)
    assert (offered(rig), offered(rig, 2)) == (10, 0)
    rig.see(1, pilot=Pilot.B, eager=False)
    rig.meter(1, current_a=0)
    rig.wait(59)
    assert (offered(rig), offered(rig, 2)) == (10, 0)
    rig.wait(1.1)
    assert (offered(rig), offered(rig, 2)) == (0, 10)
    rig.meter(2, current_a=10)
    rig.wait(200)
    assert (offered(rig), offered(rig, 2)) == (0, 10)


def test_a_faulted_session_takes_no_share() -> None:
    """What cannot charge needs nothing."""
    rig = charging(connectors=2)
    put(rig, profile(MAX, (0, 10)), connector=0)
    second_session(rig)
    rig.trip(Trip.OVER_TEMPERATURE, connector=1)
    assert (offered(rig), offered(rig, 2)) == (0, 10)
