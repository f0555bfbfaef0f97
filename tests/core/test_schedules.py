"""Many profiles on one station: who prevails, who shares, what comes of it over time."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.profiles import Installed, Profile
from edge.core.schedules import (
    MOST_CHANGES,
    Claim,
    Site,
    composite_schedule,
    in_force,
    left_out,
    split,
    tenths,
)
from edge.core.vocabulary import RateUnit, RecurrencyKind
from tests.core import profile_model
from tests.core.bench import NOON
from tests.core.charging_bench import (
    ABSOLUTE,
    DEFAULT,
    MAX,
    RECURRING,
    RELATIVE,
    TX,
    installed,
    outlet,
    profile,
    site,
)

CHARGING = (outlet(ref=1),)


def told(made: Site, connector: int = 1, span_s: int = 1000) -> str:
    """The composite schedule as the checklist writes it."""
    steps = composite_schedule(made, connector, span_s).steps
    return " ".join(f"{step.start_s}:{step.ceiling.limit_a:g}" for step in steps)


def test_the_worked_example_of_tc_066() -> None:
    """TxProfile overrules TxDefaultProfile while it lasts, ChargePointMaxProfile caps both."""
    whole = profile(MAX, (0, 10), number=1)
    default = profile(
        DEFAULT, (0, 6), (60, 10), (120, 8), (180, 25), (260, 8), number=2, duration=300
    )
    tx = profile(TX, (0, 8), (50, 11), (140, 16), (200, 6), (240, 12), number=3, duration=260)
    made = site(
        installed(whole, 0), installed(default), installed(tx), outlets=CHARGING, turns=(1,)
    )
    assert told(made, span_s=400) == "0:8 50:10 200:6 240:10 260:8 300:10"


def test_the_worked_example_of_tc_072() -> None:
    """The higher stack level prevails while its duration lasts, then the lower one."""
    low = profile(DEFAULT, (0, 6), (50, 5), (100, 8), (200, 10), number=1, duration=400)
    high = profile(DEFAULT, (0, 7), (100, 9), number=2, level=1, duration=150)
    made = site(installed(low), installed(high), outlets=CHARGING, turns=(1,))
    assert told(made, span_s=350) == "0:7 100:9 150:8 200:10"


def test_without_a_profile_the_hardware_is_the_limit() -> None:
    """TC_067: "local hardware limit"."""
    assert told(site()) == "0:32"
    assert told(site(installed(profile(DEFAULT, (0, 63)), 0))) == "0:32"


def test_a_default_of_the_connector_replaces_that_on_0_for_it_alone() -> None:
    """3.13.1, ruling 27; also where the replacement says nothing at the moment."""
    everywhere = profile(DEFAULT, (0, 10), number=1)
    here = profile(DEFAULT, (0, 20), number=2, duration=100)
    both = (outlet(), outlet())
    made = site(installed(everywhere, 0), installed(here, 1), outlets=both)
    assert told(made, 1) == "0:20 100:32"
    assert told(made, 2) == "0:10"


def test_defaults_on_0_and_on_the_connector_stack() -> None:
    """3.13.2: the highest stack level that says something prevails."""
    everywhere = profile(DEFAULT, (0, 10), number=1, level=2, duration=100)
    here = profile(DEFAULT, (0, 20), number=2, level=1)
    assert told(site(installed(everywhere, 0), installed(here, 1))) == "0:10 100:20"


def test_a_tx_profile_is_for_its_transaction_alone() -> None:
    """3.13.1."""
    made = site(installed(profile(TX, (0, 10)), ref=7), outlets=(outlet(ref=8),))
    assert told(made) == "0:32"


def test_a_relative_default_counts_from_the_transaction_or_from_now() -> None:
    """Ruling 27."""
    row = installed(profile(DEFAULT, (0, 10), (100, 20), kind=RELATIVE, start=None), 0)
    later = NOON + timedelta(seconds=40)
    assert told(site(row, outlets=CHARGING, now=later)) == "0:10 60:20"
    assert told(site(row, now=later)) == "0:10 100:20"


def test_recurring_gaps_fall_to_the_lower_stack() -> None:
    """Errata 3.43."""
    night = profile(
        DEFAULT,
        (0, 16),
        number=2,
        level=1,
        kind=RECURRING,
        recurrency_kind=RecurrencyKind.DAILY,
        duration=3600,
    )
    made = site(installed(profile(DEFAULT, (0, 8), number=1)), installed(night))
    assert told(made, span_s=90_000) == "0:16 3600:8 86400:16"


def test_watts_and_amperes_mix() -> None:
    """Checklist 10: the lower of both, per phase."""
    watts = profile(MAX, (0, 6900.0), unit=RateUnit.W, number=1)
    made = site(
        installed(watts, 0),
        installed(profile(DEFAULT, (0, 16), (60, 8), number=2)),
        outlets=CHARGING,
        turns=(1,),
    )
    assert told(made) == "0:10 60:8"


def test_number_phases_are_carried_through() -> None:
    """Checklist 10: those of the profile that limits; the hardware's own where none does."""
    made = site(installed(profile(DEFAULT, (0, 16, 2), (60, 40, 3))))
    steps = composite_schedule(made, 1, 100).steps
    assert [step.ceiling.number_phases for step in steps] == [2, 1]


