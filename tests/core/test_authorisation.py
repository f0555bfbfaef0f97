"""May this tag start or stop here, and who says so."""

from __future__ import annotations

import pytest

from edge.core.bay import Phase
from edge.core.commands import ChangeConfiguration, RemoteStartTransaction
from edge.core.effects import Lamp, Show
from edge.core.events import Trip
from edge.core.levels import lamp
from edge.core.messages import (
    Authorize,
    AuthorizeConf,
    CallError,
    IdTagInfo,
    NoAnswer,
    StartTransaction,
    StopTransaction,
)
from edge.core.records import TagCached, TransactionOpened
from edge.core.saved import Saved
from edge.core.vocabulary import AuthorizationStatus, ConnectorStatus, StopReason
from edge.core.waiting import MOST_WAITING
from tests.core.bench import ALICE, BAD, BOB, GOOD, NOON, at, of, setup
from tests.core.build import Rig

PRE = {"LocalPreAuthorize": "true"}
GROUP = IdTagInfo(status=AuthorizationStatus.ACCEPTED, parent_id_tag="FLEET")


def cached(*entries: tuple[str, IdTagInfo]) -> Saved:
    rows = tuple(TagCached(id_tag=tag.lower(), info=info, at=at(0)) for tag, info in entries)
    return Saved(cache=rows)


def expired() -> IdTagInfo:
    return IdTagInfo(status=AuthorizationStatus.ACCEPTED, expiry_date=NOON)


@pytest.mark.parametrize(
    "status",
    [
        AuthorizationStatus.INVALID,
        AuthorizationStatus.BLOCKED,
        AuthorizationStatus.EXPIRED,
        AuthorizationStatus.CONCURRENT_TX,
    ],
)
def test_a_tag_that_is_not_accepted_starts_nothing(status: AuthorizationStatus) -> None:
    """TC_023: no StartTransaction, no status beyond Preparing; the lamp says no for a while."""
    rig = Rig(serve=True).online()
    rig.tag_info[ALICE] = IdTagInfo(status=status)
    rig.plug()
    rig.tap()
    assert not rig.messages(StartTransaction)
    assert rig.told() == [ConnectorStatus.PREPARING]
    assert Show(connector=1, lamp=Lamp.REFUSED) in of(Show, rig.last)
    rig.wait(3)
    assert lamp(rig.state, 1) is Lamp.READY


def test_accepted_but_expired_is_refused() -> None:
    """7.8: the expiry date counts."""
    rig = Rig(serve=True).online()
    rig.tag_info[ALICE] = expired()
    rig.plug()
    rig.tap()
    assert not rig.messages(StartTransaction)


def test_an_empty_answer_refuses_and_the_next_card_asks_again() -> None:
    """Checklist 2: an Authorize.conf without idTagInfo must not crash."""
    rig = Rig().online()
    rig.plug()
    rig.tap()
    rig.answer(Authorize, AuthorizeConf(id_tag_info=None))
    assert not rig.messages(StartTransaction)
    rig.tap()
    assert len(rig.messages(Authorize)) == 2


def test_offline_a_known_good_tag_starts() -> None:
    """TC_037_1: LocalAuthorizeOffline."""
    rig = Rig(saved=cached((ALICE, GOOD))).start()
    rig.plug()
    rig.tap()
    assert rig.written(TransactionOpened)


@pytest.mark.parametrize("unknown", ["true", "false"])
def test_offline_an_unknown_tag_starts_only_if_allowed(unknown: str) -> None:
    """TC_037_1: AllowOfflineTxForUnknownId."""
    rig = Rig(setup(keys={"AllowOfflineTxForUnknownId": unknown})).start()
    rig.plug()
    rig.tap()
    assert bool(rig.written(TransactionOpened)) is (unknown == "true")


