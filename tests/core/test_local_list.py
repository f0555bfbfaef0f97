"""The local list: how it is kept, and what it decides before the cache and the central system."""

from __future__ import annotations

import pytest

from edge.core.commands import (
    AuthorizationData,
    ChangeConfiguration,
    GetLocalListVersion,
    RemoteStartTransaction,
    SendLocalList,
    SendLocalListConf,
    TriggerMessage,
)
from edge.core.effects import BEATS, Beat, Refuse, Reply, Store
from edge.core.events import CallReceived, JournalLost, Stored
from edge.core.key_kinds import MOST_LISTED, MOST_SENT
from edge.core.messages import (
    Authorize,
    AuthorizeConf,
    CallError,
    IdTagInfo,
    StartTransaction,
    StatusNotification,
)
from edge.core.records import ListChanged, ListedTag, TagCached, TransactionOpened
from edge.core.saved import Saved
from edge.core.step import step
from edge.core.vocabulary import AuthorizationStatus, CallErrorCode, ErrorCode, UpdateType
from edge.core.waiting import MOST_WAITING
from tests.core.bench import ALICE, BAD, BOB, GOOD, NOON, at, of, setup
from tests.core.build import Rig

PRE = {"LocalPreAuthorize": "true"}
NO_CACHE = {"AuthorizationCacheEnabled": "false"}
OPEN_DOOR = {"AllowOfflineTxForUnknownId": "true"}
EXPIRED = IdTagInfo(status=AuthorizationStatus.ACCEPTED, expiry_date=NOON)
Entry = tuple[str, IdTagInfo | None]
FULL_1 = SendLocalList(
    list_version=1,
    update_type=UpdateType.FULL,
    local_authorization_list=(AuthorizationData(id_tag=ALICE, id_tag_info=GOOD),),
)


def listed(*entries: tuple[str, IdTagInfo], cache: tuple[TagCached, ...] = ()) -> Saved:
    rows = tuple(ListedTag(id_tag=tag.lower(), info=info) for tag, info in entries)
    return Saved(list_version=1, local_list=rows, cache=cache)


def send(rig: Rig, version: int, *entries: Entry, full: bool = True) -> str:
    answer = rig.call(
        SendLocalList(
            list_version=version,
            update_type=UpdateType.FULL if full else UpdateType.DIFFERENTIAL,
            local_authorization_list=tuple(
                AuthorizationData(id_tag=tag, id_tag_info=info) for tag, info in entries
            ),
        )
    )
    status: str = answer.status
    return status


def version(rig: Rig) -> int:
    number: int = rig.call(GetLocalListVersion()).list_version
    return number


def conflicts(rig: Rig) -> list[StatusNotification]:
    notices = rig.messages(StatusNotification)
    return [one for one in notices if one.error_code is ErrorCode.LOCAL_LIST_CONFLICT]


# ── keeping it ───────────────────────────────────────────────────────────────────────────────────


def test_an_empty_list_is_version_0() -> None:
    """TC_042_2: also after a Full update to version 1 without entries."""
    rig = Rig().online()
    assert version(rig) == 0
    assert send(rig, 1) == "Accepted"
    assert version(rig) == 0


def test_a_list_that_is_switched_off_is_version_minus_1_and_takes_nothing() -> None:
    """TC_042_1, TC_043_1."""
    rig = Rig(setup(keys={"LocalAuthListEnabled": "false"})).online()
    assert version(rig) == -1
    assert send(rig, 1, (ALICE, GOOD)) == "NotSupported"
    assert not rig.written(ListChanged)


def test_a_full_update_replaces_and_a_differential_one_changes() -> None:
    """TC_043: an entry without idTagInfo is deleted; tags compare without case."""
    rig = Rig().online()
    assert send(rig, 2, (ALICE, GOOD), (BOB, GOOD)) == "Accepted"
    assert send(rig, 3, (BOB.lower(), None), ("CAROL", BAD), full=False) == "Accepted"
    assert rig.state.station.local_list.entries == {ALICE.lower(): GOOD, "carol": BAD}
    assert version(rig) == 3
    assert send(rig, 1, (BOB, GOOD)) == "Accepted"
    assert rig.state.station.local_list.entries == {BOB.lower(): GOOD}
    assert version(rig) == 1


