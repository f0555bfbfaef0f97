"""The real PN532 driver over a pty against the simulated chip."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from edge.core.events import TagFlaw, TagPresented, TagUnusable
from edge.drivers.linux_files import LinuxFiles
from edge.drivers.pn532 import Computer, Pn532Reader, Pn532Settings, open_reader
from edge.errors import ReaderSilent
from edge.sim.pn532 import SerialReader
from tests.drivers.rigs import Inbox, rig, running

LOOK = b"\xd4\x4a"  # InListPassiveTarget


class Wire(SerialReader):
    """A simulated chip behind a pty that can wait for the driver's looks."""

    async def looks(self, count: int) -> None:
        """Return when the driver has begun *count* more looks for a card."""
        seen, plain = 0, self.chip.feed
        enough = asyncio.Event()

        def feed(data: bytes) -> bytes:
            nonlocal seen
            seen += data.count(LOOK)
            if seen >= count:
                enough.set()
            return plain(data)

        self.chip.feed = feed  # type: ignore[method-assign]  # listens in
        async with asyncio.timeout(5):
            await enough.wait()
        self.chip.feed = plain  # type: ignore[method-assign]  # as it was


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """A simulated chip behind a pty."""
    reader = Wire()
    yield reader
    reader.close()


@asynccontextmanager
async def opened(wire: Wire) -> AsyncIterator[Pn532Reader]:
    settings = Pn532Settings(port=wire.path, connectors=(1, 2))
    async with open_reader(settings, rig(), 0) as reader:
        yield reader


async def tags(inbox: Inbox, count: int) -> list[str]:
    """The first *count* tags, in order."""
    await inbox.first(TagPresented, lambda _: len(inbox.of(TagPresented)) >= count)
    return [event.id_tag for event in inbox.of(TagPresented)]


@pytest.mark.parametrize("uid", ["DEADBEEF", "04A2B1C3D4E580", "04112233445566778899"])
async def test_a_card_becomes_one_event_with_its_uid_in_upper_hex(wire: Wire, uid: str) -> None:
    """4, 7 and 10 bytes (ruling 32); the reader says which connectors it serves."""
    async with opened(wire) as reader, running(reader.run) as inbox:
        wire.lay(bytes.fromhex(uid))
        seen = await inbox.first(TagPresented)
        assert (seen.id_tag, seen.reader, seen.connectors) == (uid, 0, (1, 2))


async def test_a_tap_is_told_within_150_ms(wire: Wire) -> None:
    """The median of five taps: the machine may be busy, the driver may not be slow."""
    took_s = []
    async with opened(wire) as reader, running(reader.run) as inbox:
        wire.lay(bytes.fromhex("00000000"))
        await tags(inbox, 1)
        for number in range(1, 6):
            uid = f"{number:08X}"
            began = time.monotonic()
            wire.lay(bytes.fromhex(uid))
            seen = await inbox.first(TagPresented, partial(_is, uid))
            took_s.append(seen.at.monotonic - began - _boot_offset())
    assert sorted(took_s)[2] < 0.15


def _is(uid: str, event: TagPresented) -> bool:
    return event.id_tag == uid