@pytest.mark.parametrize("info", [BAD, expired()])
def test_offline_a_bad_tag_is_never_taken_for_unknown(info: IdTagInfo) -> None:
    """3.5.4 MUST: an expired or blocked tag is refused."""
    made = setup(keys={"AllowOfflineTxForUnknownId": "true"})
    rig = Rig(made, saved=cached((ALICE, info))).start()
    rig.plug()
    rig.tap()
    assert not rig.written(TransactionOpened)


def test_offline_a_known_tag_is_refused_where_that_is_switched_off() -> None:
    """9.1.12: LocalAuthorizeOffline=false."""
    made = setup(keys={"LocalAuthorizeOffline": "false", "AllowOfflineTxForUnknownId": "true"})
    rig = Rig(made, saved=cached((ALICE, GOOD))).start()
    rig.plug()
    rig.tap()
    assert not rig.written(TransactionOpened)


def test_five_seconds_after_the_tap_what_we_know_decides() -> None:
    """Ruling 5: a half-open line is as good as none."""
    rig = Rig(saved=cached((ALICE, GOOD))).online()
    rig.plug()
    rig.tap()
    rig.wait(4.9)
    assert not rig.written(TransactionOpened)
    rig.wait(0.1)
    assert rig.written(TransactionOpened)


@pytest.mark.parametrize("answer", [CallError(code="InternalError"), NoAnswer(timed_out=False)])
def test_no_word_at_all_is_judged_like_offline(answer: CallError | NoAnswer) -> None:
    """Ruling 5."""
    rig = Rig(saved=cached((ALICE, GOOD))).online()
    rig.plug()
    rig.tap()
    rig.answer(Authorize, answer)
    assert rig.written(TransactionOpened)


def test_while_one_card_is_asked_about_another_is_not_taken() -> None:
    """Ruling 11(6): reader busy."""
    rig = Rig().online()
    rig.plug()
    rig.tap(ALICE)
    rig.tap(BOB)
    assert rig.messages(Authorize) == [Authorize(id_tag=ALICE)]


def test_a_second_card_of_no_known_group_neither_asks_nor_stops() -> None:
    """TC_068."""
    rig = Rig(serve=True).online().charging()
    rig.wait(20)
    rig.log.clear()
    rig.tap(BOB)
    assert not rig.messages(Authorize)
    assert rig.phase() is Phase.CHARGING
    rig.tap(ALICE)
    assert not rig.messages(Authorize)
    assert rig.messages(StopTransaction)[0].id_tag == ALICE


@pytest.mark.parametrize("where", ["authorize", "start"])
def test_a_card_of_the_same_group_stops_under_its_own_name(where: str) -> None:
    """TC_069: parent learnt from Authorize.conf or StartTransaction.conf."""
    rig = Rig().online()
    rig.plug()
    rig.tap(ALICE)
    rig.answer(Authorize, AuthorizeConf(id_tag_info=GROUP if where == "authorize" else GOOD))
    rig.tag_info[ALICE] = GROUP if where == "start" else GOOD
    rig.answer_all()
    rig.wait(20)
    rig.tap(BOB)
    rig.answer(Authorize, AuthorizeConf(id_tag_info=GROUP))
    stop = rig.messages(StopTransaction)[0]
    assert (stop.id_tag, stop.reason) == (BOB, StopReason.LOCAL)


@pytest.mark.parametrize(
    "info", [GOOD, BAD, IdTagInfo(status=AuthorizationStatus.BLOCKED, parent_id_tag="FLEET")]
)
def test_a_card_of_another_group_or_a_bad_one_stops_nothing(info: IdTagInfo) -> None:
    """TC_069: the parents must match, and the card be good."""
    rig = Rig(serve=True).online()
    rig.tag_info |= {ALICE: GROUP, BOB: info}
    rig.charging()
    rig.wait(20)
    rig.tap(BOB)
    assert rig.phase() is Phase.CHARGING


def test_a_card_known_to_be_of_the_group_stops_offline() -> None:
    """Checklist 6: later another tag of the same parent group stops it."""
    rig = Rig(saved=cached((ALICE, GROUP), (BOB, GROUP))).start()
    rig.plug()
    rig.tap(ALICE)
    rig.wait(20)
    rig.tap(BOB)
    assert rig.phase() is Phase.FINISHING


