"""Samples: when they are taken, what they say, and what becomes of a meter that lies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from edge.core.commands import ChangeConfiguration
from edge.core.events import MeterFailed, MeterRead, Pilot
from edge.core.messages import BootNotification, MeterValue, MeterValues, StopTransaction
from edge.core.quantities import Reading
from edge.core.records import Alive, Metered
from edge.core.vocabulary import ConnectorStatus, ReadingContext
from tests.core.bench import NOON, setup
from tests.core.build import Rig, booted

ENERGY = "Energy.Active.Import.Register"


def values(rig: Rig) -> list[MeterValue]:
    return [value for one in rig.messages(MeterValues) for value in one.meter_value]


def station(**keys: str) -> Rig:
    return Rig(setup(keys=keys), serve=True).online()


def change(rig: Rig, key: str, value: str) -> None:
    assert rig.call(ChangeConfiguration(key=key, value=value)).status == "Accepted"


@pytest.mark.parametrize("interval_s", [2, 10, 60])
def test_samples_come_every_interval(interval_s: int) -> None:
    """TC_070: within a second, for any interval."""
    rig = station(MeterValueSampleInterval=str(interval_s)).charging()
    rig.wait(interval_s * 5)
    stamps = [value.timestamp.wall for value in values(rig)]
    assert len(stamps) == 5
    assert {b - a for a, b in pairwise(stamps)} == {timedelta(seconds=interval_s)}


def test_a_sample_has_every_measurand_asked_for() -> None:
    """TC_070: Sample.Periodic; all phases; what the meter has."""
    names = f"{ENERGY},SoC,Current.Offered,Power.Offered,Voltage,Current.Import,Power.Active.Import"
    rig = station(MeterValueSampleInterval="5", MeterValuesSampledData=names).charging()
    rig.wait(5)
    sampled = values(rig)[0].sampled_value
    assert {one.measurand for one in sampled} == set(names.split(",")) - {"SoC"}
    assert {one.context for one in sampled} == {ReadingContext.SAMPLE_PERIODIC}
    offered = {one.measurand: (one.value, one.unit) for one in sampled}
    assert offered["Current.Offered"] == ("32", "A")
    assert offered["Power.Offered"] == ("7360", "W")


def test_an_empty_list_means_the_energy_register() -> None:
    """TC_070."""
    rig = station(MeterValueSampleInterval="5", MeterValuesSampledData="").charging()
    rig.wait(5)
    assert [one.measurand for one in values(rig)[0].sampled_value] == [ENERGY]


def test_what_the_meter_has_not_is_not_told() -> None:
    """Ruling 35: no message rather than an empty one."""
    rig = station(MeterValueSampleInterval="5", MeterValuesSampledData="SoC").charging()
    rig.wait(20)
    assert not values(rig)


def test_interval_zero_is_off_and_can_be_switched_on() -> None:
    """Checklist 7; ruling 35: a change restarts the grid."""
    rig = station(MeterValueSampleInterval="0").charging()
    rig.wait(100)
    assert not values(rig)
    change(rig, "MeterValueSampleInterval", "7")
    began = rig.instant.wall
    rig.wait(7)
    assert [value.timestamp.wall for value in values(rig)] == [began + timedelta(seconds=7)]
    change(rig, "MeterValueSampleInterval", "0")
    rig.wait(100)
    assert len(values(rig)) == 1


def test_safety_13_a_silent_meter_is_no_stale_sample() -> None:
    """Ruling 35, safety 13: no message, never an old value."""
    rig = station(MeterValueSampleInterval="5").charging()
    rig.socket().meter_works = False
    rig.wait(9)
    rig.socket().mute = True
    rig.wait(5)
    assert not values(rig)


def test_a_late_loop_skips_what_it_missed() -> None:
    """One reading for a moment, not five for one."""
    rig = station(MeterValueSampleInterval="10").charging()
    due = rig.now + 34
    rig.now = due
    rig.meter()
    assert len(values(rig)) == 1
    rig.wait(6)
    assert len(values(rig)) == 2


def test_samples_end_with_the_transaction() -> None:
    """Ruling 20: periodic samples belong to a transaction."""
    rig = station(MeterValueSampleInterval="5").charging()
    rig.wait(20)
    rig.tap()
    count = len(values(rig))
    rig.wait(100)
    assert len(values(rig)) == count


def test_a_sample_asked_for_before_the_stop_is_dropped_after_it() -> None:
    """I8: no sample later than the stop."""
    rig = station(MeterValueSampleInterval="12").charging()
    rig.socket().mute = True
    rig.wait(12)
    asked = max(rig.state.waiting)
    rig.socket().mute = False
    rig.tap()
    assert rig.messages(StopTransaction)
    rig.step(MeterRead(at=rig.instant, connector=1, reading=rig.reading(), ticket=asked))
    assert not values(rig)


def test_clock_aligned_samples_stand_on_the_clock() -> None:
    """TC_071: multiples of the interval from midnight; both kinds together."""
    rig = station(ClockAlignedDataInterval="900", MeterValueSampleInterval="60").charging()
    rig.wait(2000)
    aligned = [
        value
        for value in values(rig)
        if value.sampled_value[0].context is ReadingContext.SAMPLE_CLOCK
    ]
    assert [value.timestamp.wall for value in aligned] == [
        NOON + timedelta(seconds=900),
        NOON + timedelta(seconds=1800),
    ]
    assert len(values(rig)) == 2 + 33


def test_an_interval_that_divides_no_day_begins_anew_at_midnight() -> None:
    """9.1.7: intervals over a day, starting at 00:00:00."""
    rig = station(ClockAlignedDataInterval="25000")
    rig.wait(61_000)
    stamps = [value.timestamp.wall for value in values(rig)]
    midnight = NOON.replace(hour=0)
    assert stamps == [
        midnight + timedelta(seconds=50_000),
        midnight + timedelta(seconds=75_000),
        midnight + timedelta(days=1),
    ]


def test_clock_aligned_samples_come_without_a_transaction_too() -> None:
    """TC_071: told, not queued."""
    rig = station(ClockAlignedDataInterval="60")
    rig.wait(60)
    assert len(values(rig)) == 1
    assert rig.state.station.outbox.last_seq == 0


def test_without_a_transaction_and_a_line_they_are_not_told_at_all() -> None:
    """Ruling 20: nothing of the kind is queued."""
    rig = station(ClockAlignedDataInterval="60")
    rig.link_down()
    rig.wait(200)
    rig.link_up()
    assert not values(rig)


def test_no_clock_aligned_sample_before_the_clock_is_trusted() -> None:
    """Ruling 35; they begin once it is."""
    rig = Rig(setup(keys={"ClockAlignedDataInterval": "60"}), trusted=False).start()
    rig.link_up()
    rig.answer(BootNotification, booted(datetime(1970, 1, 1, tzinfo=UTC)))
    rig.wait(200)
    assert not values(rig)
    rig.trusted = True
    rig.see()
    rig.wait(60)
    assert len(values(rig)) == 1


def test_a_clock_that_stands_still_makes_no_more_aligned_samples() -> None:
    """TC_071: a moment is sampled once, however long the clock shows the one before."""
    rig = station(ClockAlignedDataInterval="60")
    rig.wait(19.99)
    for _ in range(1000):
        rig.wall -= timedelta(seconds=0.01)
        rig.now += 0.01
        rig.see()
    rig.wait(110)
    stamps = [value.timestamp.wall for value in values(rig)]
    assert stamps == sorted(set(stamps))
    assert len(stamps) == 2


def test_the_aligned_interval_can_be_changed_while_running() -> None:
    """Ruling 35."""
    rig = station()
    change(rig, "ClockAlignedDataInterval", "30")
    rig.wait(60)
    assert len(values(rig)) == 2
    change(rig, "ClockAlignedDataInterval", "0")
    rig.wait(60)
    assert len(values(rig)) == 2


def test_a_flood_of_aligned_samples_does_not_exhaust_a_peer_that_hangs() -> None:
    """Tickets are bounded; samples without a transaction may be left out."""
    rig = Rig(setup(connectors=2, keys={"ClockAlignedDataInterval": "1"})).online()
    rig.wait(300)
    assert len(rig.sent) <= 40


def test_a_register_that_runs_backwards_is_not_believed() -> None:
    """2.1: registers are monotonic within a transaction; it is a fault when it lasts."""
    rig = station().charging()
    rig.meter(energy_wh=1500)
    rig.meter(energy_wh=1400)
    last = rig.bay().metering.last
    assert last is not None
    assert last.energy_wh == 1500
    rig.wait(9.9)
    assert rig.told()[-1] is ConnectorStatus.CHARGING
    rig.wait(0.1)
    assert rig.told()[-1] is ConnectorStatus.FAULTED
    rig.meter(energy_wh=1501)
    assert rig.bay().metering.failed is None


def test_an_end_register_that_ran_backwards_is_estimated() -> None:
    """I6: never less than what was measured."""
    rig = station().charging()
    rig.wait(61)
    rig.socket().energy_wh = 900
    rig.tap()
    assert rig.messages(StopTransaction)[0].meter_stop == 1000


def test_an_idle_register_may_be_anything() -> None:
    """A meter was replaced."""
    rig = station()
    rig.meter(energy_wh=5000)
    rig.meter(energy_wh=3)
    last = rig.bay().metering.last
    assert last is not None
    assert last.energy_wh == 3


def test_each_minute_leaves_evidence_of_life() -> None:
    """Ruling 4: at most a minute is lost; also without samples."""
    rig = station(MeterValueSampleInterval="0").charging()
    rig.log.clear()
    rig.wait(200)
    assert len(rig.written(Alive)) == 3
    assert len(rig.written(Metered)) == 3


def test_a_sample_is_evidence_enough() -> None:
    """One commit per sample, none besides."""
    rig = station(MeterValueSampleInterval="30").charging()
    rig.log.clear()
    rig.wait(300)
    assert len(rig.written(Alive)) == len(rig.messages(MeterValues)) == 10


def test_evidence_ends_with_the_transaction() -> None:
    """Nothing is written while nobody charges: the card lives longer."""
    rig = station().charging()
    rig.wait(20)
    rig.tap()
    rig.log.clear()
    rig.wait(600)
    assert not rig.written(Alive)


def test_the_main_meter_belongs_to_no_connector() -> None:
    """Ruling 22."""
    rig = station()
    reading = Reading(at=rig.instant, energy_wh=77)
    rig.step(MeterRead(at=rig.instant, connector=0, reading=reading))
    rig.step(MeterFailed(at=rig.instant, connector=0, why="silent"))
    assert rig.state.station.main_meter == reading
    rig.wait(60)
    assert rig.told() == []


def test_a_paused_car_is_sampled_on() -> None:
    """The transaction runs, so its grid does."""
    rig = station(MeterValueSampleInterval="10").charging()
    rig.see(pilot=Pilot.B)
    rig.wait(30)
    assert len(values(rig)) == 3
