"""Who may start on what is reserved: its tag and its group, by card and from afar."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from edge.core.bay import Phase
from edge.core.effects import Lamp
from edge.core.levels import lamp
from edge.core.messages import (
    Authorize,
    AuthorizeConf,
    IdTagInfo,
)
from edge.core.records import ListedTag, TagCached, TransactionOpened
from edge.core.saved import Saved
from tests.core.bench import ALICE, BAD, BOB, GOOD, at, setup
from tests.core.build import Rig
from tests.core.reserving import (
    CHARGING,
    FINISHING,
    GROUP,
    PREPARING,
    RESERVED,
    STRANGERS,
    bench,
    ended,
    reserve,
    start,
    started,
)

# ── used ──────────────────────────────────────────────────────────────────────────────────────────


def test_another_card_starts_nothing_and_changes_nothing() -> None:
    """TC_046_1: stays Reserved."""
    rig = bench()
    reserve(rig)
    rig.tap(BOB)
    assert not rig.messages(Authorize)
    assert lamp(rig.state, 1) is Lamp.REFUSED
    rig.plug()
    rig.tap(BOB)
    assert started(rig) == []
    assert rig.told() == [RESERVED]


def test_the_reserved_card_first_then_the_plug() -> None:
    """TC_046_1: Preparing is the next status; idTag and reservationId in StartTransaction."""
    rig = bench()
    reserve(rig)
    rig.tap(ALICE.lower())
    assert rig.told() == [RESERVED, PREPARING]
    assert ended(rig) == []
    rig.plug()
    assert started(rig) == [(1, ALICE.lower(), 5)]
    assert ended(rig) == [5]
    assert rig.told()[-1] is CHARGING
    assert rig.written(TransactionOpened)[0].reservation_id == 5


def test_the_plug_first_leaves_it_reserved_and_the_card_passes_by_preparing() -> None:
    """Ruling 23; table 4.9 leads from Reserved to Preparing only (G2)."""
    rig = bench()
    reserve(rig)
    rig.plug()
    assert rig.told() == [RESERVED]
    rig.tap()
    assert rig.told()[:2] == [RESERVED, PREPARING]
    assert RESERVED not in rig.told()[1:]
    assert started(rig) == [(1, ALICE, 5)]


def test_a_remote_start_uses_the_reservation() -> None:
    """TC_046_2."""
    rig = bench()
    reserve(rig)
    assert start(rig) == "Accepted"
    assert not rig.messages(Authorize)
    assert rig.told() == [RESERVED, PREPARING]
    rig.plug()
    assert started(rig) == [(1, ALICE, 5)]


def test_a_remote_start_without_connector_goes_to_what_is_reserved() -> None:
    """Ruling 11(3), from afar; a plug elsewhere does not lead it astray."""
    rig = bench(3)
    reserve(rig, 2)
    rig.plug(3)
    assert start(rig, connector=None) == "Accepted"
    assert rig.told(2) == [RESERVED, PREPARING]


def test_a_remote_start_of_a_stranger_is_rejected() -> None:
    """5.13 SHALL refuse; without connector it goes elsewhere."""
    rig = bench(2)
    reserve(rig, 1)
    assert start(rig, BOB) == "Rejected"
    assert start(rig, BOB, None) == "Accepted"
    assert rig.told(1) == [RESERVED]
    assert rig.phase(2) is Phase.PREPARING


def test_the_card_goes_to_what_is_reserved_for_it() -> None:
    """Ruling 11(3) before (4): reserved beats plugged."""
    rig = bench(2)
    reserve(rig, 1)
    rig.plug(2)
    rig.tap()
    assert rig.told(1) == [RESERVED, PREPARING]
    rig.plug(1)
    assert started(rig) == [(1, ALICE, 5)]


def test_a_stranger_goes_elsewhere() -> None:
    """Ruling 11: rules 4 to 7, among what nobody else has reserved."""
    rig = bench(2)
    reserve(rig, 1)
    rig.plug(1)
    rig.tap(BOB)
    assert rig.phase(1) is Phase.PREPARING
    rig.plug(2)
    assert started(rig) == [(2, BOB, None)]
    assert rig.told(1) == [RESERVED]


def test_a_running_session_elsewhere_does_not_cost_the_reservation() -> None:
    """Ruling 23."""
    made = setup(connectors=2, readers=((1,), (2,)))
    rig = Rig(made, serve=True).online()
    rig.plug(2)
    start(rig, connector=2)
    reserve(rig, 1)
    rig.tap(ALICE, reader=0)
    rig.plug(1)
    assert started(rig) == [(2, ALICE, None), (1, ALICE, 5)]


def test_a_permit_that_runs_out_leaves_it_reserved() -> None:
    """Ruling 10, errata 3.77: back to the original state."""
    rig = bench()
    reserve(rig)
    rig.tap()
    rig.wait(60)
    assert rig.told() == [RESERVED, PREPARING, RESERVED]


def test_a_plug_that_waits_too_long_leaves_it_reserved() -> None:
    """Ruling 23; once the reservation is over the plug has its own time to be let in."""
    rig = bench()
    reserve(rig, until=rig.instant.wall + timedelta(seconds=200))
    rig.plug()
    rig.wait(199)
    assert rig.told() == [RESERVED]
    rig.wait(1)
    assert rig.told() == [RESERVED, PREPARING]
    rig.wait(60)
    assert rig.told() == [RESERVED, PREPARING, FINISHING]


# ── groups ────────────────────────────────────────────────────────────────────────────────────────


def test_another_card_of_the_group_is_admitted_after_authorize() -> None:
    """TC_053_1: the parent is learnt by asking."""
    rig = bench()
    rig.tag_info[BOB] = GROUP
    reserve(rig, parent="fleet")
    rig.tap(BOB)
    rig.plug()
    assert started(rig) == [(1, BOB, 5)]


@pytest.mark.parametrize("info", [GOOD, STRANGERS, BAD])
def test_a_card_of_another_group_is_asked_about_and_refused(info: IdTagInfo) -> None:
    """5.13 SHALL."""
    rig = bench()
    rig.tag_info[BOB] = info
    reserve(rig, parent="FLEET")
    rig.tap(BOB)
    assert rig.messages(Authorize) == [Authorize(id_tag=BOB)]
    rig.plug()
    assert started(rig) == []
    assert rig.told() == [RESERVED]


def test_a_parent_is_never_compared_with_a_tag() -> None:
    """3.10, ruling 23."""
    rig = bench()
    rig.tag_info[BOB] = GROUP
    reserve(rig, tag="FLEET")
    rig.tap(BOB)
    assert not rig.messages(Authorize)
    rig = bench()
    reserve(rig, parent=BOB)
    rig.tap(BOB)
    rig.plug()
    assert started(rig) == []


def test_a_card_that_turns_out_to_be_of_the_group_goes_to_the_reserved_connector() -> None:
    """Ruling 11(3): the parent was learnt by asking; another connector was free too."""
    rig = bench(2)
    rig.tag_info[BOB] = GROUP
    reserve(rig, 1, parent="FLEET")
    rig.plug(1)
    rig.tap(BOB)
    assert started(rig) == [(1, BOB, 5)]


def test_a_group_member_whose_connector_was_taken_meanwhile_starts_where_it_stands() -> None:
    """The owner himself was quicker."""
    rig = bench(2)
    rig.tag_info[BOB] = GROUP
    reserve(rig, 1, parent="FLEET")
    rig.serve = False
    rig.tap(BOB)
    start(rig, ALICE, 1)
    rig.plug(1)
    rig.answer(Authorize, AuthorizeConf(id_tag_info=GROUP))
    rig.plug(2)
    opened = [(one.connector, one.id_tag) for one in rig.written(TransactionOpened)]
    assert opened == [(1, ALICE), (2, BOB)]


@pytest.mark.parametrize("source", ["list", "cache"])
@pytest.mark.parametrize("offline", [True, False])
def test_a_known_parent_is_enough(source: str, offline: bool) -> None:
    """5.13 MAY: looked up in the list or the cache; nobody need be asked."""
    known: Any = {
        "list": {"local_list": (ListedTag(id_tag=BOB.lower(), info=GROUP),), "list_version": 1},
        "cache": {"cache": (TagCached(id_tag=BOB.lower(), info=GROUP, at=at(0)),)},
    }[source]
    rig = bench(saved=Saved(**known), LocalPreAuthorize="true")
    reserve(rig, parent="FLEET")
    if offline:
        rig.link_down()
    rig.tap(BOB)
    rig.plug()
    assert not rig.messages(Authorize)
    assert rig.written(TransactionOpened)[0].reservation_id == 5


def test_a_known_tag_of_unknown_parent_is_asked_about_in_spite_of_preauthorize() -> None:
    """5.13: the cache does not say that it is not of the group."""
    cache = (TagCached(id_tag=BOB.lower(), info=GOOD, at=at(0)),)
    rig = bench(saved=Saved(cache=cache), LocalPreAuthorize="true")
    rig.tag_info[BOB] = GROUP
    reserve(rig, parent="FLEET")
    rig.plug()
    rig.tap(BOB)
    assert started(rig) == [(1, BOB, 5)]


def test_offline_an_unknown_card_does_not_get_what_is_reserved() -> None:
    """5.13 SHALL refuse, AllowOfflineTxForUnknownId or not."""
    rig = bench(AllowOfflineTxForUnknownId="true")
    reserve(rig, parent="FLEET")
    rig.link_down()
    rig.plug()
    rig.tap(BOB)
    assert not rig.written(TransactionOpened)
    rig.tap(ALICE)
    assert rig.written(TransactionOpened)[0].reservation_id == 5


@pytest.mark.parametrize("info", [GROUP, STRANGERS])
def test_a_remote_start_for_the_group_asks_in_any_case(info: IdTagInfo) -> None:
    """TC_053_2, ruling 23: Accepted ("will attempt"), nothing starts if the parents differ."""
    rig = bench(AuthorizeRemoteTxRequests="false")
    rig.tag_info[BOB] = info
    reserve(rig, parent="FLEET")
    rig.plug()
    assert start(rig, BOB) == "Accepted"
    assert rig.messages(Authorize) == [Authorize(id_tag=BOB)]
    assert started(rig) == ([(1, BOB, 5)] if info is GROUP else [])
