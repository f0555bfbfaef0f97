"""Charging profiles as values, and what one of them says at a moment.

Pure arithmetic on the wall clock; how several are merged and shared is in `schedules`.
Field names are OCPP's, so that the codec needs no translation; a *limit* is in its schedule's
unit, everything called `..._a` in amperes per phase.
Source: OCPP 1.6 ed. 2, 3.13, 5.16, 7.8-7.14; errata 3.43, 3.69, 3.79.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from edge.core.vocabulary import ProfileKind, ProfilePurpose, RateUnit, RecurrencyKind

ASSUMED_PHASES: Final = 3  # where a period does not say for how many it is (7.14, errata 3.69)
MOST_STACK_LEVEL: Final = 10
MOST_PERIODS: Final = 48
MOST_INSTALLED: Final = 24
MOST_SECONDS: Final = 2**31 - 1  # of a start or duration: 68 years, and no arithmetic overflows
MOST_LIMIT: Final = 1e9  # W or A, beyond any grid

_EVERY: Final = {
    RecurrencyKind.DAILY: timedelta(days=1),
    RecurrencyKind.WEEKLY: timedelta(days=7),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From *start_period* seconds on at most *limit*, in the schedule's unit."""

    start_period: int
    limit: float
    number_phases: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Periods in time order, *duration* seconds long, without end if that is `None`."""

    charging_rate_unit: RateUnit
    charging_schedule_period: tuple[Period, ...]
    duration: int | None = None
    start_schedule: datetime | None = None
    min_charging_rate: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One charging profile as the central system sets it."""

    charging_profile_id: int
    stack_level: int
    charging_profile_purpose: ProfilePurpose
    charging_profile_kind: ProfileKind
    charging_schedule: Schedule
    transaction_id: int | None = None
    recurrency_kind: RecurrencyKind | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """*profile* on *connector*, since *since*; a TxProfile belongs to our transaction *ref*."""

    profile: Profile
    connector: int
    since: datetime
    ref: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """At most *limit_a* per phase; *number_phases* as the profile said."""

    limit_a: float
    number_phases: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What turns watts into amperes: the set voltage of the area, and the phases wired.

    *switches*: all of them but one can be switched off.
    """

    nominal_v: float = 230.0
    phases: int = 1
    switches: bool = False

    @property
    def fewest(self) -> int:
        """To how few phases it can be brought."""
        return 1 if self.switches else self.phases

    def volts_in_all(self, number_phases: int | None) -> float:
        """Watts per ampere and phase; phases that cannot be switched off count (errata 3.34)."""
        return self.nominal_v * max(number_phases or ASSUMED_PHASES, self.fewest)


def ceiling(profile: Profile, at: datetime, origin: datetime, supply: Supply) -> Ceiling | None:
    """What *profile* allows *at* that moment, `None` where it says nothing.

    *origin* is where a schedule without a start of its own begins.
    """
    elapsed = _elapsed(profile, at, origin)
    if elapsed is None or not _is_valid(profile, at):
        return None
    schedule = profile.charging_schedule
    period = schedule.charging_schedule_period[0]
    for later in schedule.charging_schedule_period[1:]:
        if timedelta(seconds=later.start_period) > elapsed:
            break
        period = later
    limit_a = period.limit
    if schedule.charging_rate_unit is RateUnit.W:
        limit_a = period.limit / supply.volts_in_all(period.number_phases)
    return Ceiling(limit_a=limit_a, number_phases=period.number_phases)


def fewest_phases(profile: Profile) -> int:
    """The fewest phases that some period of *profile* allows."""
    periods = profile.charging_schedule.charging_schedule_period
    return min(period.number_phases or ASSUMED_PHASES for period in periods)


def until_change(profile: Profile, at: datetime, origin: datetime) -> timedelta | None:
    """How long, from *at*, before `ceiling` may say something else; `None`: never."""
    moments = (moment for moment in _changes(profile, at, origin) if moment > timedelta(0))
    return min(moments, default=None)


def fault(profile: Profile) -> str | None:
    """Why *profile* cannot be executed at all, or `None` (5.16.4, 9.4, ruling 27)."""
    schedule = profile.charging_schedule
    periods = schedule.charging_schedule_period
    starts = [period.start_period for period in periods]
    recurring = profile.charging_profile_kind is ProfileKind.RECURRING
    has_rhythm = profile.recurrency_kind is not None and schedule.start_schedule is not None
    whole = (schedule.duration or 0, *starts)
    limits = (schedule.min_charging_rate or 0.0, *(period.limit for period in periods))
    phases = [period.number_phases for period in periods]
    begin, end = profile.valid_from, profile.valid_to
    tests = (
        (0 <= profile.stack_level <= MOST_STACK_LEVEL, "stack level too high"),
        (1 <= len(periods) <= MOST_PERIODS, "too many periods"),
        (not starts or starts[0] == 0, "the first period does not start at 0"),
        (all(a < b for a, b in itertools.pairwise(starts)), "periods not in order"),
        (all(0 <= seconds <= MOST_SECONDS for seconds in whole), "no such time"),
        (all(0 <= limit <= MOST_LIMIT for limit in limits), "no such limit"),
        (all(number is None or number in (1, 2, 3) for number in phases), "no such phases"),
        (not recurring or has_rhythm, "recurring without recurrencyKind or startSchedule"),
        (begin is None or end is None or begin < end, "validTo before validFrom"),
        (
            profile.transaction_id is None or profile.charging_profile_purpose is ProfilePurpose.TX,
            "transactionId is for a TxProfile",
        ),
    )
    return next((why for holds, why in tests if not holds), None)


def _start(profile: Profile, origin: datetime) -> datetime:
    """Where the schedule begins: its own start, unless it is relative or has none (7.13)."""
    start = profile.charging_schedule.start_schedule
    if start is None or profile.charging_profile_kind is ProfileKind.RELATIVE:
        return origin
    return start


def _every(profile: Profile) -> timedelta | None:
    """The recurrence interval of *profile*, if it recurs."""
    if profile.charging_profile_kind is not ProfileKind.RECURRING:
        return None
    assert profile.recurrency_kind is not None, "`fault` lets no such profile in"
    return _EVERY[profile.recurrency_kind]


def _elapsed(profile: Profile, at: datetime, origin: datetime) -> timedelta | None:
    """Time since the schedule's present run began; `None` before it began or once it is over."""
    elapsed = at - _start(profile, origin)
    if elapsed < timedelta(0):
        return None
    every = _every(profile)
    if every is not None:
        elapsed %= every  # what is longer than the interval is never executed (errata 3.43)
    duration = profile.charging_schedule.duration
    over = duration is not None and elapsed >= timedelta(seconds=duration)
    return None if over else elapsed


def _is_valid(profile: Profile, at: datetime) -> bool:
    begun = profile.valid_from is None or at >= profile.valid_from
    return begun and (profile.valid_to is None or at < profile.valid_to)


def _changes(profile: Profile, at: datetime, origin: datetime) -> Iterator[timedelta]:
    """Moments, counted from *at*, that may matter; past ones among them."""
    for moment in (profile.valid_from, profile.valid_to):
        if moment is not None:
            yield moment - at
    begun = at - _start(profile, origin)
    every = _every(profile)
    if begun < timedelta(0):
        yield -begun
        return
    if every is not None:
        begun %= every
        yield every - begun
    schedule = profile.charging_schedule
    if schedule.duration is not None:
        yield timedelta(seconds=schedule.duration) - begun
    for period in schedule.charging_schedule_period:
        yield timedelta(seconds=period.start_period) - begun
