"""What keeps station and central system apart has a name, an owner, a remedy, and an end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.core import board, trouble, why
from edge.core.events import DialRefused
from edge.core.messages import BootNotification, Heartbeat, NoAnswer
from edge.core.reason_words import Owner
from edge.core.vocabulary import RegistrationStatus, Trouble
from tests.core.bench import setup
from tests.core.build import Rig, booted

BOOKS = Path(__file__).parents[2] / "hmi/words"


def refused(rig: Rig, what: Trouble) -> None:
    rig.step(DialRefused(at=rig.instant, trouble=what, why=f"{what} at x"))


def said(rig: Rig) -> str | None:
    cause = why.line(rig.state)
    return None if cause is None else cause.what


@pytest.mark.parametrize("what", Trouble)
def test_every_trouble_has_words_that_fit_the_page(what: Trouble) -> None:
    """The page's document and StatusNotification.info have 50 letters."""
    words = trouble.WORDS[what]
    assert 0 < len(words.what) <= 50
    assert words.remedy.endswith(".")


@pytest.mark.parametrize("book", sorted(BOOKS.glob("*.json")), ids=lambda path: path.stem)
def test_what_somebody_on_the_spot_can_mend_is_told_in_each_language(book: Path) -> None:
    """All else is for whoever runs the central system, and read out to him as it is."""
    said = json.loads(book.read_text("utf-8"))
    told = (*trouble.WORDS.values(), trouble.CLOCK, trouble.DIALLED)
    ours = {words.what for words in told if words.owner in {Owner.SITE, Owner.STATION}}
    assert {what for what in ours if f"info.{what}" not in said} == set()


def test_a_trouble_is_told_with_its_age_and_ends_with_the_line() -> None:
    """It lasts from its first dial on, another one begins anew, and a line ends them all."""
    rig = Rig(setup()).start()
    assert said(rig) == trouble.DIALLED.what
    refused(rig, Trouble.UNAUTHORISED)
    began = rig.now
    rig.wait(3600)
    refused(rig, Trouble.UNAUTHORISED)
    cause = why.line(rig.state)
    assert cause is not None
    assert (cause.since, cause.owner) == (began, Owner.CENTRAL_SYSTEM)
    refused(rig, Trouble.NAME)
    assert rig.state.station.line.since == rig.now
    rig.link_up()
    assert said(rig) == trouble.INTRODUCED.what
    rig.answer(BootNotification)
    assert said(rig) is None
    assert rig.state.station.line.trouble is None
    rig.link_down()
    assert said(rig) == trouble.WORDS[Trouble.LOST].what


@pytest.mark.parametrize("status", [RegistrationStatus.PENDING, RegistrationStatus.REJECTED])
def test_a_station_that_is_not_accepted_is_told_so(status: RegistrationStatus) -> None:
    """An open line is not yet a station that may charge."""
    rig = Rig(setup()).start()
    rig.link_up()
    rig.answer(BootNotification, booted(rig.instant.wall, status, 20))
    assert said(rig) == trouble.REGISTRATION[status].what
    rig.wait(20)
    if rig.is_waiting(BootNotification):
        rig.answer(BootNotification)
    assert said(rig) is None


def test_a_boot_without_an_answer_is_told_so() -> None:
    """The far end takes the connection and says nothing."""
    rig = Rig(setup()).start()
    rig.link_up()
    rig.answer(BootNotification, NoAnswer(timed_out=True))
    assert said(rig) == trouble.INTRODUCED.what


@pytest.mark.parametrize("what", [Trouble.CERTIFICATE_OVER, Trouble.CERTIFICATE_EARLY])
def test_a_certificate_out_of_its_time_blames_a_clock_that_nobody_keeps(what: Trouble) -> None:
    """Complaint 33: with a sure clock it is the far end's, without one it is ours."""
    for trusted in (True, False):
        rig = Rig(setup(), trusted=trusted).start()
        refused(rig, what)
        assert (said(rig) == trouble.CLOCK.what) is not trusted
        refused(rig, Trouble.CERTIFICATE)
        assert said(rig) == trouble.WORDS[Trouble.CERTIFICATE].what


def test_the_page_is_told_too() -> None:
    """`offline` of the document, and nothing while they talk."""
    rig = Rig(setup(), serve=True).online()

    def offline() -> object:
        made = board.document(rig.state, rig.instant, station_id="S", sequence=1)
        return made["station"]["offline"]

    assert offline() is None
    rig.link_down()
    refused(rig, Trouble.PORTAL)
    assert offline() == "a web page answers, not the central system"
    assert not rig.is_waiting(Heartbeat)