def test_one_message_is_one_record() -> None:
    """5.15: all of it or nothing survives a power cut."""
    rig = Rig().online()
    send(rig, 2, (ALICE, GOOD))
    send(rig, 3, (BOB, GOOD), (ALICE, None), full=False)
    assert rig.written(ListChanged) == [
        ListChanged(version=2, anew=True, entries=(ListedTag(id_tag=ALICE.lower(), info=GOOD),)),
        ListChanged(
            version=3,
            anew=False,
            entries=(ListedTag(id_tag=BOB.lower(), info=GOOD),),
            removed=(ALICE.lower(),),
        ),
    ]


def test_the_last_entry_deleted_leaves_version_0() -> None:
    """5.10: 0 says that the list is empty; then a Differential 1 is fine (TC_043)."""
    rig = Rig().online()
    send(rig, 5, (ALICE, GOOD))
    assert send(rig, 6, (ALICE, None), full=False) == "Accepted"
    assert version(rig) == 0
    assert send(rig, 1, (BOB, GOOD), full=False) == "Accepted"
    assert version(rig) == 1


@pytest.mark.parametrize("older", [4, 5, 0, -1])
def test_a_differential_update_must_be_newer(older: int) -> None:
    """TC_043_2: VersionMismatch, the version stays."""
    rig = Rig().online()
    send(rig, 5, (ALICE, GOOD))
    assert send(rig, older, (BOB, GOOD), full=False) == "VersionMismatch"
    assert version(rig) == 5
    assert list(rig.state.station.local_list.entries) == [ALICE.lower()]


@pytest.mark.parametrize(
    ("number", "entries"),
    [
        (0, ((BOB, GOOD),)),
        (-1, ((BOB, GOOD),)),
        (7, ((BOB, GOOD), (BOB.lower(), BAD))),
        (7, ((BOB, None),)),
    ],
    ids=["version 0", "version -1", "twice the same tag", "no idTagInfo in a full list"],
)
def test_an_unsound_list_fails_and_the_old_one_stays(
    number: int, entries: tuple[Entry, ...]
) -> None:
    """TC_043_3; errata 3.52, 6.41, 7.1."""
    rig = Rig().online()
    send(rig, 5, (ALICE, GOOD))
    assert send(rig, number, *entries) == "Failed"
    assert version(rig) == 5
    assert len(rig.written(ListChanged)) == 1


def test_a_lost_journal_fails_the_update() -> None:
    """TC_043_3: what cannot be kept is not promised, and saying so needs no disk."""
    rig = Rig().online()
    rig.step(JournalLost(at=rig.instant, kind="full"))
    assert send(rig, 5, (ALICE, GOOD)) == "Failed"
    assert of(Refuse, rig.last)
    assert BEATS[Refuse] is Beat.SHOW


def test_a_list_that_the_disk_does_not_take_leaves_the_old_one_in_force() -> None:
    """TC_043_3: the first message that meets the bad disk fails too, and is over."""
    rig = Rig().online()
    send(rig, 1, (ALICE, GOOD))
    rig.disk_full = "full"
    assert send(rig, 2, (BOB, GOOD)) == "Failed"
    assert of(Refuse, rig.last)
    assert rig.state.station.local_list.entries == {ALICE.lower(): GOOD}
    assert version(rig) == 1
    rig.disk_full = None
    assert send(rig, 2, (BOB, GOOD), full=False) == "Accepted"
    assert set(rig.state.station.local_list.entries) == {ALICE.lower(), BOB.lower()}


def test_a_new_list_is_in_force_once_it_is_on_the_disk() -> None:
    """Nothing may rest on a list that a power cut could still undo; one is written at a time."""
    rig = Rig().online()
    state, effects = step(rig.state, CallReceived(at=rig.instant, call_id=9, command=FULL_1))
    (store,) = of(Store, effects)
    assert not of(Reply, effects)
    assert state.station.local_list.version == 0
    state, effects = step(state, CallReceived(at=rig.instant, call_id=10, command=FULL_1))
    assert of(Refuse, effects) == [Refuse(call_id=10, answer=SendLocalListConf(status="Failed"))]
    state, effects = step(state, Stored(at=rig.instant, ticket=store.ticket))
    assert of(Reply, effects) == [Reply(call_id=9, answer=SendLocalListConf(status="Accepted"))]
    assert state.station.local_list.version == 1


