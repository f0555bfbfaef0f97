"""How we read the PN532's answer about a card."""

from __future__ import annotations

import pytest

from edge.drivers.pn532.chip import AnswerOdd, uid_in
from edge.sim.pn532 import target

UIDS = [bytes(range(4, 4 + length)) for length in (4, 7, 10)]
ATS = bytes.fromhex("067577810280")  # its length first, itself included


def speaking(uid: bytes) -> bytes:
    """The entry of a card that speaks ISO 14443-4: its own words follow the UID."""
    plain = target(uid)
    return plain[:4] + bytes((0x20,)) + plain[5:] + ATS


@pytest.mark.parametrize("uid", UIDS)
def test_the_uid_is_read_whatever_its_length(uid: bytes) -> None:
    """4, 7 and 10 bytes, with and without an ATS."""
    assert uid_in(target(uid)) == uid
    assert uid_in(speaking(uid)) == uid


def test_no_target_is_no_card() -> None:
    """The library calls it more than one."""
    assert uid_in(b"\x00") is None


@pytest.mark.parametrize("uid", UIDS)
def test_an_answer_that_broke_off_is_no_shorter_card(uid: bytes) -> None:
    """One in 256 of them passes the library's checksum."""
    for whole in (target(uid), speaking(uid)):
        lengths = [length for length in range(len(whole)) if not _is_card(whole[:length])]
        assert lengths == [length for length in range(len(whole)) if whole[:length] != _bare(whole)]


def _is_card(answer: bytes) -> bool:
    try:
        return uid_in(answer) is not None
    except AnswerOdd:
        return False


def _bare(answer: bytes) -> bytes:
    """A whole entry without its ATS, which a chip may be told not to ask for."""
    return answer[: 6 + answer[5]]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        target(UIDS[0]) + b"\x00",
        target(b"\x01\x02\x03\x04\x05"),
        b"\x02" + target(UIDS[0])[1:],
        b"\x01\x02" + target(UIDS[0])[2:],
    ],
)
def test_an_answer_that_is_not_about_one_card_is_odd(answer: bytes) -> None:
    """Too much, a length that no UID has, two cards, another card's number."""
    with pytest.raises(AnswerOdd):
        uid_in(answer)
