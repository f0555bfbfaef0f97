"""The roles of cards: who starts without a question, whom nobody lets in, who may set up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from edge.core import cards
from edge.core.bay import Phase
from edge.core.card_roles import CardAsked, CardKept, Role
from edge.core.commands import RemoteStartTransaction, RemoteStartTransactionConf
from edge.core.effects import Lamp, Raise, Rearm
from edge.core.events import Pilot, Trip
from edge.core.levels import lamp
from edge.core.messages import Authorize, IdTagInfo, StartTransaction, StopTransaction
from edge.core.records import (
    ListedTag,
    TagCached,
    TransactionOpened,
    TransactionStopping,
)
from edge.core.saved import Saved, SavedTransaction
from edge.core.setup import Setup
from edge.core.vocabulary import AuthorizationStatus, StopReason
from tests.core.bench import ALICE, BAD, BOB, GOOD, at, of, setup
from tests.core.build import Rig
from tests.core.reserving import reserve

INSTALLER = "04DDDDDDDDDD80"
BLOCKED = IdTagInfo(status=AuthorizationStatus.BLOCKED)
ANYBODY = {"AllowOfflineTxForUnknownId": "true", "LocalPreAuthorize": "true"}


def given(
    roles: Mapping[str, Role], *, connectors: int = 1, keys: Mapping[str, str] | None = None
) -> Setup:
    """A station whose configuration says this of cards."""
    folded = {tag.lower(): role for tag, role in roles.items()}
    return replace(setup(connectors=connectors, keys=keys), card_roles=folded)


def saved(
    *rows: CardKept, cached: IdTagInfo | None = None, listed: IdTagInfo | None = None
) -> Saved:
    """A journal with these roles, and what it knows of Alice."""
    key = ALICE.lower()
    return Saved(
        cards=rows,
        cache=() if cached is None else (TagCached(id_tag=key, info=cached, at=at(0)),),
        list_version=1,
        local_list=() if listed is None else (ListedTag(id_tag=key, info=listed),),
    )


def ask(rig: Rig, role: Role | None, id_tag: str | None = ALICE) -> str | None:
    """Somebody at the machine asks; the objection, if there is one."""
    asked = CardAsked(at=rig.instant, role=role, id_tag=id_tag)
    objection = cards.objection(rig.state, asked)
    rig.step(asked)
    return objection


# ── owner ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("is_online", [True, False])
def test_an_owners_card_starts_without_a_question_and_is_told(is_online: bool) -> None:
    """Complaint 36: at home the tap is enough; the session is told with its idTag all the same."""
    rig = Rig(given({ALICE: Role.OWNER}))
    rig = rig.online() if is_online else rig.start()
    rig.plug()
    rig.tap()
    assert not rig.messages(Authorize)
    assert [one.id_tag for one in rig.written(TransactionOpened)] == [ALICE]
    rig.link_up()
    rig.answer_all()
    assert [one.id_tag for one in rig.messages(StartTransaction)] == [ALICE]


@pytest.mark.parametrize("where", ["cached", "listed"])
def test_an_owners_card_does_not_overrule_what_the_central_system_refused(where: str) -> None:
    """3.5.4 MUST: a tag that is known to be bad is refused, whoever it belongs to."""
    known = saved(cached=BLOCKED) if where == "cached" else saved(listed=BLOCKED)
    made = given({ALICE: Role.OWNER}, keys={"LocalAuthListEnabled": "true", **ANYBODY})
    offline = Rig(made, saved=known).start()
    offline.plug()
    offline.tap()
    assert not offline.written(TransactionOpened)
    online = Rig(made, saved=known).online()
    online.plug()
    online.tap()
    assert online.is_waiting(Authorize)
    assert not online.written(TransactionOpened)


def test_an_owners_session_that_the_central_system_refuses_ends_as_any_other() -> None:
    """3.17: the central system has the last word, by StartTransaction.conf."""
    rig = Rig(given({ALICE: Role.OWNER}), serve=True).online()
    rig.tag_info[ALICE] = BAD
    rig.plug()
    rig.tap()
    rig.wait(10)
    assert [one.reason for one in rig.messages(StopTransaction)] == [StopReason.DE_AUTHORIZED]


def test_an_owners_card_takes_no_reserved_connector() -> None:
    """5.13: a reservation is a promise to somebody else."""
    rig = Rig(given({ALICE: Role.OWNER}), serve=True).online()
    rig.tag_info[ALICE] = GOOD
    reserve(rig, tag=BOB)
    rig.plug()
    rig.tap()
    assert not rig.written(TransactionOpened)


def test_a_remote_start_of_an_owners_tag_is_asked_about_like_any_other() -> None:
    """5.11, AuthorizeRemoteTxRequests: the card was not there."""
    rig = Rig(given({ALICE: Role.OWNER}, keys={"AuthorizeRemoteTxRequests": "true"})).online()
    rig.plug()
    rig.call(RemoteStartTransaction(id_tag=ALICE, connector_id=1))
    assert rig.is_waiting(Authorize)


def test_a_guests_card_is_a_card_like_any_other() -> None:
    """Complaint 36: the override for a card that must not start by itself."""
    row = CardKept(id_tag=ALICE.lower(), role=Role.GUEST)
    rig = Rig(given({ALICE: Role.OWNER}), saved=saved(row)).online()
    rig.plug()
    rig.tap()
    assert rig.is_waiting(Authorize)


# ── blocked ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("is_online", [True, False])
@pytest.mark.parametrize("where", ["cached", "listed", "unknown"])
def test_a_blocked_card_is_refused_before_anything_is_asked(where: str, is_online: bool) -> None:
    """Lost cards: the owner's word comes before list, cache and central system."""
    known = saved(
        cached=GOOD if where == "cached" else None, listed=GOOD if where == "listed" else None
    )
    made = given({ALICE: Role.BLOCKED}, keys={"LocalAuthListEnabled": "true", **ANYBODY})
    rig = Rig(made, saved=known, serve=True)
    rig = rig.online() if is_online else rig.start()
    rig.plug()
    rig.tap(ALICE.lower())
    assert lamp(rig.state, 1) is Lamp.REFUSED
    assert not rig.messages(Authorize)
    assert not rig.written(TransactionOpened)