@pytest.mark.parametrize(
    ("info", "phase"), [(GROUP, Phase.FINISHING), (BAD, Phase.CHARGING)], ids=["good", "bad"]
)
def test_a_group_s_card_that_nobody_answers_for_is_judged_like_offline(
    info: IdTagInfo, phase: Phase
) -> None:
    """Ruling 5: five seconds after the tap what we know decides, of a stop too."""
    rig = Rig(saved=cached((ALICE, GROUP), (BOB, info))).online()
    rig.plug()
    rig.tap(ALICE)
    rig.answer(Authorize, AuthorizeConf(id_tag_info=GROUP))
    rig.wait(20)
    rig.tap(BOB)
    assert rig.phase() is Phase.CHARGING
    rig.wait(6)
    assert rig.phase() is phase


@pytest.mark.parametrize(
    ("info", "trusts"),
    [
        (IdTagInfo(status=AuthorizationStatus.BLOCKED, parent_id_tag="FLEET"), "true"),
        (GROUP, "false"),
    ],
    ids=["blocked", "LocalAuthorizeOffline off"],
)
def test_a_card_that_may_not_start_offline_stops_nothing_there(
    info: IdTagInfo, trusts: str
) -> None:
    """3.5.4, 9.1.12: what is known of a group's card counts as little as for a start."""
    keys = {"AllowOfflineTxForUnknownId": "true"}
    rig = Rig(setup(keys=keys), saved=cached((BOB, info)), serve=True).online()
    rig.tag_info[ALICE] = GROUP
    rig.charging()
    rig.call(ChangeConfiguration(key="LocalAuthorizeOffline", value=trusts))
    rig.link_down()
    rig.wait(20)
    rig.tap(BOB)
    assert rig.phase() is Phase.CHARGING
    rig.tap(ALICE)
    assert rig.phase() is Phase.FINISHING


def test_a_peer_that_hangs_is_not_asked_more_than_its_line_holds() -> None:
    """Ruling 5: it is as good as away; what piles up on the line would be lost with the rest."""
    rig = Rig(saved=cached((ALICE, GOOD))).online()
    for _ in range(100):
        rig.tap(BOB)
        rig.wait(6)
    assert len(rig.sent) <= MOST_WAITING
    rig.plug()
    rig.tap(ALICE)
    assert rig.phase() is Phase.CHARGING


def test_a_card_of_an_unknown_group_stops_nothing_offline() -> None:
    """TC_069 offline: nobody can say whose it is."""
    rig = Rig(saved=cached((ALICE, GROUP))).start()
    rig.plug()
    rig.tap(ALICE)
    rig.wait(20)
    rig.tap(BOB)
    assert rig.phase() is Phase.CHARGING


def test_a_card_that_turns_out_to_be_of_the_group_stops_instead_of_starting() -> None:
    """Ruling 11(1): its parent was learnt by asking."""
    rig = Rig(setup(connectors=2), serve=True).online()
    rig.tag_info |= {ALICE: GROUP, BOB: GROUP}
    rig.charging(1)
    rig.wait(20)
    rig.tap(BOB)
    assert [rig.phase(1), rig.phase(2)] == [Phase.FINISHING, Phase.IDLE]


def test_a_stranger_with_a_free_connector_starts_there() -> None:
    """Ruling 11: sessions of other groups are looked at and left alone."""
    rig = Rig(setup(connectors=3), serve=True).online()
    rig.tag_info |= {ALICE: GROUP}
    rig.charging(1)
    rig.plug(2)
    rig.wait(20)
    rig.tap(BOB)
    assert [rig.phase(1), rig.phase(2)] == [Phase.CHARGING, Phase.CHARGING]


