"""The installer's card opens a window of ten minutes, in which roles may change."""

from __future__ import annotations

from edge.core import cards
from edge.core.card_roles import CardForgotten, CardKept, Role
from edge.core.effects import Cut, Lamp
from edge.core.events import Trip
from edge.core.levels import lamp
from edge.core.messages import Authorize
from edge.core.records import TransactionOpened
from edge.core.security_log import SecurityEventLogged
from edge.core.vocabulary import SecurityEvent
from tests.core.bench import ALICE, BOB, of
from tests.core.build import Rig
from tests.core.test_cards import ANYBODY, ask, given, saved

INSTALLER = "04DDDDDDDDDD80"


def noticed(rig: Rig) -> list[str | None]:
    """What the security log says of cards."""
    kind = SecurityEvent.RECONFIGURATION_OF_SECURITY_PARAMETERS
    return [line.info for line in rig.written(SecurityEventLogged) if line.event is kind]


def is_open(rig: Rig) -> bool:
    """Whether the set-up window is."""
    return rig.state.station.cards.opened_at is not None


def window(**roles: Role) -> Rig:
    """A station with an installer's card, and the window open."""
    rig = Rig(given({INSTALLER: Role.INSTALLER, **roles}), serve=True).online()
    rig.tap(INSTALLER)
    return rig


def test_an_installers_card_opens_the_window_and_starts_nothing() -> None:
    """Firsts 17: shown by the lamp, kept in the security log, nobody is asked."""
    rig = Rig(given({INSTALLER: Role.INSTALLER}, keys=ANYBODY), serve=True).online()
    rig.plug()
    rig.tap(INSTALLER)
    assert rig.state.station.cards.opened_at == rig.now
    assert lamp(rig.state, 1) is Lamp.SETUP
    assert not rig.messages(Authorize)
    assert not rig.written(TransactionOpened)
    assert noticed(rig) == ["set-up window opened by card …DD80"]


def test_the_window_closes_after_ten_minutes() -> None:
    """By time."""
    rig = window()
    rig.wait(cards.WINDOW_S - 0.1)
    assert is_open(rig)
    rig.wait(0.2)
    assert not is_open(rig)
    assert lamp(rig.state, 1) is Lamp.AVAILABLE
    assert noticed(rig)[-1] == "set-up window closed"


def test_the_window_closes_by_a_second_tap_but_not_by_a_long_one() -> None:
    """Complaint 19: a card that lies there does not undo what it did."""
    rig = window()
    rig.wait(9.9)
    rig.tap(INSTALLER)
    assert is_open(rig)
    rig.wait(0.2)
    rig.tap(INSTALLER)
    assert not is_open(rig)


def test_the_window_hides_no_fault_and_no_session() -> None:
    """The lamp says first what concerns a driver's safety, and his session."""
    rig = Rig(given({INSTALLER: Role.INSTALLER}, connectors=2), serve=True).online()
    rig.charging(2)
    rig.see(1, tripped=frozenset({Trip.RCD}))
    rig.tap(INSTALLER)
    assert lamp(rig.state, 1) is Lamp.FAULTED
    assert lamp(rig.state, 2) is Lamp.CHARGING
    assert not of(Cut, rig.last)


def test_while_the_window_is_closed_roles_do_not_change_but_cards_are_blocked() -> None:
    """A stolen login gives nobody a card; a lost card cannot wait for the installer."""
    rig = Rig(given({INSTALLER: Role.INSTALLER}), serve=True).online()
    assert "set-up window" in (ask(rig, Role.OWNER) or "")
    assert "set-up window" in (ask(rig, Role.OWNER, None) or "")
    assert ask(rig, Role.BLOCKED) is None
    assert "set-up window" in (ask(rig, None) or "")
    assert rig.written(CardKept) == [CardKept(id_tag=ALICE.lower(), role=Role.BLOCKED)]


def test_in_the_window_roles_come_and_go() -> None:
    """Each change is a row, and a line of the security log."""
    rig = window()
    assert ask(rig, Role.OWNER) is None
    assert ask(rig, Role.OWNER) is None
    assert ask(rig, None) is None
    assert rig.written(CardKept) == [CardKept(id_tag=ALICE.lower(), role=Role.OWNER)]
    assert rig.written(CardForgotten) == [CardForgotten(id_tag=ALICE.lower())]
    assert noticed(rig)[1:] == ["card …E580: owner", "card …E580: no role any more"]
    assert cards.role(rig.state, ALICE) is None


def test_a_station_without_an_installers_card_needs_no_window() -> None:
    """The first card comes from somewhere; but a tap is learnt only where somebody stands."""
    rig = Rig(serve=True).online()
    assert ask(rig, Role.INSTALLER) is None
    assert "set-up window" in (ask(rig, Role.OWNER, BOB) or "")
    bare = Rig(serve=True).online()
    assert "set-up window" in (ask(bare, Role.OWNER, None) or "")


def test_the_next_card_is_learnt_and_starts_nothing_by_that_tap() -> None:
    """Firsts 17: `cards add --next-tap`."""
    rig = window()
    rig.plug()
    assert ask(rig, Role.OWNER, None) is None
    rig.tap(BOB)
    assert rig.written(CardKept) == [CardKept(id_tag=BOB.lower(), role=Role.OWNER)]
    assert not rig.written(TransactionOpened)
    learning = rig.state.station.cards.learning
    assert learning is not None
    assert learning.id_tag == BOB
    rig.tap(BOB)
    assert rig.written(TransactionOpened)


def test_a_card_that_does_not_come_in_time_is_not_learnt() -> None:
    """Who passes by a minute later becomes nobody's owner."""
    rig = window()
    ask(rig, Role.OWNER, None)
    rig.wait(cards.LEARN_WITHIN_S)
    assert rig.state.station.cards.learning is None
    rig.tap(BOB)
    assert not rig.written(CardKept)


def test_a_blocked_card_is_not_learnt_and_the_installers_ends_it() -> None:
    """Neither a lost card nor the installer's own is what was meant."""
    rig = window(**{BOB: Role.BLOCKED})
    ask(rig, Role.OWNER, None)
    rig.tap(BOB)
    rig.wait(11)
    rig.tap(INSTALLER)
    rig.tap(ALICE)
    assert not rig.written(CardKept)
    assert rig.state.station.cards.learning is None


def test_what_nobody_gave_cannot_be_taken_away() -> None:
    """The objection says where to look instead."""
    rig = Rig(given({ALICE: Role.OWNER})).online()
    assert "configuration" in (ask(rig, None) or "")
    assert "nobody gave" in (ask(rig, None, BOB) or "")


def test_no_more_cards_than_the_journal_is_made_for() -> None:
    """Limits: a table that grows by taps has an end."""
    rows = [CardKept(id_tag=f"tag{n}", role=Role.GUEST) for n in range(cards.MOST_CARDS)]
    rig = Rig(given({INSTALLER: Role.INSTALLER}), saved=saved(*rows)).online()
    rig.tap(INSTALLER)
    assert "already" in (ask(rig, Role.OWNER) or "")
    assert "already" in (ask(rig, Role.OWNER, None) or "")
    assert ask(rig, Role.OWNER, "TAG1") is None


def test_a_restart_knows_the_roles_and_finds_the_window_closed() -> None:
    """What was given is a row; an open window is not."""
    row = CardKept(id_tag=ALICE.lower(), role=Role.INSTALLER)
    rig = Rig(saved=saved(row)).online()
    assert cards.role(rig.state, ALICE) is Role.INSTALLER
    assert not is_open(rig)
