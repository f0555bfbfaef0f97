"""The meter values that the central system wants out of turn, for what it reckons with."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from edge.core.cost import HYSTERESIS
from edge.core.effects import ReadMeter
from edge.core.events import MeterRead, Pilot
from edge.core.messages import BootNotification, MeterValues
from edge.core.records import Queued
from edge.core.vocabulary import ConnectorStatus
from edge.core.waiting import MOST_WAITING
from tests.core.bench import of, setup
from tests.core.build import Rig
from tests.core.costs import SILENT, TRANSACTION, charging, later, running, samples, tell
from tests.core.restarts import interrupted


def test_without_triggers_no_meter_value_comes_out_of_turn() -> None:
    """Only what was asked for."""
    rig = charging()
    tell(rig, running())
    rig.wait(3600)
    rig.meter(energy_wh=90_000, current_a=32.0)
    assert samples(rig) == []


def test_the_time_triggers_one_meter_value() -> None:
    """R-13-4: in its minute, once, as a value of the transaction, by the wall clock."""
    rig = charging()
    tell(rig, running(at_time=later(rig, 600)))
    rig.wait(599.9)
    assert samples(rig) == []
    rig.wait(0.2)
    (sample,) = samples(rig)
    assert sample.transaction_id == TRANSACTION
    rig.wait(3600)
    assert len(samples(rig)) == 1


def test_a_clock_that_is_set_moves_the_time_of_the_trigger() -> None:
    """The time of a trigger is wall time."""
    rig = charging()
    tell(rig, running(at_time=later(rig, 600)))
    rig.wall += timedelta(seconds=300)
    rig.wait(1)
    rig.meter()
    rig.wait(298)
    assert samples(rig) == []
    rig.wait(1.5)
    assert len(samples(rig)) == 1


def test_a_time_that_has_passed_triggers_nothing() -> None:
    """It comes again in each RunningCost that answers a meter value: that would go round."""
    rig = charging()
    tell(rig, running(at_time=rig.instant.wall))
    rig.wait(60)
    rig.meter()
    assert samples(rig) == []


def test_energy_of_the_session_triggers_one_meter_value() -> None:
    """R-13-4: counted from the begin register."""
    rig = charging()
    begin_wh = rig.socket().energy_wh
    tell(rig, running(at_energy_kwh=Decimal("1.5")))
    rig.meter(energy_wh=begin_wh + 1499)
    assert samples(rig) == []
    rig.meter(energy_wh=begin_wh + 1500)
    rig.meter(energy_wh=begin_wh + 1600)
    assert len(samples(rig)) == 1
    tell(rig, running(at_energy_kwh=Decimal("1.5")))
    rig.meter(energy_wh=begin_wh + 1700)
    assert len(samples(rig)) == 1


def test_each_pass_of_the_power_threshold_triggers_one_meter_value() -> None:
    """R-13-4: up and down, but not around it."""
    rig = charging()
    tell(rig, running(at_power_kw=Decimal("2.3")))  # 10 A, and the car draws 16
    rig.meter()
    assert samples(rig) == []
    for amperes in (9.9, 10.4, 9.6):
        rig.meter(current_a=amperes)
    assert samples(rig) == []
    rig.meter(current_a=10 * (1 - HYSTERESIS) - 0.1)
    assert len(samples(rig)) == 1
    for amperes in (10.4, 9.0, 0.0):
        rig.meter(current_a=amperes)
    assert len(samples(rig)) == 1
    rig.meter(current_a=10 * (1 + HYSTERESIS) + 0.1)
    rig.meter(current_a=16)
    assert len(samples(rig)) == 2


def test_a_power_threshold_that_is_named_again_keeps_its_side() -> None:
    """Else a slow rise through the band would never be told; another threshold begins anew."""
    rig = charging()
    rig.meter(current_a=9.0)
    tell(rig, running(at_power_kw=Decimal("2.3")))
    rig.meter(current_a=10.3)
    tell(rig, running(at_power_kw=Decimal("2.3")))
    rig.meter(current_a=11.0)
    assert len(samples(rig)) == 1
    tell(rig, running(at_power_kw=Decimal("6.9")))
    rig.meter(current_a=16.0)
    assert len(samples(rig)) == 1


def test_a_meter_without_power_triggers_nothing_by_it() -> None:
    """What is not measured is not passed."""
    rig = charging()
    tell(rig, running(at_power_kw=Decimal("2.3")))
    reading = replace(rig.reading(), power_w=None)
    rig.step(MeterRead(at=rig.instant, connector=1, reading=reading))
    assert samples(rig) == []


def test_each_status_entered_triggers_one_meter_value() -> None:
    """R-13-4: the statuses as they are told; also Finishing, when the transaction is over."""
    rig = charging()
    wanted = (ConnectorStatus.SUSPENDED_EV, ConnectorStatus.FINISHING)
    tell(rig, running(at_cp_status=wanted))
    rig.meter()
    assert samples(rig) == []
    rig.see(pilot=Pilot.B, current_a=0.0)
    assert len(samples(rig)) == 1
    tell(rig, running(at_cp_status=wanted))
    rig.see(pilot=Pilot.C)
    assert len(samples(rig)) == 1
    rig.wait(20)
    rig.tap()
    rig.wait(5)
    assert rig.told()[-1] is ConnectorStatus.FINISHING
    assert len(samples(rig)) == 2


def test_the_status_found_at_the_start_is_not_entered() -> None:
    """After a restart the first status told is the one that held: nothing happened."""
    rig = Rig(setup(keys=SILENT), saved=interrupted())
    rig.socket().plugged, rig.socket().pilot = True, Pilot.B
    rig.socket().energy_wh = 1420
    rig.start()
    rig.link_up()
    rig.answer(BootNotification)
    assert rig.told()
    assert tell(rig, running(at_cp_status=tuple(ConnectorStatus))) == "Accepted"
    assert of(ReadMeter, rig.last) == []


def test_new_triggers_replace_the_old() -> None:
    """The newest RunningCost counts."""
    rig = charging()
    tell(rig, running(at_time=later(rig, 60), at_cp_status=(ConnectorStatus.SUSPENDED_EV,)))
    tell(rig, running(at_time=later(rig, 120)))
    rig.wait(119)
    assert samples(rig) == []
    rig.wait(2)
    assert len(samples(rig)) == 1


def test_what_comes_about_at_once_is_one_reading() -> None:
    """A central system that asks all the time gets no more than the meter gives."""
    rig = charging()
    rig.socket().mute = True
    before = len(of(ReadMeter, rig.log))
    for _ in range(MOST_WAITING):
        tell(rig, running(at_time=later(rig, 0.01)))
        rig.wait(0.02)
    assert len(of(ReadMeter, rig.log)) - before == 1


def test_a_triggered_value_is_kept_while_offline() -> None:
    """It is one of the transaction's: a price changes at its time whether the line is up or not."""
    rig = Rig(setup(keys=SILENT)).online().charging()
    rig.answer_all()
    tell(rig, running(at_time=later(rig, 60)))
    rig.link_down()
    rig.wait(61)
    queued = [one.message for one in rig.written(Queued)]
    assert any(isinstance(one, MeterValues) for one in queued)