def test_too_many_entries_in_one_message_violate_their_occurrence() -> None:
    """Ruling 8; SendLocalListMaxLength."""
    rig = Rig(setup(keys={"SendLocalListMaxLength": "2"})).online()
    command = SendLocalList(
        list_version=1,
        update_type=UpdateType.FULL,
        local_authorization_list=tuple(AuthorizationData(id_tag=tag) for tag in "abc"),
    )
    answer = rig.call(command)
    assert isinstance(answer, CallError)
    assert answer.code is CallErrorCode.OCCURENCE_CONSTRAINT_VIOLATION


def test_a_list_that_would_grow_too_long_fails() -> None:
    """LocalAuthListMaxLength bounds what comes of it; replacing entries needs no room."""
    rig = Rig(setup(keys={"LocalAuthListMaxLength": "2"})).online()
    assert send(rig, 1, ("a", GOOD), ("b", GOOD)) == "Accepted"
    assert send(rig, 2, ("c", GOOD), full=False) == "Failed"
    assert send(rig, 2, ("b", BAD), full=False) == "Accepted"
    assert send(rig, 3, ("c", GOOD), ("a", None), full=False) == "Accepted"
    assert set(rig.state.station.local_list.entries) == {"b", "c"}


def test_the_largest_lists_are_bounded() -> None:
    """A named bound for the state, and one for the frame."""
    assert 0 < MOST_SENT <= MOST_LISTED <= 10_000


def test_the_list_survives_a_restart() -> None:
    """3.5.2 SHOULD: what the journal holds is what is listed."""
    rig = Rig(saved=listed((ALICE, GOOD))).online()
    assert version(rig) == 1
    assert rig.state.station.local_list.entries == {ALICE.lower(): GOOD}


# ── using it ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("remote", [True, False])
def test_a_listed_tag_starts_without_asking_if_told_so(remote: bool) -> None:
    """TC_008_1, TC_008_2: LocalPreAuthorize, no cache."""
    keys = PRE | NO_CACHE | {"AuthorizeRemoteTxRequests": "true"}
    rig = Rig(setup(keys=keys), saved=listed((ALICE, GOOD)), serve=True).online()
    rig.plug()
    if remote:
        rig.call(RemoteStartTransaction(id_tag=ALICE, connector_id=1))
    else:
        rig.tap(ALICE.lower())
    assert not rig.messages(Authorize)
    assert rig.messages(StartTransaction)


def test_the_list_beats_the_cache() -> None:
    """3.5.3 SHALL: entries of the list have priority, for better and for worse."""
    cached = TagCached(id_tag=ALICE.lower(), info=BAD, at=at(0))
    rig = Rig(setup(keys=PRE), saved=listed((ALICE, GOOD), cache=(cached,)), serve=True).online()
    rig.plug()
    rig.tap()
    assert not rig.messages(Authorize)
    cached = TagCached(id_tag=ALICE.lower(), info=GOOD, at=at(0))
    rig = Rig(saved=listed((ALICE, BAD), cache=(cached,))).start()
    rig.plug()
    rig.tap()
    assert not rig.written(TransactionOpened)


def test_a_listed_tag_is_not_cached() -> None:
    """3.5.3 SHALL NOT."""
    rig = Rig(saved=listed((ALICE, GOOD)), serve=True).online()
    rig.plug()
    rig.tap()
    assert rig.messages(Authorize)
    assert rig.messages(StartTransaction)
    assert not rig.written(TagCached)


@pytest.mark.parametrize("info", [BAD, EXPIRED])
def test_a_listed_tag_that_is_not_good_is_asked_about_online(info: IdTagInfo) -> None:
    """Ruling 5: the central system may know better than its list."""
    rig = Rig(setup(keys=PRE), saved=listed((ALICE, info)), serve=True).online()
    rig.plug()
    rig.tap()
    assert rig.messages(Authorize)
    assert rig.messages(StartTransaction)


@pytest.mark.parametrize("info", [BAD, EXPIRED])
def test_a_listed_tag_that_is_not_good_is_refused_offline(info: IdTagInfo) -> None:
    """3.5.4 MUST, whatever AllowOfflineTxForUnknownId says."""
    rig = Rig(setup(keys=OPEN_DOOR), saved=listed((ALICE, info))).start()
    rig.plug()
    rig.tap()
    assert not rig.written(TransactionOpened)