def test_connector_0_is_the_sum_under_the_stations_limit() -> None:
    """5.7: what the station may take from the grid."""
    both = (outlet(), outlet(rated_a=16.0))
    row = installed(profile(DEFAULT, (0, 10), (60, 20)), 0)
    cap = installed(profile(MAX, (0, 25), number=2), 0)
    assert told(site(row, outlets=both), 0) == "0:20 60:36"
    assert told(site(row, cap, outlets=both), 0) == "0:20 60:25"


def test_an_answer_too_long_to_reckon_is_shorter() -> None:
    """The loop of a charging station waits for no calendar."""
    starts = [(second, 6 + second % 2) for second in range(48)]
    row = installed(
        profile(DEFAULT, *starts, kind=RECURRING, recurrency_kind=RecurrencyKind.DAILY, duration=48)
    )
    composite = composite_schedule(site(row), 1, 365 * 86_400)
    assert len(composite.steps) <= MOST_CHANGES
    assert 4 * 86_400 < composite.span_s < 7 * 86_400


def test_two_sessions_share_the_stations_limit_equally() -> None:
    """3.13.3, ruling 27: never more than it in all."""
    both = (outlet(ref=1), outlet(ref=2))
    row = installed(profile(MAX, (0, 25)), 0)
    assert in_force(site(row, outlets=both, turns=(1, 2))) == {1: 12.5, 2: 12.5}


def test_below_six_amperes_each_the_last_in_line_waits() -> None:
    """Ruling 27: a share that no car can use is no share."""
    both = (outlet(ref=1), outlet(ref=2))
    made = site(installed(profile(MAX, (0, 11)), 0), outlets=both, turns=(2, 1))
    assert in_force(made) == {1: 0.0, 2: 11.0}
    assert left_out(made) == {1}


def test_a_session_that_its_own_profile_pauses_takes_no_share() -> None:
    """Nor does it wait for one."""
    both = (outlet(ref=1), outlet(ref=2))
    own = installed(profile(TX, (0, 0), number=2), 1, ref=1)
    made = site(own, installed(profile(MAX, (0, 11)), 0), outlets=both, turns=(1, 2))
    assert in_force(made) == {1: 0.0, 2: 11.0}
    assert left_out(made) == frozenset()


@pytest.mark.parametrize(("limit", "offered"), [(5.9, 0.0), (6, 6.0), (9.99, 9.9), (80, 32.0)])
def test_a_pilot_signals_six_amperes_or_nothing(limit: float, offered: float) -> None:
    """IEC 61851-1; tenths, never more than allowed."""
    assert in_force(site(installed(profile(DEFAULT, (0, limit))))) == {1: offered}


@pytest.mark.parametrize(("limit", "offered"), [(31.9, 0.0), (32, 32.0), (40, 32.0)])
def test_a_point_without_pilot_is_all_or_nothing(limit: float, offered: float) -> None:
    """Ruling 3: a limit below the declared current opens the contactor."""
    made = site(installed(profile(DEFAULT, (0, limit))), outlets=(outlet(pilot=False),))
    assert in_force(made) == {1: offered}


