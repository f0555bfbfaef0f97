"""How warm it is inside, and what that leaves of the current."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.core import limits
from edge.core.effects import Cut, Raise, Reduce
from edge.core.events import DriverLost, Port, TemperatureRead
from edge.core.limits import Owner
from edge.core.messages import StatusNotification, StopTransaction
from edge.core.setup import Setup
from edge.core.vocabulary import ConnectorStatus, ErrorCode, StopReason
from tests.core.bench import of, setup
from tests.core.build import Rig


def fitted(*, pilot: bool = True) -> Setup:
    """A charging point with a sensor beside its contactor."""
    made = setup(pilot=pilot)
    return replace(made, traits=(replace(made.traits[0], has_temperature=True),))


def warm(rig: Rig, celsius: float) -> None:
    rig.step(TemperatureRead(at=rig.instant, connector=1, celsius=celsius))


def sensed(rig: Rig, celsius: float, seconds: int) -> None:
    """The sensor says so every five seconds."""
    for _ in range(seconds // 5):
        rig.wait(5)
        warm(rig, celsius)


def charging(*, pilot: bool = True) -> Rig:
    rig = Rig(fitted(pilot=pilot), serve=True).online().charging()
    warm(rig, 40.0)
    rig.log.clear()
    return rig


def offered(rig: Rig) -> float:
    return rig.bay().contactor.offered_a


def newest(rig: Rig) -> tuple[ConnectorStatus, ErrorCode, str | None]:
    told = rig.messages(StatusNotification)[-1]
    return told.status, told.error_code, told.info


@pytest.mark.parametrize(
    ("celsius", "offered_a"), [(65.0, 32.0), (66.0, 26.8), (67.5, 19.0), (69.9, 6.5)]
)
def test_safety_15_warm_means_less_current_in_a_straight_line(
    celsius: float, offered_a: float
) -> None:
    """Safety 15: from the rating at 65 °C to 6 A at 70 °C."""
    rig = charging()
    warm(rig, celsius)
    assert offered(rig) == offered_a


def test_safety_15_derating_is_told_with_its_reason() -> None:
    """Safety 15: HighTemperature beside Charging (7.6), and the slot that says so."""
    rig = charging()
    warm(rig, 67.0)
    assert of(Reduce, rig.log)
    assert newest(rig) == (
        ConnectorStatus.CHARGING,
        ErrorCode.HIGH_TEMPERATURE,
        "warm inside: less current",
    )
    (lowest, rating) = limits.slots(rig.state, 1, rig.now)
    assert (lowest.owner, lowest.since, rating.owner) == (
        Owner.TEMPERATURE,
        rig.now,
        Owner.RATING,
    )


def test_safety_15_a_sensor_that_wavers_does_not_move_the_offer() -> None:
    """Safety 15: hysteresis; the current rises only a kelvin further down."""
    rig = charging()
    warm(rig, 67.0)
    rig.log.clear()
    for celsius in (66.5, 67.0, 66.2, 66.0):
        warm(rig, celsius)
    assert not of(Raise, rig.log)
    warm(rig, 65.0)
    assert offered(rig) == 26.8
    warm(rig, 60.0)
    assert offered(rig) == 32.0


def test_safety_15_hot_stops_and_goes_on_when_it_is_five_kelvin_cooler() -> None:
    """Safety 15: stop with hysteresis; ruling 17: the transaction waits."""
    rig = charging()
    sensed(rig, 71.0, 10)
    assert newest(rig) == (
        ConnectorStatus.FAULTED,
        ErrorCode.HIGH_TEMPERATURE,
        "too hot inside",
    )
    assert of(Cut, rig.log)
    sensed(rig, 66.0, 60)
    assert newest(rig)[0] is ConnectorStatus.FAULTED
    sensed(rig, 65.0, 10)
    assert newest(rig)[0] is not ConnectorStatus.FAULTED
    assert rig.messages(StopTransaction) == []


def test_safety_15_one_hot_reading_stops_nothing() -> None:
    """A DS18B20 that lost its power says 85 °C once."""
    rig = charging()
    warm(rig, 85.0)
    assert offered(rig) == 6.0
    sensed(rig, 40.0, 10)
    assert ConnectorStatus.FAULTED not in rig.told()


def test_safety_15_heat_that_stays_ends_the_session() -> None:
    """Ruling 17: after `fault_hold`."""
    rig = charging()
    sensed(rig, 75.0, 200)
    assert [one.reason for one in rig.messages(StopTransaction)] == [StopReason.OTHER]


def test_safety_15_without_a_pilot_there_is_no_less_only_none() -> None:
    """Ruling 3: all or nothing; warm is told by nobody, hot stops."""
    rig = charging(pilot=False)
    warm(rig, 69.0)
    assert offered(rig) == 32.0
    assert not rig.told()
    sensed(rig, 71.0, 10)
    assert newest(rig)[1] is ErrorCode.HIGH_TEMPERATURE


def test_safety_15_a_silent_sensor_leaves_a_fallback() -> None:
    """Safety 15: 10 A, as a warning; after thirty seconds, and not once it speaks again."""
    rig = charging()
    rig.step(DriverLost(at=rig.instant, port=Port.SENSOR, connector=1, why="wire"))
    rig.wait(29.9)
    assert offered(rig) == 32.0
    rig.wait(0.1)
    assert offered(rig) == 10.0
    assert newest(rig) == (
        ConnectorStatus.CHARGING,
        ErrorCode.OTHER_ERROR,
        "no temperature: less current",
    )
    warm(rig, 30.0)
    assert offered(rig) == 32.0


def test_safety_15_a_sensor_that_never_spoke_leaves_a_fallback() -> None:
    """Safety 15: missing from the start, after it had time to come up."""
    rig = Rig(fitted(), serve=True).online()
    rig.wait(31)
    rig.charging()
    assert offered(rig) == 10.0


def test_safety_15_a_fallback_below_six_amperes_is_a_pause() -> None:
    """Safety 7: never below 6 A."""
    made = fitted()
    made = replace(made, bounds=replace(made.bounds, without_sensor_a=5.0))
    rig = Rig(made, serve=True).online().charging()
    rig.wait(31)
    assert offered(rig) == 0.0
    assert rig.told()[-1] is ConnectorStatus.SUSPENDED_EVSE


def test_safety_15_a_controllers_own_sensor_comes_with_its_inputs() -> None:
    """The same judgement; inputs without news of it change nothing."""
    rig = charging()
    rig.step(replace(rig.inputs(), temperature_c=67.5))
    assert offered(rig) == 19.0
    rig.see()
    assert offered(rig) == 19.0
