"""The last quarter of an hour of the meters: bounded, newest kept, as they were read."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

from edge.core.instant import Instant
from edge.core.quantities import Reading
from edge.runtime.readings import KEPT_S, MOST, Readings
from tests.runtime.toy import NOON


def reading(at_s: float, energy_wh: int = 0, **more: Any) -> Reading:
    at = Instant(wall=NOON + timedelta(seconds=at_s), monotonic=at_s)
    return Reading(at=at, energy_wh=energy_wh, **more)


def test_a_reading_comes_back_as_it_was() -> None:
    """What the meter does not measure is not there, rather than 0."""
    made = Readings()
    whole: dict[str, Any] = {
        "power_w": 7400.5,
        "voltage_v": (230.0, 231.0, 229.5),
        "current_a": (10.25,),
    }
    whole["meter_serial"] = "19283746"
    made.take(1, reading(1.5, 1234, **whole))
    made.take(0, reading(2, 99, frequency_hz=49.98))
    assert made.rows(1) == [
        {
            "at": "2026-01-01T12:00:01.500Z",
            "connector": 1,
            "energy_wh": 1234,
            "power_w": 7400.5,
            "voltage_v": [230.0, 231.0, 229.5],
            "current_a": [10.25],
            "frequency_hz": None,
            "meter_serial": "19283746",
        }
    ]
    assert [row["connector"] for row in made.rows()] == [0, 1]
    assert made.rows(0)[0]["frequency_hz"] == 49.98
    assert made.rows(0)[0]["meter_serial"] is None
    assert made.rows(7) == []


def test_what_is_older_than_a_quarter_of_an_hour_goes() -> None:
    """By the time of the newest, however seldom the meter is read."""
    made = Readings()
    for second in range(0, 2000, 20):
        made.take(1, reading(second, second))
    energies = [row["energy_wh"] for row in made.rows(1)]
    assert energies == list(range(1980 - int(KEPT_S) + 20, 2000, 20))


def test_a_meter_that_talks_too_much_is_bounded() -> None:
    """RSS: less than a MiB for two connectors, whatever they say."""
    made = Readings()
    for number in range(3 * MOST):
        made.take(1, reading(number / 100, number, meter_serial="7" * 100))
    assert len(made.rows(1)) == MOST
    assert made.rows(1)[-1]["energy_wh"] == 3 * MOST - 1
    assert 2 * sum(map(sys.getsizeof, made._rings[1])) < 2**20


def test_one_reading_is_kept_once() -> None:
    """It may answer several questions."""
    made = Readings()
    made.take(1, reading(5))
    made.take(1, reading(5))
    assert len(made.rows(1)) == 1
