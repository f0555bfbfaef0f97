"""A card reader that types: a USB keyboard which types a card's number and presses Enter.

The device is grabbed, so that nothing it types reaches a console. A key is its place on an American
keyboard, as these readers press them; what is no digit spoils the number, and one that stands for
a second without its end is forgotten: half a number must not stand before the next one.
Such a reader cannot tell that a card is still there; one that types it again and again while it
lies counts once.
Source: linux/input.h, linux/input-event-codes.h.

Quality: real driver over a pipe that carries the kernel's events; not yet on the bench.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final, Literal

import structlog

from edge.drivers.card_numbers import MOST_CHARACTERS, Cards, ReaderSettings
from edge.drivers.linux_files import Files, LinuxFiles
from edge.drivers.registry import Rig
from edge.errors import ReaderSilent
from edge.ports import Clock, Post

EVIOCGRAB: Final = 0x40044590
INPUT_EVENT: Final = struct.Struct("@llHHi")  # struct input_event: time, type, code, value
EVENTS_AT_ONCE: Final = 64
EV_SYN: Final = 0x00
EV_KEY: Final = 0x01
SYN_DROPPED: Final = 3
PRESSED: Final = 1

KEYS: Final = {
    **dict(zip(range(2, 12), "1234567890", strict=True)),
    **dict(zip((82, 79, 80, 81, 75, 76, 77, 71, 72, 73), "0123456789", strict=True)),
    **dict(zip((30, 48, 46, 32, 18, 33), "ABCDEF", strict=True)),
}
ENTER: Final = (28, 96)
SILENT_KEYS: Final = (15, 42, 54, 58, 69)  # Tab, both Shifts, Caps Lock, Num Lock: say nothing

WITHIN_S: Final = 1.0  # readers type a number in a tenth of it
AGAIN_AFTER_S: Final = 2.0  # the same number sooner: the card has not left

log = structlog.get_logger()


class KeyboardSettings(ReaderSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[readers.N]` with `kind = "keyboard"`: the device, and what it types.

    `device` is best a name of `/dev/input/by-id`, which stays when it is plugged elsewhere.
    `digits = "hex"` are the bytes of a UID. A decimal number is the idTag as it is typed, or, with
    `uid_bytes`, a UID of so many bytes.
    """

    device: str
    digits: Literal["decimal", "hex"] = "decimal"
    uid_bytes: Literal[4, 7, 10] | None = None

    def __post_init__(self) -> None:
        if self.digits == "hex" and self.uid_bytes is not None:
            raise ValueError('uid_bytes is for digits = "decimal": hex digits tell their number')


@asynccontextmanager
async def open_reader(
    settings: KeyboardSettings, rig: Rig, place: int
) -> AsyncIterator[KeyboardReader]:
    """Open reader number *place*; its device is opened when it runs."""
    yield KeyboardReader(settings, rig.clock, place, LinuxFiles())


class KeyboardReader:
    """Implements `edge.ports.CardReader`."""

    def __init__(self, settings: KeyboardSettings, clock: Clock, number: int, files: Files) -> None:
        self._settings = settings
        self._clock = clock
        self._number = number
        self._files = files
        self._cards = Cards(settings, clock, number)
        self._last = ""
        self._last_at = 0.0

    async def run(self, post: Post) -> None:
        """Listen until cancelled; raises `ReaderSilent`."""
        device = self._settings.device
        try:
            file = self._files.open(device)
        except OSError as error:
            raise self._silence(f"{device} cannot be opened ({error}): {PLUG_OR_RIGHTS}") from error
        try:
            self._grab(file)
            log.info("reader_opened", reader=self._number, port=device)
            await self._listen(file, post)
        finally:
            self._files.close(file)

    def _grab(self, file: int) -> None:
        try:
            self._files.ioctl(file, EVIOCGRAB, 1)
        except OSError as error:
            raise self._silence(
                f"{self._settings.device} cannot be grabbed ({error}): is another program reading "
                "it, and is it a keyboard?"
            ) from error

    async def _listen(self, file: int, post: Post) -> None:
        loop = asyncio.get_running_loop()
        news = asyncio.Event()
        typed = Typed()
        loop.add_reader(file, news.set)
        try:
            while True:
                await news.wait()
                news.clear()
                for number in typed.take(self._read(file), self._clock.now().monotonic):
                    self._lay(number, post)
        finally:
            loop.remove_reader(file)

    def _read(self, file: int) -> bytes:
        try:
            data = self._files.read(file, EVENTS_AT_ONCE * INPUT_EVENT.size)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._silence(f"{self._settings.device} is gone ({error}): plug it in") from error
        if not data:
            raise self._silence(f"{self._settings.device} is gone: plug it in")
        return data

    def _lay(self, number: str, post: Post) -> None:
        now, before, before_at = self._clock.now().monotonic, self._last, self._last_at
        self._last, self._last_at = number, now
        if number == before and now - before_at < AGAIN_AFTER_S:
            return
        settings = self._settings
        is_number = settings.digits == "hex" or number.isdecimal()
        if is_number and settings.digits == "decimal" and settings.uid_bytes is None:
            post(self._cards.numbered(number))
            return
        uid = _uid(number, settings) if is_number else None
        if uid is None:
            log.warning("tag_misread", reader=self._number, digits=len(number))
        else:
            post(self._cards.laid(uid))

    def _silence(self, why: str) -> ReaderSilent:
        return ReaderSilent(f"card reader {self._number}: {why}")


PLUG_OR_RIGHTS: Final = "check its plug, and that we may read it (group input)"


def _uid(number: str, settings: KeyboardSettings) -> bytes | None:
    """The UID that *number* stands for, if it can be one."""
    try:
        if settings.uid_bytes is None:
            return bytes.fromhex(number)
        return int(number).to_bytes(settings.uid_bytes, "big")
    except (ValueError, OverflowError):
        return None


class Typed:
    """Makes numbers of the kernel's events."""

    def __init__(self) -> None:
        self._digits = ""
        self._is_spoilt = False
        self._at = 0.0

    def take(self, data: bytes, now: float) -> Iterator[str]:
        """Add what was read *now*, whole events; yields each number that Enter has ended."""
        if now - self._at > WITHIN_S:
            self._begin()
        self._at = now
        for _, _, kind, code, value in INPUT_EVENT.iter_unpack(data):
            if (kind, code) == (EV_SYN, SYN_DROPPED):
                self._is_spoilt = True  # the kernel had no room for some of its keys
            elif (kind, value) != (EV_KEY, PRESSED):
                continue
            elif code in ENTER:
                if self._digits and not self._is_spoilt:
                    yield self._digits
                self._begin()
            else:
                self._press(code)

    def _begin(self) -> None:
        self._digits, self._is_spoilt = "", False

    def _press(self, code: int) -> None:
        if code in SILENT_KEYS:
            return
        self._digits += KEYS.get(code, "")
        if code not in KEYS or len(self._digits) > MOST_CHARACTERS:
            self._is_spoilt = True
            self._digits = ""
