"""What comes back when a PN532 is asked who it is, byte by byte: for the doctor, not for cards.

The driver knows only that there is no answer. Here the line itself is looked at: nothing, our own
question again, rubbish, or a PN532. Whatever listens is asked for its firmware version, twice, and
nothing else; a device that is no PN532 is sent 20 bytes that it will not understand.
Source: NXP UM0701-02, PN532 user manual, 6.2 and 7.2.2.

Quality: a simulated PN532 on a pty, silent and garbled.
"""

from __future__ import annotations

import asyncio
import os
import termios
import tty
from contextlib import suppress
from enum import StrEnum
from typing import Final

from edge.errors import ReaderSilent

WAKE_UP: Final = b"\x55\x55" + bytes(14)  # the chip may sleep: HSU wakes on its fifth rising edge
QUESTION: Final = bytes.fromhex("0000FF02FED4022A00")  # GetFirmwareVersion
ANSWER: Final = b"\xd5\x03"
START: Final = b"\x00\xff"
HEAD_BYTES: Final = 2  # length and its complement
FIRMWARE_BYTES: Final = 4
ANSWER_S: Final = 0.3
TRIES: Final = 2  # the first may only wake it
MOST_BYTES: Final = 256


class Heard(StrEnum):
    """What the line brought."""

    READER = "reader"
    NOTHING = "nothing"
    ECHO = "echo"
    RUBBISH = "rubbish"


async def ask(port: str) -> tuple[Heard, str]:
    """Ask on the serial line *port*; a PN532 is told with its firmware version.

    Raises `ReaderSilent` if there is no such line, or it is not to be had.
    """
    try:
        descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        raise ReaderSilent(f"{port} cannot be opened ({error.strerror})") from error
    try:
        _set_line(descriptor)
        heard = b""
        for _ in range(TRIES):
            heard = await _exchange(descriptor)
            if kind_of(heard)[0] is Heard.READER:
                break
    except (OSError, termios.error) as error:
        raise ReaderSilent(f"{port} is no serial line, or it went away ({error})") from error
    finally:
        os.close(descriptor)
    return kind_of(heard)


def kind_of(heard: bytes) -> tuple[Heard, str]:
    """What *heard* is; with the firmware version if it is a PN532."""
    if not heard.strip(b"\0"):
        return Heard.NOTHING, ""  # an unpowered chip may hold the line low: that reads as zeros
    if QUESTION in heard:
        return Heard.ECHO, ""
    for frame in _frames(heard):
        if frame.startswith(ANSWER) and len(frame) == len(ANSWER) + FIRMWARE_BYTES:
            return Heard.READER, f"{frame[3]}.{frame[4]}"
    return Heard.RUBBISH, ""


def _frames(heard: bytes) -> list[bytes]:
    """The payloads of all sound frames."""
    found = []
    at = heard.find(START)
    while at >= 0:
        head = heard[at + len(START) :]
        if len(head) >= HEAD_BYTES and not (head[0] + head[1]) & 0xFF:
            payload = head[HEAD_BYTES : HEAD_BYTES + head[0] + 1]
            if len(payload) == head[0] + 1 and not sum(payload) & 0xFF:
                found.append(payload[:-1])
        at = heard.find(START, at + 1)
    return found


def _set_line(descriptor: int) -> None:
    """115,200 baud, eight bits, nothing translated, nothing left over."""
    tty.setraw(descriptor)
    mode = termios.tcgetattr(descriptor)
    mode[4] = mode[5] = termios.B115200
    termios.tcsetattr(descriptor, termios.TCSANOW, mode)
    termios.tcflush(descriptor, termios.TCIOFLUSH)


async def _exchange(descriptor: int) -> bytes:
    """Ask once, and listen until the time is up or a whole answer is there."""
    loop = asyncio.get_running_loop()
    heard = bytearray()
    complete = asyncio.Event()

    def listen() -> None:
        with suppress(BlockingIOError):
            heard.extend(os.read(descriptor, MOST_BYTES))
        if len(heard) >= MOST_BYTES or kind_of(bytes(heard))[0] is Heard.READER:
            complete.set()

    os.write(descriptor, WAKE_UP + QUESTION)
    loop.add_reader(descriptor, listen)
    try:
        async with asyncio.timeout(ANSWER_S):
            await complete.wait()
    except TimeoutError:
        pass
    finally:
        loop.remove_reader(descriptor)
    return bytes(heard)
