"""Sessions that nobody ends."""

from __future__ import annotations

from dataclasses import replace

from edge.core.bay import Phase
from edge.core.events import MeterRead
from edge.core.messages import StatusNotification, StopTransaction
from edge.core.quantities import Reading
from edge.core.records import TransactionStopping
from edge.core.setup import Policy, Setup
from edge.core.vocabulary import ConnectorStatus, ErrorCode, StopReason
from edge.core.wishes import SetpointGiven
from tests.core.bench import setup
from tests.core.build import Rig
from tests.core.restarts import interrupted

ENDING = Policy(ends_idle_sessions=True)


def blind(policy: Policy | None = None) -> Setup:
    """Neither pilot nor plug sense: nobody can see a car."""
    made = setup(pilot=False, policy=policy)
    return replace(made, traits=(replace(made.traits[0], has_plug_sense=False),))


def charging(made: Setup, power_w: float = 3680.0) -> Rig:
    """A session runs; where no plug can be seen, a card is enough."""
    rig = Rig(made, serve=True).online()
    if made.traits[0].has_plug_sense:
        rig.plug()
    rig.tap()
    rig.socket().current_a = power_w / 230.0
    assert rig.phase() is Phase.CHARGING
    return rig


def poll(rig: Rig, seconds: int, every_s: int = 10) -> None:
    for _ in range(seconds // every_s):
        rig.wait(every_s)
        rig.meter()


def reasons(rig: Rig) -> list[StopReason | None]:
    return [one.reason for one in rig.messages(StopTransaction)]


def test_where_no_plug_can_be_seen_a_card_alone_begins_a_session() -> None:
    """Ruling 3: whoever was let in is taken to be plugged, and nobody before him."""
    rig = Rig(blind(), serve=True).online()
    rig.wait(600)
    assert not rig.socket().closed
    rig.tap()
    assert rig.phase() is Phase.CHARGING
    assert rig.socket().closed


def test_a_session_without_load_ends_after_ten_minutes() -> None:
    """Ruling 3: < 50 W for 10 min; reason Other, info "no load"; written before it is told."""
    rig = charging(blind(), power_w=49.0)
    poll(rig, 600)
    assert rig.phase() is Phase.CHARGING
    poll(rig, 10)
    assert reasons(rig) == [StopReason.OTHER]
    assert [one.reason for one in rig.written(TransactionStopping)] == [StopReason.OTHER]
    told = rig.messages(StatusNotification)[-1]
    assert (told.status, told.error_code, told.info) == (
        ConnectorStatus.AVAILABLE,
        ErrorCode.NO_ERROR,
        "no load",
    )
    rig.wait(10)
    rig.tap()
    assert rig.messages(StatusNotification)[-1].info is None


def test_a_little_load_now_and_then_keeps_a_session() -> None:
    """Ruling 3: ten minutes in a row."""
    rig = charging(blind(), power_w=20.0)
    for _ in range(3):
        poll(rig, 590)
        rig.socket().current_a = 1.0
        poll(rig, 10)
        rig.socket().current_a = 0.1
    assert reasons(rig) == []


def test_time_that_we_keep_the_energy_is_not_held_against_the_car() -> None:
    """A pause by a limit is no idleness."""
    rig = charging(blind(), power_w=20.0)
    pause = SetpointGiven(at=rig.instant, connector=1, limit_a=0.0, for_s=7200.0)
    rig.step(pause)
    poll(rig, 3600)
    assert reasons(rig) == []


def test_a_session_ends_when_it_has_lasted_long_enough() -> None:
    """Ruling 3: `max_duration`."""
    rig = charging(blind(Policy(max_duration_s=7200.0)))
    rig.wait(7199)
    assert reasons(rig) == []
    rig.wait(1)
    assert reasons(rig) == [StopReason.OTHER]


def test_where_the_plug_is_seen_sessions_end_by_it() -> None:
    """Ruling 3: on only where nothing else ends a session, or where the owner wants it."""
    rig = charging(setup(pilot=False), power_w=0.0)
    poll(rig, 86_500, every_s=100)
    assert reasons(rig) == []
    wanted = charging(setup(pilot=False, policy=ENDING), power_w=0.0)
    poll(wanted, 610)
    assert reasons(wanted) == [StopReason.OTHER]
    assert wanted.messages(StatusNotification)[-1].info == "no load"
    wanted.unplug()
    assert wanted.messages(StatusNotification)[-1].info is None


def test_a_meter_of_currents_or_of_nothing_is_judged_by_what_it_has() -> None:
    """Unknown is not idle."""
    for currents, ends in (((0.1, 0.05, 0.0), True), ((0.3, 0.0, 0.0), False), ((), False)):
        rig = charging(blind())
        rig.socket().mute = True
        for _ in range(62):
            rig.wait(10)
            reading = Reading(at=rig.instant, energy_wh=1000, current_a=currents)
            rig.step(MeterRead(at=rig.instant, connector=1, reading=reading))
        assert (rig.phase() is not Phase.CHARGING) is ends


def test_a_session_without_plug_sense_goes_on_after_a_restart() -> None:
    """Ruling 40: as where the plug is seen to be still in."""
    rig = Rig(blind(), saved=interrupted(), serve=True)
    rig.socket().energy_wh = 1420
    rig.start()
    rig.link_up()
    rig.wait(10)
    assert rig.phase() is Phase.CHARGING