def test_a_card_that_the_configuration_blocks_is_given_no_other_role() -> None:
    """Whoever blocks a card wins, whatever the journal says."""
    row = CardKept(id_tag=ALICE.lower(), role=Role.OWNER)
    rig = Rig(given({ALICE: Role.BLOCKED}), saved=saved(row)).online()
    assert cards.is_blocked(rig.state, ALICE)
    objection = ask(rig, Role.GUEST)
    assert objection is not None
    assert "configuration" in objection
    assert not rig.written(CardKept)


def test_blocking_a_card_ends_its_session_and_frees_the_cable() -> None:
    """Our decision: no energy on a lost card; the one who lost it is not locked in."""
    rig = Rig(setup(lock=True), serve=True).online().charging()
    ask(rig, Role.BLOCKED)
    rig.wait(10)
    stops = rig.messages(StopTransaction)
    assert [(one.reason, one.id_tag) for one in stops] == [(StopReason.OTHER, ALICE)]
    assert rig.socket().locked is False
    rig.tap()
    assert lamp(rig.state, 1) is Lamp.REFUSED


def test_blocking_a_card_takes_its_permit_back() -> None:
    """Tapped, blocked, plugged: nothing starts."""
    rig = Rig(serve=True).online()
    rig.tap()
    assert rig.bay().connector.permit is not None
    ask(rig, Role.BLOCKED)
    assert rig.bay().connector.permit is None
    rig.plug()
    assert not rig.written(TransactionOpened)


def test_a_card_that_is_blocked_while_it_is_asked_about_starts_nothing() -> None:
    """The answer finds another world than the question."""
    rig = Rig().online()
    rig.plug()
    rig.tap()
    ask(rig, Role.BLOCKED)
    rig.answer(Authorize)
    assert not rig.written(TransactionOpened)


def test_a_card_that_is_blocked_while_it_waits_for_any_plug_starts_nothing() -> None:
    """One reader, two connectors: the permit floats."""
    rig = Rig(setup(connectors=2), serve=True).online()
    rig.tap()
    ask(rig, Role.BLOCKED)
    rig.plug(2)
    assert not rig.written(TransactionOpened)


