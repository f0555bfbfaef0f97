"""Machine `charging`: charging profiles, and the current that they leave to each connector now.

A profile is written before it is confirmed and obeyed at once. `settle` keeps `limits` true: it
reckons anew when a profile, a session or the clock changed, and at every boundary of a period.
Source: OCPP 1.6 ed. 2, 3.13, 5.5, 5.7, 5.16; errata 3.8, 3.25, 3.26, 3.37, 3.39; rulings 3, 24, 27.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from edge.core import anchors, levels, limits, profiles, schedules
from edge.core.bay import Bay, Phase, Transaction
from edge.core.commands import (
    ClearChargingProfile,
    ClearChargingProfileConf,
    GetCompositeSchedule,
    GetCompositeScheduleConf,
    SetChargingProfile,
    SetChargingProfileConf,
)
from edge.core.draft import Draft
from edge.core.effects import Reply
from edge.core.facts import Closed, Opened
from edge.core.instant import Instant
from edge.core.messages import CallError
from edge.core.profiles import Installed, Period, Profile, Schedule, Supply
from edge.core.records import ProfileCleared, ProfileSet
from edge.core.schedules import Composite, Outlet, Site
from edge.core.setup import EvseTraits
from edge.core.state import ChargePoint, Charging
from edge.core.vocabulary import CallErrorCode, ProfilePurpose, RateUnit

CLOCK_MOVED_S: Final = 0.5  # the wall clock was set: schedules stand elsewhere now
STANDS_S: Final = 1.0  # how soon to look again where the wall clock did not come to the boundary
AFTER_S: Final = 0.001  # so that the wall clock, too, has passed the boundary when we wake


def _put(draft: Draft, **changes: Any) -> None:
    draft.put_station(charging=replace(draft.station.charging, **changes))


# ── commands ─────────────────────────────────────────────────────────────────────────────────────


def on_set(draft: Draft, call_id: int, command: SetChargingProfile) -> None:
    """SetChargingProfile: Accepted means written, and obeyed from this step on."""
    connector, profile = command.connector_id, command.cs_charging_profiles
    if connector not in (0, *draft.state.connectors):
        error = CallError(
            code=CallErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
            description=f"there is no connector {connector}",
        )
        draft.do(Reply(call_id=call_id, answer=error))
        return
    accepted = _is_fit(draft.state, connector, profile)
    if accepted:
        _install(draft, connector, profile)
    status = "Accepted" if accepted else "Rejected"
    draft.do(Reply(call_id=call_id, answer=SetChargingProfileConf(status=status)))


def _is_fit(state: ChargePoint, connector: int, profile: Profile) -> bool:
    """Sound in itself, for a connector and a transaction that it can be for, and there is room."""
    if profiles.fault(profile) is not None or not _has_phases_for(state, connector, profile):
        return False
    match profile.charging_profile_purpose:
        case ProfilePurpose.CHARGE_POINT_MAX if connector != 0:
            return False
        case ProfilePurpose.TX if connector == 0 or not _is_running(state.bay(connector), profile):
            return False
        case ProfilePurpose.TX if _asks_for_fewer(state, connector, profile):
            return False
        case _:
            others = _others(state, connector, profile)
            return len(others) < profiles.MOST_INSTALLED


def _is_running(bay: Bay, profile: Profile) -> bool:
    """Whether the transaction that a TxProfile means is open here (TC_058)."""
    transaction = bay.transaction
    if transaction is None or transaction.stop_reason is not None:
        return False
    return profile.transaction_id in (None, transaction.transaction_id)


def _has_phases_for(state: ChargePoint, connector: int, profile: Profile) -> bool:
    """Whether what *profile* is for can be brought to as few phases as it allows.

    `numberPhases` is "the number of phases that can be used for charging" (7.14). A limit for more
    phases than there are is used as it is (errata 3.34); for fewer than a connector can be brought
    to, the standard has no way to keep it, and 5.16 with 7.11 leave one word for what "will not be
    executed": Rejected. NotSupported is for a station without smart charging.
    """
    concerned = (connector,) if connector else state.connectors
    supplies = (_supply(state.setup.traits[number - 1]) for number in concerned)
    return all(supply.fewest <= profiles.fewest_phases(profile) for supply in supplies)


def _asks_for_fewer(state: ChargePoint, connector: int, profile: Profile) -> bool:
    """Whether a session that keeps its phases has more than *profile* ever allows it."""
    keeps = limits.keeps_phases(state, connector)
    return keeps and profiles.fewest_phases(profile) < limits.phases(state, connector)


def fits_a_start(state: ChargePoint, connector: int, profile: Profile) -> bool:
    """Whether RemoteStartTransaction may bring *profile*: a TxProfile for a session to be."""
    return (
        _has_phases_for(state, connector, profile)
        and profile.charging_profile_purpose is ProfilePurpose.TX
        and profile.transaction_id is None
        and profiles.fault(profile) is None
        and len(state.station.charging.profiles) < profiles.MOST_INSTALLED
    )


def _others(state: ChargePoint, connector: int, profile: Profile) -> tuple[Installed, ...]:
    """Those that stay: another id, and another place in the stack (5.16.3, ruling 27)."""
    purpose, level = profile.charging_profile_purpose, profile.stack_level
    place = (connector, purpose, level)
    return tuple(
        one
        for one in state.station.charging.profiles
        if one.profile.charging_profile_id != profile.charging_profile_id and _place(one) != place
    )


def _place(one: Installed) -> tuple[int, ProfilePurpose, int]:
    return one.connector, one.profile.charging_profile_purpose, one.profile.stack_level


def _install(draft: Draft, connector: int, profile: Profile) -> None:
    others = _others(draft.state, connector, profile)
    is_tx = profile.charging_profile_purpose is ProfilePurpose.TX
    transaction = draft.bay(connector).transaction if is_tx else None
    installed = Installed(
        profile=profile,
        connector=connector,
        since=draft.at.wall,
        ref=None if transaction is None else transaction.ref,
    )
    _keep(draft, others)
    draft.write(ProfileSet(installed=installed))
    guessed = draft.station.charging.guessed - {profile.charging_profile_id}
    if not draft.at.trusted:
        guessed |= {profile.charging_profile_id}
    _put(draft, profiles=(*others, installed), guessed=guessed, due=draft.now)


def _keep(draft: Draft, kept: tuple[Installed, ...]) -> int:
    """Let go of all but *kept*; answers how many went."""
    gone = [one for one in draft.station.charging.profiles if one not in kept]
    for one in gone:
        draft.write(ProfileCleared(charging_profile_id=one.profile.charging_profile_id))
    if gone:
        _put(draft, profiles=kept, due=draft.now)
    return len(gone)


def on_clear(draft: Draft, call_id: int, command: ClearChargingProfile) -> None:
    """ClearChargingProfile: by id alone, or all that match every field given (errata 3.25-26)."""
    kept = tuple(one for one in draft.station.charging.profiles if not _matches(one, command))
    status = "Accepted" if _keep(draft, kept) else "Unknown"
    draft.do(Reply(call_id=call_id, answer=ClearChargingProfileConf(status=status)))


def _matches(one: Installed, wanted: ClearChargingProfile) -> bool:
    if wanted.id is not None:
        return one.profile.charging_profile_id == wanted.id
    return (
        wanted.connector_id in (None, one.connector)
        and wanted.charging_profile_purpose in (None, one.profile.charging_profile_purpose)
        and wanted.stack_level in (None, one.profile.stack_level)
    )


def on_get(draft: Draft, call_id: int, command: GetCompositeSchedule) -> None:
    """GetCompositeSchedule: what would apply from now on if nothing but time changes (5.7)."""
    connector, span_s = command.connector_id, command.duration
    known = connector in (0, *draft.state.connectors)
    if not known or not 0 < span_s <= profiles.MOST_SECONDS:
        draft.do(Reply(call_id=call_id, answer=GetCompositeScheduleConf(status="Rejected")))
        return
    site = _site(draft.state, draft.at)
    composite = schedules.composite_schedule(site, connector, span_s)
    supply = site.outlets[connector - 1].supply if connector else schedules.mains(site)
    answer = GetCompositeScheduleConf(
        status="Accepted",
        connector_id=connector,
        schedule_start=site.second,
        charging_schedule=_shown(composite, command.charging_rate_unit or RateUnit.A, supply),
    )
    draft.do(Reply(call_id=call_id, answer=answer))


def _shown(composite: Composite, unit: RateUnit, supply: Supply) -> Schedule:
    """*composite* in the unit asked for; watts go by the same volts and phases as they came in."""
    periods = []
    for step in composite.steps:
        limit_a, number_phases = step.ceiling.limit_a, step.ceiling.number_phases
        limit = schedules.tenths(limit_a)
        if unit is RateUnit.W:
            limit = round(limit_a * supply.volts_in_all(number_phases), 1)
        period = Period(start_period=step.start_s, limit=limit, number_phases=number_phases)
        periods.append(period)
    return Schedule(
        charging_rate_unit=unit,
        charging_schedule_period=tuple(periods),
        duration=composite.span_s,
    )


# ── sessions ─────────────────────────────────────────────────────────────────────────────────────


def on_opened(draft: Draft, fact: Opened) -> None:
    """The profile of a remote start is bound to its transaction in the same commit (ruling 24)."""
    if fact.profile is not None:
        _install(draft, fact.connector, fact.profile)


def on_closed(draft: Draft, fact: Closed) -> None:
    """A TxProfile ends with its transaction (3.13.1)."""
    mine = (fact.connector, ProfilePurpose.TX)
    kept = tuple(one for one in draft.station.charging.profiles if _place(one)[:2] != mine)
    _keep(draft, kept)


def settle(draft: Draft) -> None:
    """Keep `limits` true. Runs before the contactor's, which carries them out."""
    if not draft.station.charging.profiles:
        if draft.station.charging != Charging():
            draft.put_station(charging=Charging())
        return
    turns = _turns(draft)
    clock = draft.at.wall.timestamp() - draft.now
    if draft.at.trusted and draft.station.charging.guessed:
        _date(draft, clock)
    before = draft.station.charging
    is_due = before.due is not None and draft.now >= before.due
    if not is_due and turns == before.turns and abs(clock - before.clock) < CLOCK_MOVED_S:
        return
    _put(draft, turns=turns)
    site = _site(draft.state, draft.at)
    in_force = schedules.in_force(site)
    change = schedules.next_change(site, site.now)
    _put(
        draft,
        limits=in_force,
        phases=schedules.phases_in_force(site),
        left_out=schedules.left_out(site),
        served_since={
            connector: before.served_since.get(connector, draft.now)
            for connector in turns
            if in_force[connector]
        },
        clock=clock,
        due=None if change is None else draft.now + _wait_s(change, before.clock - clock),
    )