@pytest.mark.parametrize(
    ("budget_a", "shares"),
    [
        (60.0, {1: 8.0, 2: 20.0, 3: 32.0}),
        (50.0, {1: 8.0, 2: 20.0, 3: 22.0}),
        (30.0, {1: 8.0, 2: 11.0, 3: 11.0}),
        (18.0, {1: 6.0, 2: 6.0, 3: 6.0}),
        (17.0, {1: 8.0, 2: 9.0, 3: 0.0}),
        (11.0, {1: 8.0, 2: 0.0, 3: 0.0}),
        (3.0, {1: 1.0, 2: 1.0, 3: 1.0}),
    ],
)
def test_what_one_cannot_use_goes_to_the_others(budget_a: float, shares: dict[int, float]) -> None:
    """Equal shares, six amperes at least (ruling 27)."""
    claims = [
        Claim(connector=1, least_a=6.0, most_a=8.0),
        Claim(connector=2, least_a=6.0, most_a=20.0),
        Claim(connector=3, least_a=6.0, most_a=32.0),
    ]
    assert split(budget_a, claims) == shares


def test_who_can_only_have_all_has_all_or_nothing() -> None:
    """Ruling 3; the pilot's car beside him gets the rest."""
    claims = [
        Claim(connector=1, least_a=6.0, most_a=32.0),
        Claim(connector=2, least_a=16.0, most_a=16.0),
    ]
    assert split(25.0, claims) == {1: 9.0, 2: 16.0}
    assert split(21.0, claims) == {1: 21.0, 2: 0.0}


MOSTS = st.integers(6, 63)


@given(st.integers(0, 120), st.lists(st.tuples(MOSTS, st.booleans()), min_size=1, max_size=4))
def test_a_split_is_fair_whatever_the_claims(budget: int, wants: list[tuple[int, bool]]) -> None:
    """Within the budget and everybody's bounds; less than another only if he can use no more."""
    claims = [
        Claim(connector=number, least_a=6.0 if flexible else float(most), most_a=float(most))
        for number, (most, flexible) in enumerate(wants, start=1)
    ]
    shares = split(float(budget), claims)
    served = [claim for claim in claims if shares[claim.connector] >= claim.least_a]
    assert sum(shares.values()) <= budget + 1e-9
    assert all(shares[claim.connector] <= claim.most_a for claim in served)
    hungry = [claim for claim in served if shares[claim.connector] < claim.most_a]
    assert not hungry or sum(shares.values()) == pytest.approx(budget)
    most_a = max((shares[one.connector] for one in served if one.least_a < one.most_a), default=0)
    assert all(shares[claim.connector] == pytest.approx(most_a) for claim in hungry)


@given(st.integers(0, 10_000))
def test_tenths_survive_being_floats(number: int) -> None:
    """8.1 A stays 8.1 A (multipleOf 0.1)."""
    assert tenths(number / 10) == number / 10


# ── against the second-by-second model ───────────────────────────────────────────────────────────

SPAN_S = 240
ROUGH_SPAN_S = 60
STARTS = st.sampled_from(range(-SPAN_S, SPAN_S, 20))


@st.composite
def rows(draw: st.DrawFn, number: int, refs: tuple[int | None, ...]) -> Installed:
    """Any profile whose boundaries fall near noon, where it could be installed."""
    purpose = draw(st.sampled_from((MAX, DEFAULT, TX) if any(refs) else (MAX, DEFAULT)))
    kind = draw(st.sampled_from((ABSOLUTE, RECURRING, RELATIVE)))
    unit = draw(st.sampled_from(RateUnit))
    top = 400 if unit is RateUnit.A else 200_000
    starts = sorted(draw(st.sets(st.integers(1, SPAN_S), max_size=4)))
    made = profile(
        purpose,
        *(
            (start, draw(st.integers(0, top)) / 10, draw(st.sampled_from((None, 1, 2, 3))))
            for start in (0, *starts)
        ),
        number=number,
        level=draw(st.integers(0, 2)),
        kind=kind,
        unit=unit,
        start=NOON + timedelta(seconds=draw(STARTS), days=-draw(st.integers(0, 9))),
        duration=draw(st.none() | st.integers(0, SPAN_S)),
        recurrency_kind=draw(st.sampled_from(RecurrencyKind)),
        valid_from=NOON + timedelta(seconds=draw(STARTS)) if draw(st.booleans()) else None,
        valid_to=NOON + timedelta(seconds=draw(STARTS)) if draw(st.booleans()) else None,
    )
    if purpose is MAX:
        return installed(made, 0)
    if purpose is DEFAULT:
        return installed(made, draw(st.integers(0, len(refs))))
    connector = draw(st.sampled_from([n for n, ref in enumerate(refs, 1) if ref]))
    return installed(made, connector, ref=refs[connector - 1])