def _boot_offset() -> float:
    """The driver's clock counts sleep of the computer, Python's does not."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()


async def test_a_card_left_lying_counts_once(wire: Wire) -> None:
    """It is reported on many looks, and told on the first."""
    async with opened(wire) as reader, running(reader.run) as inbox:
        wire.lay(bytes.fromhex("DEADBEEF"))
        await tags(inbox, 1)
        await wire.looks(5)
        assert len(inbox.of(TagPresented)) == 1


async def test_a_card_counts_again_after_it_was_away(wire: Wire) -> None:
    """The same card stops what it started."""
    async with opened(wire) as reader, running(reader.run) as inbox:
        wire.lay(bytes.fromhex("DEADBEEF"))
        await tags(inbox, 1)
        wire.lay(None)
        await wire.looks(4)  # the first may have begun before, the last two have not ended
        wire.lay(bytes.fromhex("DEADBEEF"))
        assert await tags(inbox, 2) == ["DEADBEEF", "DEADBEEF"]


async def test_another_card_counts_at_once(wire: Wire) -> None:
    """Nobody has to wait for the first one to be away."""
    async with opened(wire) as reader, running(reader.run) as inbox:
        wire.lay(bytes.fromhex("DEADBEEF"))
        await tags(inbox, 1)
        wire.lay(bytes.fromhex("04A2B1C3D4E580"))
        assert await tags(inbox, 2) == ["DEADBEEF", "04A2B1C3D4E580"]


async def test_a_reader_that_falls_silent_is_told_from_one_without_card(
    wire: Wire,
) -> None:
    """The library says None to both; the probe knows."""
    async with opened(wire) as reader:
        inbox = Inbox()
        run = asyncio.create_task(reader.run(inbox.post))
        wire.lay(bytes.fromhex("DEADBEEF"))
        await tags(inbox, 1)
        wire.lay(None)
        wire.chip.silent = True
        with pytest.raises(ReaderSilent, match="check power"):
            async with asyncio.timeout(5):
                await run


async def test_an_idle_reader_stays(wire: Wire) -> None:
    """No card for a while is no failure."""
    async with opened(wire) as reader:
        run = asyncio.create_task(reader.run(Inbox().post))
        await wire.looks(4)
        assert not run.done()
        run.cancel()
        await asyncio.wait([run])


async def test_a_reader_that_comes_back_works_on_the_next_run(wire: Wire) -> None:
    """The supervisor runs the driver again; a card laid then counts."""
    wire.chip.silent = True
    async with opened(wire) as reader:
        with pytest.raises(ReaderSilent):
            await reader.run(Inbox().post)
        wire.chip.silent = False
        async with running(reader.run) as inbox:
            wire.lay(bytes.fromhex("DEADBEEF"))
            assert await tags(inbox, 1) == ["DEADBEEF"]


async def test_garbage_on_the_line_is_no_card_and_no_crash(wire: Wire) -> None:
    """Bad checksums are odd; while they last the reader counts as silent."""
    async with opened(wire) as reader:
        inbox = Inbox()
        run = asyncio.create_task(reader.run(inbox.post))
        wire.lay(bytes.fromhex("DEADBEEF"))
        await tags(inbox, 1)
        wire.chip.garbled = True
        with pytest.raises(ReaderSilent):
            async with asyncio.timeout(5):
                await run
        assert len(inbox.of(TagPresented)) == 1


async def test_a_phone_is_told_from_a_card(wire: Wire) -> None:
    """Complaints 21: its number changes; the next card works."""
    async with opened(wire) as reader, running(reader.run) as inbox:
        wire.lay(bytes.fromhex("08123456"))
        unusable = await inbox.first(TagUnusable)
        assert (unusable.flaw, unusable.connectors) == (TagFlaw.CHANGES, (1, 2))
        wire.lay(bytes.fromhex("DEADBEEF"))
        assert await tags(inbox, 1) == ["DEADBEEF"]


async def test_an_unplugged_adapter_is_told() -> None:
    """The pty's other end closes: termios.error, which is no OSError, or EIO."""
    wire = Wire()
    async with opened(wire) as reader:
        run = asyncio.create_task(reader.run(Inbox().post))
        await wire.looks(1)
        wire.close()
        with pytest.raises(ReaderSilent, match="check"):
            async with asyncio.timeout(5):
                await run


async def test_a_port_that_does_not_exist_is_told() -> None:
    """A misspelt port, or an adapter not plugged in yet."""
    settings = Pn532Settings(port="/dev/none")
    reader = Pn532Reader(settings, rig().clock, 3, Computer(files=LinuxFiles()))
    with pytest.raises(ReaderSilent, match=r"card reader 3: /dev/none is gone"):
        await reader.run(Inbox().post)


async def test_a_bug_in_the_thread_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A reader whose thread is gone reads nothing: the supervisor has to hear of it."""

    def breaks(*_: object) -> None:
        raise ZeroDivisionError

    reader = Pn532Reader(
        Pn532Settings(port="/dev/none"), rig().clock, 3, Computer(files=LinuxFiles())
    )
    monkeypatch.setattr(reader, "look_until", breaks)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    async with asyncio.timeout(2):
        with pytest.raises(ZeroDivisionError):
            await reader.run(Inbox().post)


async def test_two_runs_never_share_the_port(wire: Wire) -> None:
    """Cancelled and run again at once: the second thread waits for the first."""
    async with opened(wire) as reader:
        async with running(reader.run):
            pass
        async with running(reader.run) as inbox:
            wire.lay(bytes.fromhex("DEADBEEF"))
            assert await tags(inbox, 1) == ["DEADBEEF"]


def test_blinka_stays_out_of_the_process() -> None:
    """It probes the board and may ask to install packages (devices.md 1.3)."""
    script = (
        "import sys, edge.drivers.pn532; "
        "print([m for m in sys.modules if m.partition('.')[0] in "
        "('board', 'busio', 'digitalio', 'microcontroller', 'adafruit_blinka')])"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30
    )
    assert run.stdout.strip() == "[]"
