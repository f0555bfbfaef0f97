"""What the central system may say about charging profiles, and what lasts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from edge.core.bay import Phase
from edge.core.commands import (
    GetCompositeSchedule,
    RemoteStartTransaction,
    RemoteStopTransaction,
)
from edge.core.effects import Write
from edge.core.events import Pilot
from edge.core.messages import Authorize, StartTransaction
from edge.core.profiles import MOST_INSTALLED, Profile
from edge.core.records import ProfileCleared, ProfileSet, TransactionOpened
from edge.core.saved import Saved
from edge.core.setup import Policy
from edge.core.vocabulary import CallErrorCode, RateUnit
from tests.core.bench import ALICE, BOB, NOON, of, setup
from tests.core.build import Rig
from tests.core.charging_bench import (
    DEFAULT,
    MAX,
    RELATIVE,
    TX,
    charging,
    clear,
    composite,
    default,
    installed,
    offered,
    profile,
    put,
)
from tests.crash.memory import fold

# ── what is accepted ─────────────────────────────────────────────────────────────────────────────


def test_a_tx_profile_needs_its_transaction() -> None:
    """TC_057, TC_058."""
    rig = Rig(serve=True).online()
    assert put(rig, profile(TX, (0, 10))) == "Rejected"
    rig.charging()
    assert put(rig, profile(TX, (0, 10), transaction_id=1)) == "Rejected"
    assert put(rig, profile(TX, (0, 10), transaction_id=4711)) == "Accepted"
    assert offered(rig) == 10
    assert put(rig, profile(TX, (0, 12), number=2)) == "Accepted"
    assert put(rig, profile(TX, (0, 12)), connector=0) == "Rejected"


def test_not_for_a_transaction_that_is_stopping() -> None:
    """The energy is over; there is nothing to limit."""
    rig = charging()
    rig.socket().stubborn = True
    rig.call(RemoteStopTransaction(transaction_id=4711))
    assert rig.phase() is Phase.STOPPING
    assert put(rig, profile(TX, (0, 10), transaction_id=4711)) == "Rejected"


def test_the_stations_limit_belongs_to_connector_0() -> None:
    """3.13.1."""
    rig = Rig(serve=True).online()
    assert put(rig, profile(MAX, (0, 10)), connector=1) == "Rejected"
    assert put(rig, profile(MAX, (0, 10)), connector=0) == "Accepted"


def test_a_connector_we_have_not_got_is_an_error() -> None:
    """Errata 3.39: CALLERROR, not a status."""
    answer = put(Rig(serve=True).online(), default(10), connector=2)
    assert answer.code is CallErrorCode.PROPERTY_CONSTRAINT_VIOLATION


def test_a_profile_that_cannot_be_executed_is_rejected() -> None:
    """Checklist 10; nothing is written."""
    rig = Rig(serve=True).online()
    assert put(rig, profile(DEFAULT, (1, 10))) == "Rejected"
    assert not rig.written(ProfileSet)


def test_the_same_place_or_the_same_id_is_replaced() -> None:
    """5.16.3, ruling 27."""
    rig = Rig(setup(connectors=2), serve=True).online()
    put(rig, default(10, number=1))
    put(rig, default(11, number=2))
    put(rig, default(12, number=3), connector=2)
    put(rig, default(13, number=4, level=1))
    put(rig, default(14, number=3, level=2))
    kept = [
        (one.connector, one.profile.charging_profile_id)
        for one in rig.state.station.charging.profiles
    ]
    assert kept == [(1, 2), (1, 4), (1, 3)]
    gone = [record.charging_profile_id for record in rig.written(ProfileCleared)]
    assert gone == [1, 3]


def test_no_more_profiles_than_announced() -> None:
    """MaxChargingProfilesInstalled; one that replaces another always fits."""
    connectors = MOST_INSTALLED // 10 + 1
    rig = Rig(setup(connectors=connectors), serve=True).online()
    answers = [
        put(rig, default(10, number=n, level=n % 10), connector=n // 10 + 1)
        for n in range(MOST_INSTALLED + 1)
    ]
    assert answers == ["Accepted"] * MOST_INSTALLED + ["Rejected"]
    assert put(rig, default(9, number=0)) == "Accepted"
    start = RemoteStartTransaction(
        id_tag=ALICE, connector_id=1, charging_profile=profile(TX, (0, 10), number=99)
    )
    assert rig.call(start).status == "Rejected"


# ── clearing ─────────────────────────────────────────────────────────────────────────────────────


def stocked() -> Rig:
    rig = Rig(setup(connectors=2), serve=True).online()
    put(rig, default(10, number=1), connector=1)
    put(rig, default(11, number=2, level=1), connector=1)
    put(rig, default(12, number=3), connector=2)
    put(rig, profile(MAX, (0, 13), number=4), connector=0)
    return rig


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({}, []),
        ({"id": 2}, [1, 3, 4]),
        ({"id": 2, "connector_id": 2, "stack_level": 9}, [1, 3, 4]),  # errata 3.26
        ({"connector_id": 1}, [3, 4]),
        ({"connector_id": 0}, [1, 2, 3]),
        ({"charging_profile_purpose": DEFAULT, "stack_level": 0}, [2, 4]),
        ({"charging_profile_purpose": MAX}, [1, 2, 3]),
    ],
)
def test_what_matches_is_cleared(fields: dict[str, Any], left: list[int]) -> None:
    """TC_067, errata 3.25: id alone, else all fields together, none = everything."""
    rig = stocked()
    assert clear(rig, **fields) == "Accepted"
    kept = rig.state.station.charging.profiles
    assert [one.profile.charging_profile_id for one in kept] == left


@pytest.mark.parametrize("fields", [{"id": 9}, {"connector_id": 1, "stack_level": 2}])
def test_nothing_that_matches_is_unknown(fields: dict[str, Any]) -> None:
    """TC_067."""
    rig = stocked()
    assert clear(rig, **fields) == "Unknown"
    assert len(rig.state.station.charging.profiles) == 4


def test_after_the_last_profile_the_hardware_is_the_limit() -> None:
    """TC_067, errata 3.8: the session goes on without."""
    rig = charging()
    put(rig, default(10))
    put(rig, profile(TX, (0, 8), number=2))
    assert composite(rig) == "0:8"
    clear(rig, id=2)
    assert composite(rig) == "0:10"
    clear(rig)
    assert composite(rig) == "0:32"
    assert offered(rig) == 32


# ── the composite schedule ───────────────────────────────────────────────────────────────────────


def test_the_composite_schedule_begins_now() -> None:
    """TC_056: whole seconds, duration as asked, unit as asked, nothing about its start inside."""
    rig = Rig(serve=True).online()
    rig.now += 0.25
    start = rig.instant.wall.replace(microsecond=0)
    put(rig, profile(DEFAULT, (0, 10), (60, 16), start=start - timedelta(seconds=20)))
    answer = rig.call(GetCompositeSchedule(connector_id=1, duration=300))
    assert (answer.status, answer.connector_id) == ("Accepted", 1)
    assert answer.schedule_start == start
    schedule = answer.charging_schedule
    assert (schedule.duration, schedule.start_schedule) == (300, None)
    assert schedule.charging_rate_unit is RateUnit.A
    assert composite(rig) == "0:10 40:16"


def test_watts_come_out_as_they_went_in() -> None:
    """7.12: three phases assumed, both ways; the hardware's own phases where it limits."""
    rig = Rig(serve=True).online()
    put(rig, profile(DEFAULT, (0, 6000.0), (60, 3333.3, 1), unit=RateUnit.W, duration=90))
    rig.now, rig.wall = 100.0, NOON - timedelta(seconds=100)
    assert composite(rig, unit=RateUnit.W) == "0:6000 60:3333.3 90:7360"
    assert composite(rig, unit=RateUnit.A) == "0:8.6 60:14.4 90:32"


