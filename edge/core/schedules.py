"""Many charging profiles on one station: who prevails, who shares, and what comes of it over time.

    TxProfile, else TxDefaultProfile ─► own ceiling, at most the rated current ─┐
    ChargePointMaxProfile ─► shared by the connectors that charge ──────────────┴► the lower

Pure: a `Site` in, amperes per phase out.
Source: OCPP 1.6 ed. 2, 3.13.1-3, 5.7; ruling 27 (scope of a replacement, sharing).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from edge.core.profiles import (
    ASSUMED_PHASES,
    Ceiling,
    Installed,
    Supply,
    ceiling,
    until_change,
)
from edge.core.vocabulary import ProfilePurpose

LEAST_A: Final = 6.0  # a control pilot can signal no less (IEC 61851-1); below it charging pauses
_SECOND: Final = timedelta(seconds=1)
MOST_CHANGES: Final = 256  # looked at for one composite schedule: some 50 ms of a Raspberry Pi


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """One connector: its wiring, and the transaction *ref* that runs there since *started_at*."""

    rated_a: float
    supply: Supply
    has_pilot: bool = True
    ref: int | None = None
    started_at: datetime | None = None

    @property
    def least_a(self) -> float:
        """What it can offer at least."""
        return least_a(self.rated_a, has_pilot=self.has_pilot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """All that limits depend on. *outlets* counts from connector 1.

    *turns* are the connectors that want energy, the one served first in front. A relative schedule
    that has no transaction yet begins with the second of *now*.
    """

    installed: tuple[Installed, ...]
    outlets: tuple[Outlet, ...]
    turns: tuple[int, ...]
    now: datetime

    @property
    def second(self) -> datetime:
        """The whole second that *now* is in."""
        return self.now.replace(microsecond=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From *start_s* seconds on."""

    start_s: int
    ceiling: Ceiling


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """What applies from the site's *second* for *span_s* seconds, without gaps."""

    span_s: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """*connector* can use *least_a* to *most_a*, nothing in between 0 and *least_a*."""

    connector: int
    least_a: float
    most_a: float


