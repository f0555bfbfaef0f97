"""Charging profiles in few words, and a station to set them on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from edge.core.commands import ClearChargingProfile, GetCompositeSchedule, SetChargingProfile
from edge.core.messages import CallError
from edge.core.profiles import Installed, Period, Profile, Schedule, Supply
from edge.core.schedules import Outlet, Site
from edge.core.vocabulary import ProfileKind, ProfilePurpose, RateUnit
from tests.core.bench import NOON, setup
from tests.core.build import Rig

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
                    number_phases=one[2] if len(one) > 2 else None,
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


def put(rig: Rig, made: Profile, connector: int = 1) -> Any:
    """What SetChargingProfile answers: its status, or the error."""
    answer = rig.call(SetChargingProfile(connector_id=connector, cs_charging_profiles=made))
    return answer if isinstance(answer, CallError) else answer.status


def clear(rig: Rig, **fields: Any) -> str:
    status: str = rig.call(ClearChargingProfile(**fields)).status
    return status


def composite(rig: Rig, connector: int = 1, span_s: int = 1000, unit: Any = None) -> str:
    """The composite schedule as the checklist writes it."""
    asked = GetCompositeSchedule(connector_id=connector, duration=span_s, charging_rate_unit=unit)
    schedule = rig.call(asked).charging_schedule
    periods = schedule.charging_schedule_period
    return " ".join(f"{one.start_period}:{one.limit:g}" for one in periods)


def offered(rig: Rig, connector: int = 1) -> float:
    return rig.bay(connector).contactor.offered_a


def charging(connectors: int = 1, **more: Any) -> Rig:
    """A station online; a session runs on connector 1."""
    rig = Rig(setup(connectors=connectors, **more), serve=True).online().charging()
    rig.log.clear()
    return rig


def default(limit: float, number: int = 1, **more: Any) -> Profile:
    return profile(DEFAULT, (0, limit), number=number, **more)