def test_connector_0_is_the_whole_station() -> None:
    """5.7."""
    rig = Rig(setup(connectors=2), serve=True).online()
    assert composite(rig, connector=0) == "0:64"
    put(rig, profile(MAX, (0, 40)), connector=0)
    assert composite(rig, connector=0) == "0:40"
    assert composite(rig, connector=0, unit=RateUnit.W) == "0:27600"


@pytest.mark.parametrize(("connector", "span_s"), [(2, 300), (1, 0), (1, -5), (1, 2**31)])
def test_what_cannot_be_reported_is_rejected(connector: int, span_s: int) -> None:
    """5.7: an unknown connector, no time at all, or a century."""
    rig = Rig(serve=True).online()
    answer = rig.call(GetCompositeSchedule(connector_id=connector, duration=span_s))
    assert (answer.status, answer.charging_schedule) == ("Rejected", None)


# ── a remote start's profile ─────────────────────────────────────────────────────────────────────


def remote_start(made: Profile) -> RemoteStartTransaction:
    return RemoteStartTransaction(id_tag=ALICE, connector_id=1, charging_profile=made)


def test_a_remote_starts_profile_is_bound_with_the_transaction() -> None:
    """TC_059, ruling 24: one commit, before any transactionId is known."""
    rig = Rig().online()
    rig.plug()
    assert rig.call(remote_start(profile(TX, (0, 10), kind=RELATIVE, start=None))).status == (
        "Accepted"
    )
    step = [effect.record for effect in of(Write, rig.last)]
    assert {type(record) for record in step} >= {TransactionOpened, ProfileSet}
    assert rig.written(ProfileSet)[0].installed.ref == 1
    assert offered(rig) == 10
    assert composite(rig) == "0:10"


