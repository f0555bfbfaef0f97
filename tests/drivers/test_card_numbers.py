"""From a card's number to the idTag: one form, and what is no tag."""

from __future__ import annotations

from typing import Any

import pytest

from edge.core.events import TagFlaw, TagPresented, TagUnusable
from edge.drivers.card_numbers import Cards, ReaderSettings, UidForm
from edge.drivers.registry import decode
from edge.drivers.system_clock import SystemClock
from edge.errors import ConfigError

SEVEN = bytes.fromhex("04A2B1C3D4E580")
TEN = bytes.fromhex("04112233445566778899")


def cards(**settings: Any) -> Cards:
    """The cards of reader 2."""
    return Cards(decode(ReaderSettings, settings, "readers.2"), SystemClock(), 2)


def tag(event: TagPresented | TagUnusable) -> str:
    assert isinstance(event, TagPresented)
    return event.id_tag


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({}, "04A2B1C3D4E580"),
        ({"case": "lower"}, "04a2b1c3d4e580"),
        ({"order": "reversed"}, "80E5D4C3B1A204"),
        ({"separator": ":", "most_bytes": 7}, "04:A2:B1:C3:D4:E5:80"),
        (
            {"case": "lower", "order": "reversed", "separator": "-", "most_bytes": 7},
            "80-e5-d4-c3-b1-a2-04",
        ),
    ],
)
def test_a_uid_is_written_in_the_form_that_is_asked_for(form: dict[str, Any], text: str) -> None:
    """Complaints 20: case, byte order and separator differ from one central system to the next."""
    assert tag(cards(uid=form).laid(SEVEN)) == text


@pytest.mark.parametrize("uid", [b"\x00\x01\x02\x03", SEVEN, TEN])
def test_uids_of_4_7_and_10_bytes_fit_into_an_id_tag(uid: bytes) -> None:
    """Ruling 32, CiString20; a leading zero stays."""
    written = UidForm().write(uid)
    assert bytes.fromhex(written) == uid
    assert len(written) <= 20


def test_a_form_in_which_the_longest_uid_does_not_fit_is_refused_with_a_remedy() -> None:
    """29 characters are no idTag; the installer reads what to write instead."""
    with pytest.raises(ConfigError, match=r"29 characters.*leave the separator out, or.*= 7"):
        cards(uid={"separator": ":"})


def test_an_unknown_word_in_the_form_is_refused() -> None:
    """As anywhere in edge.toml."""
    with pytest.raises(ConfigError, match=r"readers\.2"):
        cards(uid={"sepparator": ":"})


def test_a_card_longer_than_allowed_is_told_so() -> None:
    """With most_bytes = 7 a card of 10 has no number here."""
    event = cards(uid={"separator": ":", "most_bytes": 7}, connectors=[1]).laid(TEN)
    assert isinstance(event, TagUnusable)
    assert (event.flaw, event.reader, event.connectors) == (TagFlaw.TOO_LONG, 2, (1,))


def test_a_random_uid_is_refused() -> None:
    """Complaints 21: phones and bank cards show 08 and three bytes that change."""
    event = cards().laid(bytes.fromhex("08123456"))
    assert isinstance(event, TagUnusable)
    assert event.flaw is TagFlaw.CHANGES


def test_random_uids_can_be_allowed() -> None:
    """Where every card is let in."""
    assert tag(cards(random_uids="allow").laid(bytes.fromhex("08123456"))) == "08123456"


@pytest.mark.parametrize("uid", ["18123456", "08123456789ABC", "04081234"])
def test_only_four_bytes_after_08_are_random(uid: str) -> None:
    """ISO 14443-3: longer UIDs last, whatever they begin with."""
    assert tag(cards().laid(bytes.fromhex(uid))) == uid


def test_a_reversed_uid_is_judged_as_the_card_says_it() -> None:
    """The order is how it is written, not what it is."""
    event = cards(uid={"order": "reversed"}).laid(bytes.fromhex("08123456"))
    assert isinstance(event, TagUnusable)


def test_a_number_that_is_text_keeps_its_zeros_and_has_its_bound() -> None:
    """What is printed on the card is the tag."""
    assert tag(cards().numbered("0012345678")) == "0012345678"
    assert isinstance(cards().numbered("1" * 21), TagUnusable)


def test_a_reader_says_which_it_is_and_whom_it_serves() -> None:
    """The core routes by that (ruling 11)."""
    event = cards(connectors=[2, 1]).laid(SEVEN)
    assert (event.reader, event.connectors) == (2, (2, 1))
