"""What we ask of a PN532, through the library, and how we read its answer.

The library's own reading of cards refuses UIDs of 10 bytes, calls no card "more than one", and says
nothing where the chip says nothing. Here the chip is told to give up a look after some tries, so
that it answers "none" by itself: then silence is a fault and never an empty reader.
Source: NXP UM0701-02, 7.2.2 (GetFirmwareVersion), 7.3.1 (RFConfiguration), 7.3.5.
"""

from __future__ import annotations

import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from edge.drivers.pn532.library import BusyError

RF_CONFIGURATION: Final = 0x32
MAX_RETRIES: Final = 0x05
IN_LIST_PASSIVE_TARGET: Final = 0x4A
ISO_14443_A: Final = 0x00
ONE_CARD: Final = 0x01  # asked for two, real chips answer at every second time only
TRIES: Final = 10  # of one look; how long one takes depends on the chip, some milliseconds each
LOOK_S: Final = 1.0  # a look is over well before, with a card at once
ANSWER_S: Final = 0.5
LONGEST: Final = 64  # an answer about one card, the card's own words (ATS) included
UID_BYTES: Final = (4, 7, 10)
HEAD: Final = 6  # bytes before the UID: count, number, ATQA (2), SAK, length of the UID
SPEAKS_ISO_14443_4: Final = 0x20  # in SAK: an ATS follows the UID

FAILURES: Final = (OSError, termios.error, RuntimeError, BusyError, IndexError, ValueError)
"""What library, line and kernel raise; termios.error is no OSError, BusyError nobody's child."""


class AnswerOdd(Exception):
    """No answer, or not one to what was asked; the next may be good."""


class LookUnanswered(AnswerOdd):
    """The chip took the order to look for a card, and no more was heard of it."""


@contextmanager
def oddities() -> Iterator[None]:
    """Turn all that can go wrong on the line into `AnswerOdd`."""
    try:
        yield
    except FAILURES as error:
        raise AnswerOdd(" ".join(str(part) for part in error.args) or repr(error)) from error


class Chip:
    """One PN532 behind *library*, an object of `adafruit_pn532`."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def prepare(self, *, hard: bool) -> None:
        """Wake it, make it a card reader, and see that it answers; *hard*: by its reset line first.

        Raises `AnswerOdd`. Without a reset line hard is soft.
        """
        with oddities():
            if hard:
                self._library.reset()
            else:
                self._library.low_power = True  # has the next command wake and configure it
            self._library.firmware_version  # noqa: B018 - reading it asks the chip
            limited = self._library.call_function(
                RF_CONFIGURATION, params=(MAX_RETRIES, 0xFF, 0x01, TRIES), timeout=ANSWER_S
            )
        if limited is None:
            raise AnswerOdd("no answer to RFConfiguration")

    def look(self) -> bytes | None:
        """The UID of the card in the field, `None` if the chip says that there is none.

        Raises `AnswerOdd`.
        """
        with oddities():
            heard = self._library.send_command(
                IN_LIST_PASSIVE_TARGET, params=(ONE_CARD, ISO_14443_A), timeout=LOOK_S
            )
            if not heard:
                raise AnswerOdd("no acknowledgement")
            answer = self._library.process_response(
                IN_LIST_PASSIVE_TARGET, response_length=LONGEST, timeout=LOOK_S
            )
        if answer is None:
            raise LookUnanswered("no answer to a look for cards")
        return uid_in(bytes(answer))


def uid_in(answer: bytes) -> bytes | None:
    """The UID in *answer* to InListPassiveTarget, `None` for no card; raises `AnswerOdd`.

    The library takes a frame that broke off for a whole one wherever the sum of its first bytes
    happens to be zero: so every length in it must be right, to the byte.
    """
    if answer == b"\x00":
        return None
    if answer[:2] != b"\x01\x01" or len(answer) <= HEAD:
        raise AnswerOdd("not about one card")
    sak, length = answer[4], answer[5]
    uid, rest = answer[HEAD : HEAD + length], answer[HEAD + length :]
    ats = rest[0] if rest and sak & SPEAKS_ISO_14443_4 else 0
    if length not in UID_BYTES or len(uid) != length or len(rest) != ats:
        raise AnswerOdd("a card's entry of the wrong length")
    return uid