def test_a_later_profile_of_the_same_level_replaces_it() -> None:
    """Errata 3.42; another level is stacked beside it."""
    rig = Rig(serve=True).online()
    rig.plug()
    rig.call(remote_start(profile(TX, (0, 10), number=1)))
    put(rig, profile(TX, (0, 12), number=2, transaction_id=4711))
    assert offered(rig) == 12
    put(rig, profile(TX, (0, 14), number=3, level=1, transaction_id=4711))
    assert offered(rig) == 14
    assert len(rig.state.station.charging.profiles) == 2


@pytest.mark.parametrize(
    "made",
    [default(10), profile(TX, (0, 10), transaction_id=5), profile(TX, (3, 10))],
    ids=["purpose", "transactionId", "unsound"],
)
def test_a_remote_start_with_a_bad_profile_is_rejected(made: Profile) -> None:
    """TC_060, errata 3.41, ruling 24: the whole request."""
    rig = Rig(serve=True).online()
    rig.plug()
    assert rig.call(remote_start(made)).status == "Rejected"
    assert rig.phase() is Phase.PREPARING
    assert not rig.messages(StartTransaction)


def test_it_is_dropped_when_the_start_times_out() -> None:
    """Ruling 24: nobody plugs in; the next session knows nothing of it."""
    rig = Rig(serve=True).online()
    rig.call(remote_start(profile(TX, (0, 10))))
    rig.wait(61)
    rig.charging(id_tag=BOB)
    assert offered(rig) == 32
    assert not rig.written(ProfileSet)


def test_it_survives_being_asked_about() -> None:
    """AuthorizeRemoteTxRequests: the profile waits with the start."""
    rig = Rig(setup(keys={"AuthorizeRemoteTxRequests": "true"})).online()
    rig.plug()
    rig.call(remote_start(profile(TX, (0, 10))))
    rig.answer(Authorize)
    assert offered(rig) == 10


def test_a_tx_profile_ends_with_its_transaction() -> None:
    """3.13.1: written in the commit that closes it."""
    rig = charging()
    put(rig, profile(TX, (0, 10)))
    put(rig, default(20, number=2))
    rig.unplug()
    kept = rig.state.station.charging.profiles
    assert [one.profile.charging_profile_id for one in kept] == [2]
    assert [record.charging_profile_id for record in rig.written(ProfileCleared)] == [1]


# ── over a restart ───────────────────────────────────────────────────────────────────────────────


def test_profiles_survive_a_restart() -> None:
    """Errata 3.37."""
    rig = stocked()
    rows = tuple(record for record in rig.written(ProfileSet))
    again = Rig(rig.setup, saved=Saved(profiles=rows), now=5.0, serve=True).online()
    assert composite(again, 1) == "0:11"
    assert composite(again, 2) == "0:12"
    again.charging(2)
    assert offered(again, 2) == 12


def test_a_resumed_session_keeps_its_profile_and_its_time() -> None:
    """Rulings 24, 40: relative to when it began, not to the restart."""
    rig = Rig(serve=True).start()
    rig.link_up()
    rig.charging()
    put(rig, profile(TX, (0, 10), (100, 16), kind=RELATIVE, start=None))
    rig.wait(50)
    rig.meter()
    saved = fold([effect.record for effect in of(Write, rig.log)])
    made = setup(policy=Policy(resume_after_restart_within_s=1000))
    again = Rig(made, saved=saved, now=rig.now + 10, serve=True)
    again.socket().plugged = True
    again.socket().pilot = Pilot.B
    again.start()
    again.link_up()
    assert again.phase() is Phase.CHARGING
    assert offered(again) == 10
    again.wait(45)
    assert offered(again) == 16
    again.unplug()
    assert again.written(ProfileCleared)


def test_a_profile_whose_transaction_is_gone_is_not_restored() -> None:
    """Whatever the journal still holds."""
    row = ProfileSet(installed=installed(profile(TX, (0, 10)), ref=7))
    again = Rig(saved=Saved(profiles=(row,)), serve=True).online().charging()
    assert offered(again) == 32