def _date(draft: Draft, clock: float) -> None:
    """What was set by a clock that guessed began as long ago by the one that knows."""
    charging = draft.station.charging
    moved = timedelta(seconds=clock - charging.clock)
    dated = tuple(
        replace(one, since=one.since + moved)
        if one.profile.charging_profile_id in charging.guessed
        else one
        for one in charging.profiles
    )
    draft.write(*(ProfileSet(installed=one) for one in dated if one not in charging.profiles))
    _put(draft, profiles=dated, guessed=frozenset())


def _wait_s(change: timedelta, lost_s: float) -> float:
    """Until the *change*, by a wall clock that has lost *lost_s* since it was looked at last."""
    wait_s = change / timedelta(seconds=1) + AFTER_S
    return wait_s if lost_s < AFTER_S / 2 else max(wait_s, STANDS_S)


def _turns(draft: Draft) -> tuple[int, ...]:
    """Who charges, in the order of being served: whoever came first keeps his place.

    While somebody is left out, a car that has drawn nothing for a minute goes to the end of the
    line, the longest waiting one first.
    """
    charging = draft.station.charging
    here = [
        connector
        for connector in draft.state.connectors
        if draft.bay(connector).connector.phase is Phase.CHARGING
        and not levels.is_barred(draft.state, connector, draft.now)
    ]
    line = [connector for connector in charging.turns if connector in here]
    line += [connector for connector in here if connector not in line]
    idle = [at for at in _idle(draft.state) if at[0] <= draft.now and at[1] in line]
    for _, connector in sorted(idle):
        line.remove(connector)
        line.append(connector)
    return tuple(line)