def test_a_remote_start_of_a_group_member_starts_its_own_session() -> None:
    """A remote start is no card at a reader: it never stops."""
    made = setup(connectors=2, keys={"AuthorizeRemoteTxRequests": "true"})
    rig = Rig(made, serve=True).online()
    rig.tag_info |= {ALICE: GROUP, BOB: GROUP}
    rig.charging(1)
    rig.call(RemoteStartTransaction(id_tag=BOB, connector_id=2))
    assert [rig.phase(1), rig.phase(2)] == [Phase.CHARGING, Phase.PREPARING]


def test_a_remote_start_asks_only_if_told_so() -> None:
    """TC_010, 5.11: AuthorizeRemoteTxRequests."""
    rig = Rig(serve=True).online()
    rig.plug()
    rig.call(RemoteStartTransaction(id_tag=ALICE, connector_id=1))
    assert not rig.messages(Authorize)
    assert rig.messages(StartTransaction)


def test_a_remote_start_that_is_refused_by_authorize_starts_nothing() -> None:
    """TC_023: likewise after RemoteStart."""
    rig = Rig(setup(keys={"AuthorizeRemoteTxRequests": "true"}), serve=True).online()
    rig.tag_info[ALICE] = BAD
    rig.plug()
    assert rig.call(RemoteStartTransaction(id_tag=ALICE, connector_id=1)).status == "Accepted"
    assert rig.messages(Authorize)
    assert not rig.messages(StartTransaction)


def test_a_grant_that_comes_too_late_is_refused() -> None:
    """TC_041: the connector became Faulted while the tag was asked about."""
    rig = Rig().online()
    rig.plug()
    rig.tap()
    rig.trip(Trip.RCD)
    rig.answer(Authorize)
    assert not rig.written(TransactionOpened)
    assert lamp(rig.state, 1) is Lamp.REFUSED


def test_a_card_replaces_a_remote_start_that_waits_for_the_plug() -> None:
    """Ruling 24: the local tag is the one that starts."""
    rig = Rig(serve=True).online()
    rig.call(RemoteStartTransaction(id_tag="REMOTE", connector_id=1))
    rig.tap(ALICE)
    rig.plug()
    assert [one.id_tag for one in rig.messages(StartTransaction)] == [ALICE]


def test_a_card_replaces_a_remote_start_for_any_connector() -> None:
    """Ruling 24, with two connectors free."""
    rig = Rig(setup(connectors=2), serve=True).online()
    rig.call(RemoteStartTransaction(id_tag="REMOTE"))
    rig.tap(ALICE)
    rig.plug(2)
    rig.plug(1)
    assert [one.id_tag for one in rig.messages(StartTransaction)] == [ALICE]


def test_a_refused_card_does_not_drop_a_remote_start() -> None:
    """Only a good card takes its place."""
    rig = Rig(serve=True).online()
    rig.tag_info[BOB] = BAD
    rig.call(RemoteStartTransaction(id_tag="REMOTE", connector_id=1))
    rig.tap(BOB)
    rig.plug()
    assert [one.id_tag for one in rig.messages(StartTransaction)] == ["REMOTE"]


def test_a_deauthorised_cable_goes_back_to_its_owner_only() -> None:
    """Errata 3.5: locked until the same tag or its group is shown; no dead time for that."""
    rig = Rig(setup(lock=True)).online()
    rig.plug()
    rig.tap(ALICE)
    rig.answer(Authorize)
    rig.tag_info[ALICE] = BAD
    rig.answer_all()
    assert rig.messages(StopTransaction)[0].reason is StopReason.DE_AUTHORIZED
    assert rig.socket().locked
    rig.tap(BOB)
    assert rig.socket().locked
    rig.tap(ALICE)
    assert rig.socket().locked is False
    assert rig.phase() is Phase.FINISHING


def test_a_plug_that_comes_while_the_tag_is_asked_about_is_meant() -> None:
    """Ruling 11(6): the first plugged."""
    rig = Rig(setup(connectors=2)).online()
    rig.tap()
    rig.plug(2)
    rig.answer(Authorize)
    assert rig.phase(2) is Phase.CHARGING
