"""Machine `refusals`: the lamp says no for a moment, and so does the page."""

from __future__ import annotations

from typing import Any

import pytest

from edge.core import levels
from edge.core.board import document
from edge.core.deadlines import next_deadline
from edge.core.effects import Lamp, Show
from edge.core.events import TagFlaw, TagUnusable, Trip
from edge.core.messages import Authorize, StatusNotification
from edge.core.refusals import REFUSED_FOR_S
from tests.core.bench import ALICE, setup
from tests.core.build import Rig


def lay(rig: Rig, flaw: TagFlaw = TagFlaw.CHANGES, *connectors: int) -> None:
    """Lay a card on the reader whose number is nobody's."""
    rig.step(TagUnusable(at=rig.instant, flaw=flaw, connectors=connectors))


def board(rig: Rig) -> list[Any]:
    """What the page says of each connector in words."""
    shown = document(rig.state, rig.instant, station_id="T", sequence=1)
    return [connector["info"] for connector in shown["connectors"]]


@pytest.mark.parametrize(
    ("flaw", "word"),
    [
        (TagFlaw.CHANGES, "this card changes its number: use another one"),
        (TagFlaw.TOO_LONG, "this card's number is too long: use another one"),
    ],
)
def test_a_card_without_a_lasting_number_is_refused_with_a_word(flaw: TagFlaw, word: str) -> None:
    """Complaints 21: lamp and page say it for a moment; nobody is asked, nothing begins."""
    rig = Rig(serve=True).online()
    rig.plug()
    lay(rig, flaw)
    assert levels.lamp(rig.state, 1) is Lamp.REFUSED
    assert board(rig) == [word]
    assert len(word) <= 50
    rig.wait(REFUSED_FOR_S)
    assert levels.lamp(rig.state, 1) is Lamp.READY
    assert board(rig) == [None]
    assert not rig.messages(Authorize)
    assert rig.state.bay(1).transaction is None


def test_a_card_that_may_not_start_is_told_so_on_the_screen() -> None:
    """Lamp and page say no for the same moment."""
    rig = Rig()
    rig.plug()
    rig.tap()
    assert levels.lamp(rig.state, 1) is Lamp.REFUSED
    assert board(rig) == ["the card is not accepted"]
    rig.wait(REFUSED_FOR_S)
    assert board(rig) == [None]


def test_the_refusal_ends_by_itself() -> None:
    """The lamp goes back without anybody's doing."""
    rig = Rig(serve=True).online()
    lay(rig)
    assert next_deadline(rig.state) is not None
    assert next_deadline(rig.state) == rig.now + REFUSED_FOR_S
    effects = rig.step(TagUnusable(at=rig.instant, flaw=TagFlaw.CHANGES))
    assert not [each for each in effects if isinstance(each, Show)], "the lamp says no already"


def test_only_the_connectors_of_the_reader_are_told() -> None:
    """The driver at the other connector has nothing to do with it."""
    rig = Rig(setup(connectors=2), serve=True).online()
    lay(rig, TagFlaw.CHANGES, 2)
    assert board(rig) == [None, "this card changes its number: use another one"]


def test_the_central_system_is_not_told_of_a_refused_card() -> None:
    """The word is for who stands there; StatusNotification stays as it was."""
    rig = Rig(serve=True).online()
    told = len(rig.messages(StatusNotification))
    lay(rig)
    rig.wait(REFUSED_FOR_S)
    assert len(rig.messages(StatusNotification)) == told


def test_a_fault_says_more_than_a_refused_card() -> None:
    """What is broken here comes before what is wrong with the card."""
    rig = Rig(serve=True).online()
    rig.trip(Trip.RCD)
    lay(rig)
    assert board(rig) == ["residual current device"]


def test_while_a_card_is_asked_about_another_is_not_looked_at() -> None:
    """The reader is busy, whatever the number."""
    rig = Rig().online()
    rig.plug()
    rig.tap(ALICE)
    lay(rig)
    assert rig.state.station.refusals == {}
    assert levels.lamp(rig.state, 1) is Lamp.WAITING


def test_a_session_goes_on_when_such_a_card_is_laid() -> None:
    """Complaints 22: a foreign card confuses nobody's session."""
    rig = Rig(serve=True).online().charging()
    lay(rig)
    assert rig.state.bay(1).transaction is not None
    assert levels.lamp(rig.state, 1) is Lamp.REFUSED