def _idle(state: ChargePoint) -> Iterator[tuple[float, int]]:
    """When each served car will have drawn nothing for a minute, while another waits for it."""
    charging = state.station.charging
    if not charging.left_out:
        return
    for connector, since in charging.served_since.items():
        low_since = state.bay(connector).contactor.low_since
        if low_since is not None:
            yield max(low_since, since) + levels.IDLE_AFTER_S, connector


def _site(state: ChargePoint, at: Instant) -> Site:
    """The station as the arithmetic sees it."""
    return Site(
        installed=state.station.charging.profiles,
        outlets=tuple(_outlet(state, connector, at) for connector in state.connectors),
        turns=state.station.charging.turns,
        now=at.wall,
    )


def _outlet(state: ChargePoint, connector: int, at: Instant) -> Outlet:
    traits, transaction = state.setup.traits[connector - 1], state.bay(connector).transaction
    return Outlet(
        rated_a=traits.rated_a,
        supply=_supply(traits),
        has_pilot=traits.has_pilot,
        ref=None if transaction is None else transaction.ref,
        started_at=None if transaction is None else _began(state, transaction, at),
    )


def _supply(traits: EvseTraits) -> Supply:
    return Supply(nominal_v=traits.nominal_v, phases=traits.phases, switches=traits.switches_phases)


def _began(state: ChargePoint, transaction: Transaction, at: Instant) -> datetime:
    """When it started by today's clock: what passed counts, not what the clock said then."""
    start = transaction.started_at
    if start.boot == at.boot:
        return at.wall - timedelta(seconds=at.since(start))
    return anchors.final(state.station.clock, start).wall


def deadlines(state: ChargePoint) -> Iterator[float | None]:
    """The next boundary of a period, and the end of somebody's patience."""
    yield state.station.charging.due
    yield from (moment for moment, _ in _idle(state))
