"""Charging profiles in few words, for the tests of what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from edge.core.profiles import Installed, Period, Profile, Schedule, Supply
from edge.core.schedules import Outlet, Site
from edge.core.vocabulary import ProfileKind, ProfilePurpose, RateUnit
from tests.core.bench import NOON

MAX, DEFAULT, TX = (
    ProfilePurpose.CHARGE_POINT_MAX,
    ProfilePurpose.TX_DEFAULT,
    ProfilePurpose.TX,
)
ABSOLUTE, RECURRING, RELATIVE = (
    ProfileKind.ABSOLUTE,
    ProfileKind.RECURRING,
    ProfileKind.RELATIVE,
)


def profile(
    purpose: ProfilePurpose,
    *periods: tuple[int, float] | tuple[int, float, int | None],
    number: int = 1,
    level: int = 0,
    kind: ProfileKind = ABSOLUTE,
    unit: RateUnit = RateUnit.A,
    start: datetime | None = NOON,
    duration: int | None = None,
    **more: Any,
) -> Profile:
    """Periods as (start, limit) or (start, limit, phases), from *start*."""
    return Profile(
        charging_profile_id=number,
        stack_level=level,
        charging_profile_purpose=purpose,
        charging_profile_kind=kind,
        charging_schedule=Schedule(
            charging_rate_unit=unit,
            charging_schedule_period=tuple(
                Period(
                    start_period=one[0],
                    limit=one[1],
                    number_phases=int(one[2] or 0) or None if len(one) > 2 else None,
                )
                for one in periods
            ),
            duration=duration,
            start_schedule=start,
        ),
        **more,
    )


def installed(made: Profile, connector: int = 1, ref: int | None = None) -> Installed:
    """*made* on *connector*; a TxProfile is bound to transaction 1 if nothing else is said."""
    is_tx = made.charging_profile_purpose is TX
    return Installed(
        profile=made, connector=connector, since=NOON, ref=ref or (1 if is_tx else None)
    )


def outlet(
    *, rated_a: float = 32.0, phases: int = 1, pilot: bool = True, ref: int | None = None
) -> Outlet:
    """One connector; with *ref* a transaction runs there since noon."""
    return Outlet(
        rated_a=rated_a,
        supply=Supply(nominal_v=230.0, phases=phases),
        has_pilot=pilot,
        ref=ref,
        started_at=None if ref is None else NOON,
    )


def site(
    *rows: Installed,
    outlets: Sequence[Outlet] = (outlet(),),
    turns: tuple[int, ...] = (),
    now: datetime = NOON,
) -> Site:
    """A station with *rows* installed."""
    return Site(installed=rows, outlets=tuple(outlets), turns=turns, now=now)
