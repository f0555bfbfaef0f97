"""The real driver of a reader that types, over a pipe that carries the kernel's events."""

from __future__ import annotations

import asyncio
import errno
import os
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.core.events import DriverFound, DriverLost, Event, Port, TagPresented, TagUnusable
from edge.drivers.keyboard_reader import (
    EVIOCGRAB,
    WITHIN_S,
    KeyboardReader,
    KeyboardSettings,
    Typed,
)
from edge.drivers.linux_files import LinuxFiles
from edge.drivers.registry import choose, decode
from edge.drivers.system_clock import SystemClock
from edge.errors import ConfigError, ReaderSilent
from edge.runtime.supervise import Backoff, Worker, supervise
from tests.drivers.rigs import Inbox, rig, running
from tests.waiting import until

CODES = {
    "1": 2, "2": 3, "3": 4, "4": 5, "5": 6, "6": 7, "7": 8, "8": 9, "9": 10, "0": 11,
    "a": 30, "b": 48, "c": 46, "d": 32, "e": 18, "f": 33, "x": 45, "\n": 28, "\t": 15, "^": 42,
}  # fmt: skip
PADS = {"0": 82, "1": 79, "2": 80, "3": 81, "4": 75, "5": 76, "6": 77, "7": 71, "8": 72, "9": 73}


def event(kind: int, code: int, value: int) -> bytes:
    """Struct input_event of a 64-bit kernel."""
    return struct.pack("<qqHHi", 1_700_000_000, 123_456, kind, code, value)


def stroke(code: int) -> bytes:
    """A key that goes down and up, as the kernel tells it."""
    scan, sync = event(4, 4, 458_752 + code), event(0, 0, 0)
    return scan + event(1, code, 1) + sync + scan + event(1, code, 0) + sync


def typing(text: str, codes: dict[str, int] | None = None) -> bytes:
    return b"".join(stroke({**CODES, **(codes or {})}[each]) for each in text)


class Device(LinuxFiles):
    """A pipe in the place of the device: only grabbing needs a keyboard."""

    def __init__(self) -> None:
        self.grabbed: list[int] = []
        self.refuses = False
        self.says: Callable[[], bytes] | None = None

    def read(self, descriptor: int, count: int) -> bytes:
        return super().read(descriptor, count) if self.says is None else self.says()

    def ioctl(self, descriptor: int, request: int, argument: int | bytes) -> None:
        assert (request, argument) == (EVIOCGRAB, 1)
        if self.refuses:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        self.grabbed.append(descriptor)


class Keyboard:
    """The reader's other end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.device = Device()
        os.mkfifo(path)
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def send(self, data: bytes) -> None:
        os.write(self._fd, data)

    def reader(self, **settings: Any) -> KeyboardReader:
        table = {"device": str(self.path), **settings}
        return KeyboardReader(
            decode(KeyboardSettings, table, "readers.0"), SystemClock(), 0, self.device
        )


@pytest.fixture
def keyboard(tmp_path: Path) -> Keyboard:
    """A reader that types."""
    return Keyboard(tmp_path / "event3")


@asynccontextmanager
async def listening(keyboard: Keyboard, **settings: Any) -> AsyncIterator[Inbox]:
    async with running(keyboard.reader(**settings).run) as inbox:
        await until(lambda: keyboard.device.grabbed)
        yield inbox


async def last_tag(inbox: Inbox, keyboard: Keyboard) -> list[str]:
    """All tags up to a last one, which is typed now."""
    keyboard.send(typing("99\n"))
    await inbox.first(TagPresented, lambda tag: tag.id_tag.endswith("99"))
    return [tag.id_tag for tag in inbox.of(TagPresented)][:-1]


async def test_digits_and_enter_are_a_card(keyboard: Keyboard) -> None:
    """The number as it is typed, its zeros included; the device is grabbed for ourselves."""
    async with listening(keyboard, connectors=[2]) as inbox:
        keyboard.send(typing("0012345678\n"))
        seen = await inbox.first(TagPresented)
        assert (seen.id_tag, seen.reader, seen.connectors) == ("0012345678", 0, (2,))
    assert len(keyboard.device.grabbed) == 1


async def test_the_number_block_types_too(keyboard: Keyboard) -> None:
    """Its own ten keys and its own Enter."""
    async with listening(keyboard) as inbox:
        keyboard.send(typing("0123456789\n", {**PADS, "\n": 96}))
        assert (await inbox.first(TagPresented)).id_tag == "0123456789"


async def test_hex_digits_are_the_bytes_of_a_uid(keyboard: Keyboard) -> None:
    """In the form that is asked for, as from any reader; Shift before a letter says nothing."""
    async with listening(keyboard, digits="hex", uid={"order": "reversed"}) as inbox:
        keyboard.send(typing("04^a2b1c3d4e580\n"))
        assert (await inbox.first(TagPresented)).id_tag == "80E5D4C3B1A204"


async def test_a_decimal_number_can_be_a_uid(keyboard: Keyboard) -> None:
    """The same card at a reader of the other kind is the same tag."""
    async with listening(keyboard, uid_bytes=4) as inbox:
        keyboard.send(typing("3735928559\n"))
        assert (await inbox.first(TagPresented)).id_tag == "DEADBEEF"


async def test_a_phone_at_a_reader_that_types_uids_is_refused(keyboard: Keyboard) -> None:
    """Random is random, whoever reads it."""
    async with listening(keyboard, digits="hex") as inbox:
        keyboard.send(typing("08123456\n"))
        await inbox.first(TagUnusable)
        assert not inbox.of(TagPresented)


@pytest.mark.parametrize("junk", ["12x34\n", "12a34\n", "1" * 21 + "\n", "\n", "\t\n"])
async def test_what_is_no_number_is_no_card(keyboard: Keyboard, junk: str) -> None:
    """Other keys, too many digits, or none; the next number is read from its first digit."""
    async with listening(keyboard) as inbox:
        keyboard.send(typing(junk))
        assert await last_tag(inbox, keyboard) == []


@pytest.mark.parametrize(
    ("settings", "typed"),
    [({"digits": "hex"}, "123\n"), ({"uid_bytes": 4}, "4294967296\n")],
)
async def test_what_is_no_uid_is_no_card(
    keyboard: Keyboard, settings: dict[str, Any], typed: str
) -> None:
    """Half a byte, or a number that four bytes do not hold."""
    async with listening(keyboard, **settings) as inbox:
        keyboard.send(typing(typed) + typing("99999999\n" if settings.get("uid_bytes") else "99\n"))
        await inbox.first(TagPresented)
        assert len(inbox.of(TagPresented)) == 1


async def test_a_number_whose_keys_the_kernel_dropped_is_no_card(keyboard: Keyboard) -> None:
    """SYN_DROPPED: what is missing would make it another card's."""
    async with listening(keyboard) as inbox:
        keyboard.send(typing("12") + event(0, 3, 0) + typing("34\n"))
        assert await last_tag(inbox, keyboard) == []


