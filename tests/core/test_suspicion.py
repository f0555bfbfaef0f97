"""What the meter makes us suspect of the contactor, in grades (firsts 11)."""

from __future__ import annotations

from edge.core.bay import Concern, Phase
from edge.core.effects import Cut
from edge.core.events import Pilot
from edge.core.messages import StatusNotification
from edge.core.records import FaultLatched, FaultReleased, Latch
from edge.core.saved import Saved
from edge.core.vocabulary import ConnectorStatus, ErrorCode, StopReason
from edge.core.wishes import ReleaseAsked
from tests.core.bench import of, setup
from tests.core.build import Rig
from tests.core.judged import newest, poll, reasons


def leaking(*, current_a: float = 16.0) -> Rig:
    """Nobody charges, and the meter shows a current."""
    rig = Rig(serve=True).online()
    rig.socket().leak_a = current_a
    return rig


def test_safety_09_current_while_open_is_suspected_then_likely_then_a_weld() -> None:
    """Safety 9, firsts 11: three grades; the last is latched and written once."""
    rig = leaking()
    poll(rig, 4)
    assert newest(rig) == (
        ConnectorStatus.AVAILABLE,
        ErrorCode.POWER_SWITCH_FAILURE,
        "current while open",
    )
    poll(rig, 7)
    assert newest(rig)[0] is ConnectorStatus.FAULTED
    assert not rig.written(FaultLatched)
    poll(rig, 30)
    assert [one.latch for one in rig.written(FaultLatched)] == [Latch.FLOWS_WHILE_OPEN]
    assert newest(rig)[2] == "current while open: contactor welded"
    rig.socket().leak_a = 0.0
    poll(rig, 600)
    assert newest(rig)[0] is ConnectorStatus.FAULTED


def test_safety_10_a_contactor_that_the_meter_finds_welded_is_not_hammered() -> None:
    """Safety 10: it was told to open; an alarm is all that is left."""
    rig = leaking()
    poll(rig, 600)
    assert not of(Cut, rig.log)


def test_safety_09_a_suspicion_that_was_none_passes() -> None:
    """Firsts 11: graded, since a meter alone is no proof."""
    rig = leaking()
    poll(rig, 15)
    assert newest(rig)[0] is ConnectorStatus.FAULTED
    rig.socket().leak_a = 0.0
    poll(rig, 11)
    assert newest(rig) == (ConnectorStatus.AVAILABLE, ErrorCode.NO_ERROR, None)


def test_safety_09_a_weld_that_the_meter_found_outlives_the_process() -> None:
    """Safety 9, 21: the next process knows it, and that no feedback releases it."""
    rig = leaking()
    poll(rig, 40)
    (latched,) = rig.written(FaultLatched)
    later = Rig(saved=Saved(faults=(latched,)), serve=True).start()
    later.link_up()
    later.see(closed=False)
    later.plug()
    later.tap()
    assert later.phase() is Phase.PREPARING
    assert newest(later)[0] is ConnectorStatus.FAULTED
    later.step(ReleaseAsked(at=later.instant, connector=1))
    assert later.written(FaultReleased) == [
        FaultReleased(connector=1, latch=Latch.FLOWS_WHILE_OPEN)
    ]
    later.tap()
    assert later.phase() is Phase.CHARGING


def test_safety_11_a_cable_behind_a_weld_that_the_meter_found_stays_locked() -> None:
    """Safety 11: it is live, whatever the contactor was told."""
    rig = Rig(setup(lock=True), serve=True).online().charging()
    rig.see(pilot=Pilot.B)
    rig.socket().leak_a = 16.0
    poll(rig, 40)
    assert reasons(rig) == [StopReason.OTHER]
    assert rig.socket().locked
    rig.socket().leak_a = 0.0
    poll(rig, 2)
    rig.step(ReleaseAsked(at=rig.instant, connector=1))
    assert not rig.socket().locked


def test_safety_09_what_is_not_mended_latches_again() -> None:
    """Safety 9: a word does not open a contactor."""
    rig = leaking()
    poll(rig, 40)
    rig.step(ReleaseAsked(at=rig.instant, connector=1))
    poll(rig, 1)
    assert len(rig.written(FaultLatched)) == 2
    assert newest(rig)[0] is ConnectorStatus.FAULTED


def test_safety_09_a_slow_meter_makes_no_weld() -> None:
    """Ruling 2: after the contactor opened an old current is shown for as long as it refreshes."""
    rig = Rig(setup(refresh_s=5.0), serve=True).online().charging()
    rig.see(pilot=Pilot.B)
    rig.socket().leak_a = 16.0
    poll(rig, 5)
    rig.socket().leak_a = 0.0
    poll(rig, 60)
    told = {one.error_code for one in rig.messages(StatusNotification)}
    assert told == {ErrorCode.NO_ERROR}


def test_safety_09_a_contactor_whose_feedback_says_closed_is_not_the_meters_to_judge() -> None:
    """Safety 9: the reflex has its own trip for that."""
    rig = leaking()
    rig.socket().current_a = 16.0
    rig.see(closed=True)
    poll(rig, 60)
    assert not rig.bay().verdicts[Concern.WELD_SUSPECTED].holds


def test_safety_09_a_session_behind_a_weld_that_the_meter_found_ends() -> None:
    """Ruling 17: a weld ends it at once, wherever it was seen."""
    rig = Rig(serve=True).online().charging()
    rig.see(pilot=Pilot.B)
    rig.socket().leak_a = 16.0
    poll(rig, 32)
    assert reasons(rig) == [StopReason.OTHER]


def test_safety_09_no_current_though_closed_is_only_a_warning() -> None:
    """Firsts 11: the contactor may not close, or the car may not draw."""
    rig = Rig(serve=True).online().charging()
    rig.see(current_a=0.0, pilot=Pilot.B)
    poll(rig, 6)
    rig.see(pilot=Pilot.C)
    poll(rig, 120)
    assert newest(rig)[1] is ErrorCode.NO_ERROR
    poll(rig, 6)
    assert newest(rig) == (
        ConnectorStatus.CHARGING,
        ErrorCode.POWER_SWITCH_FAILURE,
        "no current though closed",
    )
    rig.socket().current_a = 16.0
    poll(rig, 1)
    assert newest(rig)[1] is ErrorCode.NO_ERROR
    assert reasons(rig) == []


def test_a_full_car_is_not_taken_for_an_open_contactor() -> None:
    """It has drawn since the contactor closed."""
    rig = Rig(serve=True).online().charging()
    rig.socket().current_a = 0.0
    poll(rig, 600)
    assert newest(rig)[1] is ErrorCode.NO_ERROR
