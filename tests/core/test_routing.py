"""Which connector a card means: the seven rules of ruling 11."""

from __future__ import annotations

from edge.core.bay import Phase
from edge.core.commands import RemoteStartTransaction, RemoteStopTransaction
from edge.core.events import TagPresented, Trip
from edge.core.messages import Authorize, StartTransaction, StopTransaction
from edge.core.state import same_group
from edge.core.vocabulary import ConnectorStatus
from tests.core.bench import ALICE, BOB, setup
from tests.core.build import Rig

CAROL = "04C0FFEEC0FFEE"


def two() -> Rig:
    return Rig(setup(connectors=2), serve=True).online()


def phases(rig: Rig) -> list[Phase]:
    return [rig.phase(number) for number in rig.state.connectors]


def test_the_same_card_within_the_dead_time_is_no_stop() -> None:
    """Ruling 11(1): ten seconds from start to stop."""
    rig = two().charging(1)
    rig.wait(9.9)
    rig.tap()
    assert rig.phase(1) is Phase.CHARGING
    rig.wait(0.1)
    rig.tap()
    assert rig.phase(1) is Phase.FINISHING


def test_of_two_sessions_of_one_card_the_elder_stops() -> None:
    """Ruling 11(1)."""
    rig = two()
    rig.plug(2)
    rig.call(RemoteStartTransaction(id_tag=ALICE, connector_id=2))
    rig.wait(30)
    rig.plug(1)
    rig.call(RemoteStartTransaction(id_tag=ALICE, connector_id=1))
    rig.wait(30)
    rig.tap(ALICE)
    assert phases(rig) == [Phase.CHARGING, Phase.FINISHING]


def test_a_second_presentation_gives_the_permit_back() -> None:
    """Ruling 11(2), B1: one connector."""
    rig = Rig(serve=True).online()
    rig.tap()
    rig.tap()
    assert rig.told() == [ConnectorStatus.PREPARING, ConnectorStatus.AVAILABLE]
    rig.plug()
    assert not rig.messages(StartTransaction)


def test_a_second_presentation_gives_back_a_permit_for_any_connector() -> None:
    """Ruling 11(2)."""
    rig = two()
    rig.tap()
    assert rig.told(1) == rig.told(2) == []
    rig.tap()
    rig.plug(1)
    assert not rig.messages(StartTransaction)


def test_the_one_that_is_plugged_is_meant() -> None:
    """Ruling 11(4)."""
    rig = two()
    rig.plug(2)
    rig.tap()
    assert phases(rig) == [Phase.IDLE, Phase.CHARGING]


def test_of_several_plugged_the_last_is_meant() -> None:
    """Ruling 11(5)."""
    rig = two()
    rig.plug(2)
    rig.wait(3)
    rig.plug(1)
    rig.tap()
    assert phases(rig) == [Phase.CHARGING, Phase.PREPARING]


def test_with_none_plugged_the_first_plug_gets_the_permit() -> None:
    """Ruling 11(6): Preparing only on plug."""
    rig = two()
    rig.tap()
    rig.wait(10)
    rig.plug(2)
    assert phases(rig) == [Phase.IDLE, Phase.CHARGING]
    rig.plug(1)
    assert len(rig.messages(StartTransaction)) == 1


def test_a_permit_for_any_connector_runs_out() -> None:
    """Ruling 11(6), ConnectionTimeOut."""
    rig = two()
    rig.tap()
    rig.wait(60)
    rig.plug(2)
    assert not rig.messages(StartTransaction)


def test_while_a_permit_waits_for_its_plug_other_cards_are_refused() -> None:
    """Ruling 11(6): reader busy."""
    rig = two()
    rig.tap(ALICE)
    rig.tap(BOB)
    rig.plug(1)
    assert [one.id_tag for one in rig.messages(StartTransaction)] == [ALICE]
    assert [one.id_tag for one in rig.messages(Authorize)] == [ALICE]


def test_a_permit_of_one_reader_does_not_stop_another() -> None:
    """Each reader serves its own connectors."""
    rig = Rig(setup(connectors=2, readers=((1,), (2,))), serve=True).online()
    rig.tap(ALICE, reader=0)
    rig.tap(BOB, reader=1)
    assert phases(rig) == [Phase.PREPARING, Phase.PREPARING]