@st.composite
def sites(draw: st.DrawFn) -> Site:
    """Two connectors of any kind, with and without a transaction, and up to six profiles."""
    refs = (draw(st.sampled_from((None, 1))), draw(st.sampled_from((None, 2))))
    made = {}
    for number in range(1, draw(st.integers(0, 6)) + 1):
        row = draw(rows(number, refs))
        place = row.connector, row.profile.charging_profile_purpose, row.profile.stack_level
        made[place] = row
    outlets = [
        outlet(
            rated_a=draw(st.sampled_from((16.0, 32.0))),
            phases=draw(st.sampled_from((1, 3))),
            pilot=draw(st.booleans()),
            ref=ref,
        )
        for ref in refs
    ]
    charging = [n for n, ref in enumerate(refs, 1) if ref]
    return site(
        *made.values(),
        outlets=outlets,
        turns=tuple(draw(st.permutations(charging))),
        now=NOON + timedelta(seconds=draw(st.integers(0, 50))),
    )


@settings(max_examples=150, deadline=None)
@given(sites(), st.integers(0, 2))
def test_the_composite_schedule_is_true_in_every_second(made: Site, connector: int) -> None:
    """3.13, 5.7: as a model that looks at each second by itself finds it."""
    steps = composite_schedule(made, connector, SPAN_S).steps
    starts = [step.start_s for step in steps]
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    assert all(one.ceiling != other.ceiling for one, other in itertools.pairwise(steps))
    found = [
        next(step for step in reversed(steps) if step.start_s <= second).ceiling.limit_a
        for second in range(SPAN_S)
    ]
    assert found == pytest.approx(profile_model.limits(made, connector, SPAN_S), abs=1e-6)


@st.composite
def rough_sites(draw: st.DrawFn) -> Site:
    """As above, but nothing begins on a whole second."""
    made = draw(sites())
    outlets = tuple(
        replace(one, started_at=NOON - timedelta(seconds=draw(st.integers(-40, 40)) / 10))
        if one.ref
        else one
        for one in made.outlets
    )
    rows = tuple(
        replace(one, profile=_moved(one.profile, draw(st.integers(0, 9)) / 10))
        for one in made.installed
    )
    now = made.now + timedelta(seconds=draw(st.integers(0, 9)) / 10)
    return replace(made, installed=rows, outlets=outlets, now=now)


def _moved(made: Profile, by_s: float) -> Profile:
    schedule = made.charging_schedule
    start = schedule.start_schedule
    moved = None if start is None else start + timedelta(seconds=by_s)
    return replace(made, charging_schedule=replace(schedule, start_schedule=moved))


@settings(max_examples=60, deadline=None)
@given(rough_sites(), st.integers(0, 2))
def test_the_composite_schedule_never_allows_more_than_any_instant(
    made: Site, connector: int
) -> None:
    """5.7: whole seconds, of each the least that the model allows in it."""
    steps = composite_schedule(made, connector, ROUGH_SPAN_S).steps
    found = [
        next(step for step in reversed(steps) if step.start_s <= second).ceiling.limit_a
        for second in range(ROUGH_SPAN_S)
    ]
    lowest = profile_model.lowest(made, connector, ROUGH_SPAN_S)
    assert found == pytest.approx(lowest, abs=1e-6)


@settings(max_examples=150, deadline=None)
@given(sites())
def test_together_they_never_exceed_the_stations_limit(made: Site) -> None:
    """3.13.3, of what is really offered to those that charge."""
    offers = in_force(made)
    whole = profile_model.limits(made, 0, 1)[0]
    assert sum(offers[connector] for connector in made.turns) <= whole + 1e-6