@pytest.mark.parametrize("allowed", ["true", "false"])
def test_offline_a_listed_tag_starts_where_that_is_allowed(allowed: str) -> None:
    """TC_037_1, 9.1.12: LocalAuthorizeOffline."""
    keys = NO_CACHE | {"LocalAuthorizeOffline": allowed}
    rig = Rig(setup(keys=keys), saved=listed((ALICE, GOOD))).start()
    rig.plug()
    rig.tap()
    assert bool(rig.written(TransactionOpened)) is (allowed == "true")


def test_a_list_that_is_switched_off_is_not_looked_at() -> None:
    """9.2.1; what is learnt goes to the cache then."""
    rig = Rig(setup(keys=PRE), saved=listed((ALICE, GOOD)), serve=True).online()
    rig.call(ChangeConfiguration(key="LocalAuthListEnabled", value="false"))
    rig.plug()
    rig.tap()
    assert rig.messages(Authorize)
    assert [row.id_tag for row in rig.written(TagCached)] == [ALICE.lower()]


def test_a_parent_from_the_list_stops_its_group_s_session_offline() -> None:
    """4.1: the group may stop; the list says who that is."""
    group = IdTagInfo(status=AuthorizationStatus.ACCEPTED, parent_id_tag="FLEET")
    rig = Rig(setup(keys=NO_CACHE), saved=listed((ALICE, group), (BOB, group))).start()
    rig.plug()
    rig.tap(ALICE)
    rig.wait(20)
    rig.tap(BOB)
    assert rig.bay().transaction is None


# ── contradictions ───────────────────────────────────────────────────────────────────────────────


def test_a_start_that_contradicts_the_list_is_told_on_connector_0() -> None:
    """3.5.2 SHALL: LocalListConflict; StopTransactionOnInvalidId is applied all the same."""
    rig = Rig(setup(keys=PRE), saved=listed((ALICE, GOOD)), serve=True).online()
    rig.tag_info[ALICE] = BAD
    rig.plug()
    rig.tap()
    (conflict,) = conflicts(rig)
    assert conflict.connector_id == 0
    assert conflict.info == "listed Accepted, now Invalid"
    assert rig.bay().transaction is None


def test_an_authorize_that_contradicts_the_list_is_told_too() -> None:
    """3.5.2: "for instance" a StartTransaction.conf."""
    rig = Rig(saved=listed((ALICE, BAD))).online()
    rig.plug()
    rig.tap()
    rig.answer(Authorize)
    assert len(conflicts(rig)) == 1


@pytest.mark.parametrize(
    ("entry", "answer"),
    [
        (GOOD, GOOD),
        (BAD, IdTagInfo(status=AuthorizationStatus.BLOCKED)),
        (GOOD, IdTagInfo(status=AuthorizationStatus.CONCURRENT_TX)),
        (GOOD, IdTagInfo(status=AuthorizationStatus.ACCEPTED, parent_id_tag="FLEET")),
    ],
)
def test_what_does_not_touch_the_validity_is_no_conflict(
    entry: IdTagInfo, answer: IdTagInfo
) -> None:
    """3.5.2: conflicts are about validity; ConcurrentTx is about another transaction."""
    rig = Rig(saved=listed((ALICE, entry))).online()
    rig.plug()
    rig.tap()
    rig.answer(Authorize, AuthorizeConf(id_tag_info=answer))
    assert not conflicts(rig)


def test_an_unlisted_tag_conflicts_with_nothing() -> None:
    """3.5.2."""
    rig = Rig(saved=listed((ALICE, GOOD)), serve=True).online()
    rig.tag_info[BOB] = BAD
    rig.plug()
    rig.tap(BOB)
    assert not conflicts(rig)


def test_a_conflict_on_a_jammed_line_is_left_out() -> None:
    """A named bound: the tickets are for what must be told."""
    rig = Rig(saved=listed((ALICE, BAD))).online()
    rig.plug()
    rig.tap()
    rig.unplug()
    asked = rig.waiting(Authorize)
    for _ in range(MOST_WAITING):
        rig.call(TriggerMessage(requested_message="StatusNotification"))
    rig.settle(asked, AuthorizeConf(id_tag_info=GOOD))
    assert not conflicts(rig)