def test_a_reader_may_name_its_connectors_itself() -> None:
    """An event's own list wins; unknown connectors are left out."""
    rig = two()
    tag = TagPresented(at=rig.instant, id_tag=ALICE, reader=5, connectors=(2, 9))
    rig.step(tag)
    assert phases(rig) == [Phase.IDLE, Phase.PREPARING]


def test_a_finished_car_starts_again_by_its_own_card_after_the_dead_time() -> None:
    """Ruling 11(7), F2."""
    rig = two().charging(1)
    rig.wait(20)
    rig.tap(ALICE)
    rig.tap(ALICE)
    assert rig.phase(1) is Phase.FINISHING
    rig.wait(5)
    rig.tap(ALICE)
    assert rig.phase(1) is Phase.CHARGING


def test_a_strangers_card_does_not_start_on_a_finished_car_of_a_shared_reader() -> None:
    """Ruling 11(7): it goes to the free connector."""
    rig = two().charging(1)
    rig.wait(20)
    rig.tap(ALICE)
    rig.wait(20)
    rig.tap(BOB)
    assert phases(rig) == [Phase.FINISHING, Phase.PREPARING]


def test_a_strangers_card_may_start_on_the_single_connector() -> None:
    """Ruling 11(7): only if K is that connector."""
    rig = Rig(serve=True).online().charging()
    rig.wait(20)
    rig.tap(ALICE)
    rig.wait(20)
    rig.tap(BOB)
    assert rig.phase() is Phase.CHARGING
    assert rig.messages(StartTransaction)[-1].id_tag == BOB


def test_nobody_starts_on_a_forgotten_cable_of_a_shared_reader() -> None:
    """Ruling 10: Finishing by time-out has no owner."""
    rig = two()
    rig.plug(1)
    rig.wait(60)
    rig.tap(ALICE)
    assert phases(rig) == [Phase.FINISHING, Phase.PREPARING]


def test_a_card_while_opening_or_stopping_is_ignored() -> None:
    """Ruling 11: the lamp says wait."""
    rig = Rig(serve=True).online().charging()
    rig.socket().stubborn = True
    rig.wait(20)
    rig.call(RemoteStopTransaction(transaction_id=4711))
    before = len(rig.messages(Authorize))
    rig.tap(ALICE)
    rig.tap(BOB)
    assert len(rig.messages(Authorize)) == before
    assert rig.state.station.refusals == {}


def test_a_card_at_a_faulted_connector_is_refused() -> None:
    """Ruling 11, TC_041."""
    rig = Rig(serve=True).online()
    rig.trip(Trip.RCD)
    rig.plug()
    rig.tap()
    assert not rig.messages(Authorize)
    assert rig.state.station.refusals


def test_a_finished_connector_that_is_faulted_is_passed_over() -> None:
    """Ruling 11: Faulted refuses."""
    rig = Rig(serve=True).online().charging()
    rig.wait(20)
    rig.tap()
    rig.trip(Trip.RCD)
    rig.wait(20)
    rig.tap()
    assert len(rig.messages(StopTransaction)) == 1
    assert rig.phase() is Phase.FINISHING


def test_a_remote_start_on_a_faulted_connector_is_not_taken_over_by_a_card() -> None:
    """Ruling 24 ends where TC_041 begins."""
    rig = Rig(serve=True).online()
    rig.call(RemoteStartTransaction(id_tag="REMOTE", connector_id=1))
    rig.trip(Trip.RCD)
    rig.tap(ALICE)
    assert not rig.messages(Authorize)


def test_groups_are_the_same_only_if_both_are_known() -> None:
    """3.10, ruling 23: compared without case."""
    assert same_group("Fleet", "FLEET")
    assert not same_group(None, None)
    assert not same_group("Fleet", None)
    assert not same_group("Fleet", CAROL)


def test_a_permit_on_the_last_free_connector_is_its_owners_only() -> None:
    """Ruling 11(6): reader busy; (2): the owner may give it back."""
    rig = two().charging(2, CAROL)
    rig.tap(ALICE)
    assert rig.phase(1) is Phase.PREPARING
    rig.tap(BOB)
    assert [one.id_tag for one in rig.messages(Authorize)] == [CAROL, ALICE]
    rig.tap(ALICE)
    assert rig.phase(1) is Phase.IDLE
