"""The simulated reader against the real `adafruit_pn532` driver, unmodified, over a pty."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import serial
from adafruit_pn532.uart import PN532_UART

from edge.sim.pn532 import ACK, Chip, SerialReader, frame

LIST_TARGETS = frame(bytes((0xD4, 0x4A, 0x01, 0x00)))
DRIVER_TIMEOUT_S = 0.03


@pytest.fixture
async def reader() -> AsyncIterator[SerialReader]:
    """A reader behind its pty."""
    reader = SerialReader()
    yield reader
    reader.close()


async def drive(path: str, act: Callable[[PN532_UART], Any]) -> Any:
    """Let the real driver *act* in a thread, as the product does."""

    def work() -> Any:
        with serial.Serial(path, timeout=DRIVER_TIMEOUT_S) as port:
            return act(PN532_UART(port))

    return await asyncio.to_thread(work)


@pytest.mark.parametrize("uid", ["DEADBEEF", "04A2B1C3D4E580"])
async def test_the_real_driver_reads_the_card(reader: SerialReader, uid: str) -> None:
    """Four and seven byte UIDs arrive as they are."""
    reader.lay(bytes.fromhex(uid))
    found = await drive(reader.path, lambda chip: chip.read_passive_target(timeout=1.0))
    assert bytes(found).hex().upper() == uid
    assert reader.reported.is_set()


async def test_a_card_that_comes_while_the_driver_waits_is_told_at_once(
    reader: SerialReader,
) -> None:
    """InListPassiveTarget answers when a card arrives, not before."""
    loop = asyncio.get_running_loop()

    def listen(chip: PN532_UART) -> Any:
        assert chip.listen_for_passive_target(timeout=1.0)
        loop.call_soon_threadsafe(reader.lay, bytes.fromhex("04A2B1C3D4E580"))
        return chip.get_passive_target(timeout=1.0)

    assert bytes(await drive(reader.path, listen)).hex().upper() == "04A2B1C3D4E580"


async def test_without_a_card_the_driver_times_out(reader: SerialReader) -> None:
    """No card and a card taken away look the same."""
    reader.lay(bytes.fromhex("DEADBEEF"))
    reader.lay(None)
    assert await drive(reader.path, lambda chip: chip.read_passive_target(timeout=0.1)) is None


async def test_a_silent_reader_says_nothing_until_it_is_well_again(reader: SerialReader) -> None:
    """Power loss looks like no card to the driver; the firmware question tells the difference."""

    def probe(chip: PN532_UART) -> Any:
        reader.chip.silent = True
        with pytest.raises(RuntimeError, match="detect"):
            _ = chip.firmware_version
        reader.chip.silent = False
        return chip.firmware_version

    assert await drive(reader.path, probe) == (0x32, 1, 6, 7)


async def test_a_garbled_frame_is_noticed_by_the_driver(reader: SerialReader) -> None:
    """A wrong checksum raises there; the next read is good."""

    def read(chip: PN532_UART) -> Any:
        reader.chip.card = bytes.fromhex("DEADBEEF")
        reader.chip.garbled = True
        with pytest.raises(RuntimeError, match="checksum"):
            chip.read_passive_target(timeout=0.5)
        reader.chip.garbled = False
        return chip.read_passive_target(timeout=0.5)

    assert bytes(await drive(reader.path, read)).hex().upper() == "DEADBEEF"


async def test_a_ten_byte_uid_is_framed_though_the_library_refuses_it(
    reader: SerialReader,
) -> None:
    """The chip reports triple size UIDs; the limit is the driver library's."""
    reader.lay(bytes.fromhex("00112233445566778899"))
    with pytest.raises(RuntimeError, match="long UID"):
        await drive(reader.path, lambda chip: chip.read_passive_target(timeout=0.5))


def test_the_hosts_ack_aborts_a_waiting_command() -> None:
    """After the abort a card is not reported to anybody."""
    chip = Chip()
    assert chip.feed(LIST_TARGETS) == ACK
    assert chip.feed(ACK) == b""
    chip.card = b"\x01\x02\x03\x04"
    assert chip.collect() == b""


def test_bytes_may_come_one_by_one_and_between_noise() -> None:
    """Frames are found wherever they start."""
    chip = Chip()
    stream = b"\x55\x55\x00\x00\xff\x12\x13" + frame(bytes((0xD4, 0x02)))
    said = b"".join(chip.feed(bytes((byte,))) for byte in stream)
    assert said.startswith(ACK)
    assert bytes((0xD5, 0x03, 0x32)) in said


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (frame(bytes((0xD4, 0x99))), ACK + frame(b"\x7f")),
        (frame(bytes((0xD4,))), ACK + frame(b"\x7f")),
        (frame(bytes((0xD4, 0x16, 0xB0))), ACK + frame(bytes((0xD5, 0x17, 0x00)))),
        (frame(bytes((0xD4, 0x02)))[:-2] + b"\x00\x00", frame(b"\x7f")),
    ],
)
def test_what_the_chip_does_not_understand_gets_its_error_frame(sent: bytes, answer: bytes) -> None:
    """Unknown commands and bad checksums are answered as the manual says."""
    assert Chip().feed(sent) == answer


@pytest.mark.parametrize(("copies", "delay_s"), [(2, 0.0), (1, 0.1)])
async def test_a_reader_may_say_all_twice_or_late(
    reader: SerialReader, copies: int, delay_s: float
) -> None:
    """The bytes are good, their number or their moment is not."""
    reader.copies, reader.delay_s = copies, delay_s
    question = frame(bytes((0xD4, 0x02)))
    answer = Chip().feed(question)
    loop = asyncio.get_running_loop()

    def ask() -> bytes:
        with serial.Serial(reader.path, timeout=2.0) as port:
            port.write(question)
            heard: bytes = port.read(len(answer) * copies)
            return heard

    began = loop.time()
    assert await asyncio.to_thread(ask) == answer * copies
    assert loop.time() - began >= delay_s
