"""What one charging profile says at a moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from edge.core.profiles import Profile, Schedule, Supply, ceiling, fault, until_change
from edge.core.vocabulary import ProfilePurpose, RateUnit, RecurrencyKind
from tests.core.bench import NOON
from tests.core.charging_bench import DEFAULT, RECURRING, RELATIVE, TX, profile

DAY_S = 86_400


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def says(made: Profile, seconds: float, supply: Supply | None = None) -> float | None:
    found = ceiling(made, after(seconds), after(1000), supply or Supply())
    return None if found is None else found.limit_a


def changes(made: Profile, seconds: float) -> float | None:
    found = until_change(made, after(seconds), after(1000))
    return None if found is None else found.total_seconds()


def test_an_absolute_schedule_counts_from_its_start() -> None:
    """7.9, 7.13: nothing before the start, nothing from its duration on."""
    made = profile(DEFAULT, (0, 6), (60, 10), duration=100)
    assert [says(made, at) for at in (-1, 0, 59.9, 60, 99.9, 100)] == [None, 6, 6, 10, 10, None]


def test_without_duration_the_last_period_goes_on() -> None:
    """7.13: indefinitely."""
    assert says(profile(DEFAULT, (0, 6), (60, 10)), 10**8) == 10


def test_periods_beyond_the_duration_are_not_executed() -> None:
    """5.16.4."""
    assert says(profile(DEFAULT, (0, 6), (60, 10), duration=50), 60) is None


@pytest.mark.parametrize(
    "made", [profile(TX, (0, 9), start=None), profile(TX, (0, 9), kind=RELATIVE)]
)
def test_a_relative_schedule_counts_from_where_charging_begins(made: Profile) -> None:
    """7.9; 7.13: so does one without a start of its own."""
    assert [says(made, at) for at in (999, 1000)] == [None, 9]


@pytest.mark.parametrize(
    ("kind", "every_s"), [(RecurrencyKind.DAILY, DAY_S), (RecurrencyKind.WEEKLY, 7 * DAY_S)]
)
def test_a_recurring_schedule_runs_again_at_the_same_time(
    kind: RecurrencyKind, every_s: int
) -> None:
    """Errata 3.79; between its duration and the next run it says nothing (errata 3.43)."""
    made = profile(DEFAULT, (0, 6), (60, 10), kind=RECURRING, recurrency_kind=kind, duration=100)
    assert says(made, -1) is None
    for run_s in (0, every_s, 3000 * every_s):
        assert [says(made, run_s + at) for at in (0, 60, 100, every_s - 1)] == [6, 10, None, None]


def test_what_is_longer_than_the_recurrence_is_not_executed() -> None:
    """Errata 3.43."""
    made = profile(
        DEFAULT,
        (0, 6),
        (DAY_S + 5, 10),
        kind=RECURRING,
        recurrency_kind=RecurrencyKind.DAILY,
        duration=2 * DAY_S,
    )
    assert says(made, DAY_S + 10) == 6


def test_a_profile_is_silent_outside_its_validity() -> None:
    """7.8: from validFrom, to before validTo; allowed for TxProfiles too (errata 3.65)."""
    made = profile(TX, (0, 6), valid_from=after(10), valid_to=after(20))
    assert [says(made, at) for at in (9.9, 10, 19.9, 20)] == [None, 6, 6, None]


@pytest.mark.parametrize(
    ("period", "wired", "limit_a"),
    [
        ((0, 11040.0), 1, 16.0),  # absent: three phases, whatever is wired (errata 3.34, 3.69)
        ((0, 11040.0, 3), 1, 16.0),
        ((0, 3680.0, 1), 1, 16.0),
        ((0, 7360.0, 2), 1, 16.0),
        ((0, 11040.0, 1), 3, 16.0),  # all three phases draw, and the watts are the total
    ],
)
def test_watts_become_amperes_by_nominal_voltage_and_phases(
    period: Any, wired: int, limit_a: float
) -> None:
    """7.12, ruling 27."""
    made = profile(DEFAULT, period, unit=RateUnit.W)
    assert says(made, 0, Supply(nominal_v=230, phases=wired)) == limit_a


def test_amperes_are_taken_as_they_are() -> None:
    """Errata 3.34: never a new limit for fewer phases."""
    assert says(profile(DEFAULT, (0, 16.0, 3)), 0, Supply(phases=1)) == 16


def test_the_next_change_is_the_next_boundary_whatever_its_kind() -> None:
    """Start, period, duration, validity, recurrence."""
    made = profile(DEFAULT, (0, 6), (60, 10), duration=100, valid_to=after(80))
    moments = [changes(made, at) for at in (-5, 0, 59.5, 60, 80, 100)]
    assert moments == [5, 60, 0.5, 20, 20, None]
    daily = profile(DEFAULT, (0, 6), kind=RECURRING, recurrency_kind=RecurrencyKind.DAILY)
    assert changes(daily, 3 * DAY_S + 1) == DAY_S - 1


SOUND = profile(DEFAULT, (0, 6), (60, 10))


def altered(**changes_: Any) -> Profile:
    """A sound profile but for one thing."""
    schedule = {
        "charging_rate_unit": RateUnit.A,
        "charging_schedule_period": SOUND.charging_schedule.charging_schedule_period,
        **{key: value for key, value in changes_.items() if key in Schedule.__dataclass_fields__},
    }
    rest = {
        key: value for key, value in changes_.items() if key not in Schedule.__dataclass_fields__
    }
    made = {
        "charging_profile_id": 1,
        "stack_level": 0,
        "charging_profile_purpose": DEFAULT,
        "charging_profile_kind": SOUND.charging_profile_kind,
        **rest,
    }
    return Profile(**made, charging_schedule=Schedule(**schedule))


def periods(*rows: Any) -> Any:
    return profile(DEFAULT, *rows).charging_schedule.charging_schedule_period


@pytest.mark.parametrize(
    ("why", "made"),
    {
        "stack level too high": altered(stack_level=11),
        "too many periods": altered(
            charging_schedule_period=periods(*((start, 6) for start in range(49)))
        ),
        "the first period does not start at 0": altered(charging_schedule_period=periods((1, 6))),
        "periods not in order": altered(charging_schedule_period=periods((0, 6), (9, 7), (9, 8))),
        "no such time": altered(duration=-1),
        "no such limit": altered(charging_schedule_period=periods((0, -0.1))),
        "no such phases": altered(charging_schedule_period=periods((0, 6, 4))),
        "recurring without recurrencyKind or startSchedule": altered(
            charging_profile_kind=RECURRING, recurrency_kind=RecurrencyKind.DAILY
        ),
        "validTo before validFrom": altered(valid_from=after(2), valid_to=after(1)),
        "transactionId is for a TxProfile": altered(transaction_id=4711),
    }.items(),
)
def test_a_profile_that_cannot_be_executed_has_a_fault(why: str, made: Profile) -> None:
    """5.16.4, 9.4, checklist 10."""
    assert fault(made) == why


@pytest.mark.parametrize(
    "made",
    [
        SOUND,
        altered(stack_level=10),
        altered(charging_schedule_period=periods(*((start, 6) for start in range(48)))),
        altered(charging_profile_purpose=ProfilePurpose.TX, transaction_id=4711),
        altered(
            charging_profile_kind=RECURRING,
            recurrency_kind=RecurrencyKind.WEEKLY,
            start_schedule=NOON,
        ),
    ],
)
def test_a_sound_profile_has_none(made: Profile) -> None:
    """The bounds themselves are inside."""
    assert fault(made) is None


def test_recurring_without_a_rhythm_has_a_fault() -> None:
    """Checklist 10: recurrencyKind is needed."""
    assert fault(altered(charging_profile_kind=RECURRING, start_schedule=NOON)) is not None
