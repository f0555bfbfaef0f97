"""Charging profiles reckoned second by second, as slowly and plainly as possible.

Shares no arithmetic with `edge.core.profiles` and `edge.core.schedules`, only their values:
seconds since 1970, no stepping from boundary to boundary, shares found by halving.
"""

from __future__ import annotations

from edge.core.profiles import Installed, Profile
from edge.core.schedules import Outlet, Site

EVERY_S = {"Daily": 24 * 3600, "Weekly": 7 * 24 * 3600}


def limits(site: Site, connector: int, span_s: int) -> list[float]:
    """Amperes per phase in each of the next *span_s* seconds."""
    now_s = site.second.timestamp()
    return [limit_at(site, connector, now_s + second) for second in range(span_s)]


def lowest(site: Site, connector: int, span_s: int) -> list[float]:
    """The least amperes in what is left of each of the next seconds, looked at in tenths."""
    now_s, begin_s = site.now.timestamp(), site.second.timestamp()
    found = []
    for second in range(span_s):
        tenths = [begin_s + second + tenth / 10 + 0.05 for tenth in range(10)]
        found.append(min(limit_at(site, connector, at_s) for at_s in tenths if at_s > now_s))
    return found


def limit_at(site: Site, connector: int, at_s: float) -> float:
    """Amperes per phase at one instant, in seconds since 1970."""
    owns = {n: _own(site, n, at_s) for n in range(1, len(site.outlets) + 1)}
    whole = [one for one in site.installed if _word(one, "ChargePointMaxProfile")]
    budgets = [
        found
        for one in sorted(whole, key=lambda one: -one.profile.stack_level)
        if (found := _says(one.profile, at_s, one.since.timestamp(), _widest(site))) is not None
    ]
    if connector == 0:
        return min([sum(owns.values()), *budgets[:1]])
    if not budgets:
        return owns[connector]
    line = list(site.turns) + ([] if connector in site.turns else [connector])
    able = [n for n in line if owns[n] >= _least(site.outlets[n - 1])]
    if connector not in able:
        return min(owns[connector], budgets[0])
    return min(owns[connector], _share(site, connector, able, owns, budgets[0]))


def _share(
    site: Site, connector: int, able: list[int], owns: dict[int, float], budget_a: float
) -> float:
    served: list[int] = []
    need_a = 0.0
    for n in able:
        if need_a + _least(site.outlets[n - 1]) <= budget_a:
            need_a += _least(site.outlets[n - 1])
            served.append(n)
    if not served:
        return budget_a / len(able)
    if connector not in served:
        return 0.0
    low, high = 0.0, 1000.0  # the equal part that uses the budget up, everybody within his bounds
    for _ in range(80):
        middle = (low + high) / 2
        used = sum(max(_least(site.outlets[n - 1]), min(owns[n], middle)) for n in served)
        low, high = (low, middle) if used > budget_a else (middle, high)
    return max(_least(site.outlets[connector - 1]), min(owns[connector], low))


def _own(site: Site, connector: int, at_s: float) -> float:
    outlet = site.outlets[connector - 1]
    began = outlet.started_at or site.second
    best: list[tuple[int, int, int, Installed]] = []
    for index, one in enumerate(site.installed):
        if _word(one, "TxProfile") and outlet.ref is not None and one.ref == outlet.ref:
            best.append((1, one.profile.stack_level, index, one))
        if _word(one, "TxDefaultProfile") and one.connector in (0, connector):
            hidden = one.connector == 0 and any(
                _word(other, "TxDefaultProfile")
                and other.connector == connector
                and other.profile.stack_level == one.profile.stack_level
                for other in site.installed
            )
            if not hidden:
                best.append((0, one.profile.stack_level, index, one))
    for _, _, _, one in sorted(best, key=lambda each: each[:2], reverse=True):
        found = _says(one.profile, at_s, began.timestamp(), outlet)
        if found is not None:
            return min(found, outlet.rated_a)
    return outlet.rated_a


def _says(profile: Profile, at_s: float, origin_s: float, outlet: Outlet) -> float | None:
    if profile.valid_from is not None and at_s < profile.valid_from.timestamp():
        return None
    if profile.valid_to is not None and at_s >= profile.valid_to.timestamp():
        return None
    schedule = profile.charging_schedule
    begin_s = origin_s
    if profile.charging_profile_kind != "Relative" and schedule.start_schedule is not None:
        begin_s = schedule.start_schedule.timestamp()
    if at_s < begin_s:
        return None
    if profile.charging_profile_kind == "Recurring":
        every_s = EVERY_S[str(profile.recurrency_kind)]
        while begin_s + every_s <= at_s:
            begin_s += every_s
    if schedule.duration is not None and at_s >= begin_s + schedule.duration:
        return None
    begun = [p for p in schedule.charging_schedule_period if begin_s + p.start_period <= at_s]
    period = begun[-1]
    if schedule.charging_rate_unit == "A":
        return period.limit
    phases = period.number_phases or 3
    return period.limit / outlet.supply.nominal_v / max(phases, outlet.supply.phases)


def _widest(site: Site) -> Outlet:
    return max(site.outlets, key=lambda outlet: outlet.supply.phases)


def _least(outlet: Outlet) -> float:
    return 6.0 if outlet.has_pilot else outlet.rated_a


def _word(one: Installed, purpose: str) -> bool:
    return str(one.profile.charging_profile_purpose) == purpose