def test_half_a_number_does_not_stand_before_the_next() -> None:
    """A reader that was interrupted: what is older than a second is forgotten."""
    typed = Typed()
    assert list(typed.take(typing("12"), 100.0)) == []
    assert list(typed.take(typing("34\n"), 100.0 + WITHIN_S)) == ["1234"]
    assert list(typed.take(typing("12"), 200.0)) == []
    assert list(typed.take(typing("34\n"), 201.5)) == ["34"]


async def test_a_key_held_down_is_one_digit(keyboard: Keyboard) -> None:
    """The kernel repeats it with value 2."""
    async with listening(keyboard) as inbox:
        keyboard.send(typing("1") + event(1, 2, 2) * 5 + typing("2\n"))
        assert (await inbox.first(TagPresented)).id_tag == "12"


async def test_a_number_typed_again_and_again_counts_once(keyboard: Keyboard) -> None:
    """Some readers do that while a card lies; another card counts at once."""
    async with listening(keyboard) as inbox:
        keyboard.send(typing("1234\n1234\n1234\n5678\n"))
        assert await last_tag(inbox, keyboard) == ["1234", "5678"]


def _gone() -> bytes:
    raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))


def _ended() -> bytes:
    return b""


@pytest.mark.parametrize("says", [_gone, _ended])
async def test_an_unplugged_reader_is_told_and_heals_when_it_is_back(
    tmp_path: Path, says: Callable[[], bytes]
) -> None:
    """ReaderFailure, and by itself well again: real driver under the real supervisor."""
    path = tmp_path / "event3"
    keyboard = Keyboard(path)
    heard: list[Event] = []
    reader = keyboard.reader()
    worker = Worker(port=Port.READER, connector=0, run=reader.run)
    swift = Backoff(first_s=0.01, most_s=0.02)
    task = asyncio.ensure_future(
        supervise(worker, heard.append, clock=SystemClock(), backoff=swift)
    )
    await until(lambda: keyboard.device.grabbed)
    keyboard.send(typing("1234\n"))
    await until(lambda: any(isinstance(each, TagPresented) for each in heard))
    path.unlink()
    keyboard.device.says = says
    keyboard.send(typing("1"))
    await until(lambda: any(isinstance(each, DriverLost) for each in heard))
    lost = next(each for each in heard if isinstance(each, DriverLost))
    assert "plug it in" in lost.why
    keyboard.device.says = None
    back = Keyboard(path)
    grabbed = len(keyboard.device.grabbed)
    await until(lambda: len(keyboard.device.grabbed) > grabbed)
    back.send(typing("5678\n"))
    await until(lambda: isinstance(heard[-1], TagPresented) and heard[-1].id_tag == "5678")
    assert isinstance(heard[-2], DriverFound)
    task.cancel()


async def test_a_device_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Not plugged in yet, or a name misspelt."""
    table = {"kind": "keyboard", "device": str(tmp_path / "none")}
    async with choose("reader", table, "readers.0").open(rig(), 1) as reader:
        with pytest.raises(ReaderSilent, match=r"card reader 1: .*cannot be opened.*group input"):
            await reader.run(Inbox().post)


async def test_a_device_that_somebody_else_has_is_told(keyboard: Keyboard) -> None:
    """Two readers of one keyboard would each lose cards to the other."""
    keyboard.device.refuses = True
    with pytest.raises(ReaderSilent, match="another program"):
        await keyboard.reader().run(Inbox().post)


async def test_a_file_that_is_no_keyboard_is_told(tmp_path: Path) -> None:
    """The kernel refuses to grab what is no input device."""
    (tmp_path / "text").write_text("hello")
    settings = KeyboardSettings(device=str(tmp_path / "text"))
    with pytest.raises(ReaderSilent, match="cannot be grabbed"):
        await KeyboardReader(settings, SystemClock(), 0, LinuxFiles()).run(Inbox().post)


def test_hex_digits_with_a_number_of_bytes_are_refused() -> None:
    """They tell it themselves; who writes both means something else."""
    with pytest.raises(ConfigError, match="uid_bytes is for digits"):
        decode(KeyboardSettings, {"device": "/dev/x", "digits": "hex", "uid_bytes": 4}, "readers.0")