def composite_schedule(site: Site, connector: int, span_s: int) -> Composite:
    """Merge every profile into the limits that apply to *connector*, 0 for the whole station.

    Steps come in time order, neighbours differ, the first is at 0, the whole second of *now*. In
    no second is more allowed than in any instant of it that is still to come. At most
    `MOST_CHANGES` moments are looked at; what lies beyond them shortens the answer's *span_s*.
    """
    lowest: dict[int, Ceiling] = {}
    here: Ceiling | None = None
    at = site.now
    for _ in range(MOST_CHANGES):
        passed = at - site.second
        second, is_whole = passed // _SECOND, not passed % _SECOND
        if second >= span_s:
            return _composite(span_s, lowest)
        before, here = here, limit(site, connector, at)
        if is_whole:
            lowest[second] = here
        else:
            lowest[second] = _lower(lowest.get(second, before), here)
            lowest[second + 1] = here
        change = next_change(site, at)
        if change is None:
            return _composite(span_s, lowest)
        at += change
    return _composite(min(span_s, (at - site.second) // _SECOND), lowest)


def _composite(span_s: int, lowest: Mapping[int, Ceiling]) -> Composite:
    steps: list[Step] = []
    for second, here in lowest.items():
        if second < span_s and (not steps or steps[-1].ceiling != here):
            steps.append(Step(start_s=second, ceiling=here))
    return Composite(span_s=span_s, steps=tuple(steps))


def limit(site: Site, connector: int, at: datetime) -> Ceiling:
    """What profiles, neighbours and the hardware leave to *connector*, 0 for the whole station."""
    whole = _station(site, at)
    if connector == 0:
        total_a = sum(_own(site, number, at).limit_a for number in range(1, len(site.outlets) + 1))
        return _lower(whole, Ceiling(limit_a=total_a, number_phases=mains(site).phases))
    lowest = _own(site, connector, at)
    if whole is not None:
        share_a = _shares(site, connector, whole.limit_a, at).get(connector, whole.limit_a)
        lowest = _lower(lowest, Ceiling(limit_a=share_a, number_phases=whole.number_phases))
    if site.outlets[connector - 1].supply.switches:
        return replace(lowest, number_phases=_usable_phases(site, connector, at))
    return lowest


def in_force(site: Site) -> Mapping[int, float]:
    """What each connector may be offered now: amperes to a tenth, 0 for less than it can use."""
    offers: dict[int, float] = {}
    for connector, outlet in enumerate(site.outlets, start=1):
        limit_a = tenths(limit(site, connector, site.now).limit_a)
        enough = limit_a >= outlet.least_a
        usable_a = limit_a if outlet.has_pilot else outlet.rated_a
        offers[connector] = usable_a if enough else 0.0
    return offers


def phases_in_force(site: Site) -> Mapping[int, int]:
    """How many phases each connector with a phase relay may give now, 1 or 3."""
    return {
        connector: _usable_phases(site, connector, site.now)
        for connector, outlet in enumerate(site.outlets, start=1)
        if outlet.supply.switches
    }


def left_out(site: Site) -> frozenset[int]:
    """Those whose turn it is not: their own ceiling would let them charge, their share does not."""
    claims = _claims(site, site.turns, site.now)
    offers = in_force(site)
    return frozenset(claim.connector for claim in claims if not offers[claim.connector])


def next_change(site: Site, at: datetime) -> timedelta | None:
    """How long, from *at*, until some limit may change by time alone; `None`: never."""
    moments = (
        until_change(installed.profile, at, origin)
        for installed in site.installed
        for origin in set(_origins(site, installed))
    )
    return min((moment for moment in moments if moment is not None), default=None)


def mains(site: Site) -> Supply:
    """The station's mains: the voltage of the area, as many phases as any connector has."""
    supplies = [outlet.supply for outlet in site.outlets]
    return Supply(
        nominal_v=supplies[0].nominal_v,
        phases=max(supply.phases for supply in supplies),
        switches=all(supply.fewest == 1 for supply in supplies),
    )


def least_a(rated_a: float, *, has_pilot: bool) -> float:
    """The least that a charging point can offer; without a pilot all or nothing (ruling 3)."""
    return min(LEAST_A, rated_a) if has_pilot else rated_a


def tenths(limit_a: float) -> float:
    """*limit_a* in tenths of an ampere, never more than it was."""
    return math.floor(limit_a * 10 + 1e-6) / 10  # 8.1 * 10 is 80.99999999999999


def split(budget_a: float, claims: Sequence[Claim]) -> dict[int, float]:
    """Share *budget_a*: equal parts, nobody below what he can use; the last in line go without.

    Where nobody can be served, all have the equal part that they cannot use.
    """
    served: list[Claim] = []
    for claim in claims:
        if sum(one.least_a for one in served) + claim.least_a <= budget_a:
            served.append(claim)
    if not served:
        return {claim.connector: budget_a / len(claims) for claim in claims}
    shares = dict.fromkeys((claim.connector for claim in claims), 0.0)
    left_a, count = budget_a, len(served)
    for claim in sorted(served, key=lambda one: (one.least_a < one.most_a, one.most_a)):
        rigid = claim.least_a == claim.most_a
        shares[claim.connector] = claim.most_a if rigid else min(left_a / count, claim.most_a)
        left_a -= shares[claim.connector]
        count -= 1
    return shares


def _own(site: Site, connector: int, at: datetime) -> Ceiling:
    """TxProfile, where none applies TxDefaultProfile, at most the rated current (3.13.1)."""
    outlet = site.outlets[connector - 1]
    hardware = Ceiling(limit_a=outlet.rated_a, number_phases=outlet.supply.phases)
    return _lower(_word(site, connector, at), hardware)


def _word(site: Site, connector: int, at: datetime) -> Ceiling | None:
    """What the connector's own profiles say, whatever the hardware can do."""
    outlet = site.outlets[connector - 1]
    origin = outlet.started_at or site.second
    found = None
    for profiles in (_of_transaction(site, outlet), _defaults(site, connector)):
        found = found or _prevailing(profiles, at, origin, outlet.supply)
    return found


def _usable_phases(site: Site, connector: int, at: datetime) -> int:
    """All phases if all words allow as many, else one: there is nothing in between."""
    words = (_word(site, connector, at), _station(site, at))
    numbers = [word.number_phases or ASSUMED_PHASES for word in words if word is not None]
    wired = site.outlets[connector - 1].supply.phases
    return wired if all(number >= wired for number in numbers) else 1


def _station(site: Site, at: datetime) -> Ceiling | None:
    """What all connectors together may draw."""
    supply = mains(site)
    whole = [one for one in site.installed if _purpose(one) is ProfilePurpose.CHARGE_POINT_MAX]
    for one in sorted(whole, key=_level, reverse=True):
        found = ceiling(one.profile, at, one.since, supply)
        if found is not None:
            return found
    return None


def _prevailing(
    profiles: Iterable[Installed], at: datetime, origin: datetime, supply: Supply
) -> Ceiling | None:
    """The word of the highest stack level that says anything *at* that moment (3.13.2)."""
    for one in sorted(profiles, key=_level, reverse=True):
        found = ceiling(one.profile, at, origin, supply)
        if found is not None:
            return found
    return None


def _of_transaction(site: Site, outlet: Outlet) -> list[Installed]:
    return [one for one in site.installed if one.ref is not None and one.ref == outlet.ref]


def _defaults(site: Site, connector: int) -> Iterable[Installed]:
    """TxDefaultProfiles by stack level; one of the connector replaces that on 0 (3.13.1)."""
    by_level: dict[int, Installed] = {}
    for scope in (0, connector):
        for one in site.installed:
            if one.connector == scope and _purpose(one) is ProfilePurpose.TX_DEFAULT:
                by_level[_level(one)] = one
    return by_level.values()


def _shares(site: Site, connector: int, budget_a: float, at: datetime) -> dict[int, float]:
    """How *budget_a* is split; *connector* is asked about and stands last if it does not charge."""
    line = site.turns if connector in site.turns else (*site.turns, connector)
    return split(budget_a, _claims(site, line, at))


def _claims(site: Site, line: Sequence[int], at: datetime) -> list[Claim]:
    """Of *line*, those whose own ceiling lets them charge."""
    claims = []
    for connector in line:
        outlet = site.outlets[connector - 1]
        own_a = _own(site, connector, at).limit_a
        if own_a >= outlet.least_a:
            claims.append(Claim(connector=connector, least_a=outlet.least_a, most_a=own_a))
    return claims


def _origins(site: Site, installed: Installed) -> Iterator[datetime]:
    """Where a schedule without a start of its own begins, for each connector it applies to."""
    if _purpose(installed) is ProfilePurpose.CHARGE_POINT_MAX:
        yield installed.since
        return
    for connector, outlet in enumerate(site.outlets, start=1):
        if installed.connector in (0, connector) and installed.ref in (None, outlet.ref):
            yield outlet.started_at or site.second


def _lower(one: Ceiling | None, other: Ceiling) -> Ceiling:
    return other if one is None or other.limit_a < one.limit_a else one


def _purpose(installed: Installed) -> ProfilePurpose:
    return installed.profile.charging_profile_purpose


def _level(installed: Installed) -> int:
    return installed.profile.stack_level