@pytest.mark.parametrize("role", [Role.BLOCKED, Role.INSTALLER])
def test_a_remote_start_on_such_a_card_is_rejected(role: Role) -> None:
    """5.11: what is lost here cannot be used from afar either."""
    rig = Rig(given({ALICE: role}), serve=True).online()
    rig.plug()
    answer = rig.call(RemoteStartTransaction(id_tag=ALICE, connector_id=1))
    assert answer == RemoteStartTransactionConf(status="Rejected")
    assert not rig.written(TransactionOpened)


@pytest.mark.parametrize("role", [Role.BLOCKED, Role.OWNER])
def test_a_session_on_a_card_that_was_blocked_meanwhile_is_not_resumed(role: Role) -> None:
    """Ruling 40: a restart finds the card blocked in the configuration; any other goes on."""
    opened = TransactionOpened(ref=7, connector=1, id_tag=ALICE, begin_wh=1000, at=at(90))
    one = SavedTransaction(opened=opened, transaction_id=4711, id_tag_info=GOOD, last_wh=1000)
    rig = Rig(given({ALICE: role}), saved=Saved(transactions=(one,), last_ref=7), serve=True)
    rig.socket().plugged, rig.socket().pilot = True, Pilot.C
    rig.start()
    rig.wait(30)
    assert bool(of(Raise, rig.log)) is (role is Role.OWNER)
    ended = [row.reason for row in rig.written(TransactionStopping)]
    assert ended == ([] if role is Role.OWNER else [StopReason.OTHER])


# ── admin ────────────────────────────────────────────────────────────────────────────────────────


def test_an_admins_card_ends_the_session_that_has_run_longest() -> None:
    """4.10: the idTag that ended it is told; the central system is not asked."""
    rig = Rig(given({BOB: Role.ADMIN}, connectors=2), serve=True).online()
    rig.charging(2, ALICE)
    rig.wait(20)
    rig.plug(1)
    rig.tap("04C0FFEEC0FFEE")
    asked = len(rig.messages(Authorize))
    rig.tap(BOB)
    rig.wait(10)
    assert [rig.phase(number) for number in (1, 2)] == [Phase.CHARGING, Phase.FINISHING]
    stops = rig.messages(StopTransaction)
    assert [(one.reason, one.id_tag) for one in stops] == [(StopReason.LOCAL, BOB)]
    assert len(rig.messages(Authorize)) == asked


def test_an_admins_own_session_keeps_its_dead_time() -> None:
    """Ruling 11(1): a card that lies on the reader does not end what it began."""
    rig = Rig(given({ALICE: Role.ADMIN}), serve=True).online().charging()
    rig.tap()
    assert rig.phase() is Phase.CHARGING


def test_where_nothing_runs_an_admins_card_is_a_guests() -> None:
    """It gives no right to energy."""
    rig = Rig(given({ALICE: Role.ADMIN})).online()
    rig.plug()
    rig.tap()
    assert rig.is_waiting(Authorize)


def test_safety_09_an_admins_card_has_what_tripped_tried_again() -> None:
    """Safety 9: the reflex is asked at once; what its inputs still show stays."""
    rig = Rig(given({ALICE: Role.ADMIN}), serve=True).online()
    rig.see(1, tripped=frozenset({Trip.RCD}))
    rig.wait(0.5)
    rig.log.clear()
    rig.tap()
    assert of(Rearm, rig.log) == [Rearm(connector=1)]
    assert not rig.messages(Authorize)
    assert rig.bay().seen.tripped == {Trip.RCD}


def test_an_admins_card_stops_what_runs_before_it_looks_after_a_fault() -> None:
    """One tap, one thing."""
    rig = Rig(given({BOB: Role.ADMIN}, connectors=2), serve=True).online()
    rig.charging(2)
    rig.see(1, tripped=frozenset({Trip.RCD}))
    rig.log.clear()
    rig.tap(BOB)
    assert not of(Rearm, rig.log)
    assert rig.phase(2) is not Phase.CHARGING
