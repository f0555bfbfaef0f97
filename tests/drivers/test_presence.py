"""A card counts once it was seen twice, and again once it was away."""

from __future__ import annotations

from edge.drivers.pn532.presence import AWAY_S, UNANSWERED_TILL_AWAY, Presence

ALICE, BOB = b"\x04\xa2\xb1\xc3", b"\xde\xad\xbe\xef"


class Looks:
    """A presence and its time: a look each 30 ms."""

    def __init__(self) -> None:
        self.presence = Presence()
        self.now = 0.0
        self.counted: list[bytes] = []

    def see(self, *found: bytes | None) -> Looks:
        """One look for each of *found*, `None` for no card."""
        for uid in found:
            self.now += 0.03
            if uid is None:
                self.presence.found_none(self.now)
            elif self.presence.found(uid, self.now):
                self.counted.append(uid)
        return self

    def away(self) -> Looks:
        """No card for as long as it takes."""
        return self.see(*[None] * (int(AWAY_S / 0.03) + 2))


def test_a_card_counts_at_the_second_look_and_then_no_more() -> None:
    """However long it lies."""
    assert Looks().see(ALICE).counted == []
    assert Looks().see(*[ALICE] * 50).counted == [ALICE]


def test_what_was_seen_once_only_does_not_count() -> None:
    """A garbled frame may pass its one checksum byte, but not twice the same."""
    looks = Looks().see(ALICE, ALICE, BOB, ALICE, ALICE)
    assert looks.counted == [ALICE]


def test_a_card_counts_again_after_it_was_away() -> None:
    """The same card stops what it started."""
    assert Looks().see(ALICE, ALICE).away().see(ALICE, ALICE).counted == [ALICE, ALICE]


def test_a_card_missed_at_every_second_look_counts_once() -> None:
    """Adafruit-PN532#52: some readers see 7-byte cards so."""
    assert Looks().see(*[ALICE, None] * 20).counted == [ALICE]


def test_a_card_that_is_tilted_for_a_moment_has_not_left() -> None:
    """A few empty looks in a row are quicker than any hand."""
    assert Looks().see(ALICE, ALICE, None, None, None, ALICE, ALICE).counted == [ALICE]


def test_one_empty_look_after_a_long_silence_is_not_away() -> None:
    """The line was dead, not the card gone: one look may miss it."""
    looks = Looks().see(ALICE, ALICE)
    looks.now += 60
    assert looks.see(None, ALICE, ALICE).counted == [ALICE]


def test_another_card_counts_without_the_first_being_away() -> None:
    """Nobody waits for an empty reader."""
    assert Looks().see(ALICE, ALICE, BOB, BOB).counted == [ALICE, BOB]


def test_two_cards_found_in_turns_count_neither() -> None:
    """Which one is meant is the driver's to say: by showing one."""
    assert Looks().see(*[ALICE, BOB] * 20).counted == []


def test_a_candidate_that_leaves_begins_anew() -> None:
    """Two glimpses with nothing between them are two glimpses."""
    assert Looks().see(ALICE).away().see(ALICE).counted == []


def test_many_looks_without_any_answer_are_a_card_that_left() -> None:
    """A chip that heeds no limit says none by saying nothing."""
    looks = Looks().see(ALICE, ALICE)
    for _ in range(UNANSWERED_TILL_AWAY):
        looks.presence.unanswered()
    assert looks.see(ALICE, ALICE).counted == [ALICE, ALICE]


def test_a_few_lost_answers_are_not() -> None:
    """Between them the line works: the card is seen, or not."""
    looks = Looks().see(ALICE, ALICE)
    for _ in range(10):
        for _ in range(UNANSWERED_TILL_AWAY - 1):
            looks.presence.unanswered()
        looks.see(ALICE)
    assert looks.counted == [ALICE]
