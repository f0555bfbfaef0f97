"""A PN532 card reader: its frame protocol as a value machine, and the pty it sits behind.

`Chip` turns host bytes into chip bytes; `SerialReader` puts it behind a pty that `adafruit_pn532`
opens like a serial port. How long a look for cards lasts that was told to give up is our guess.
Source: NXP UM0701-02, PN532 user manual, sections 6.2 and 7.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import tty
from collections.abc import Iterator
from typing import Final

ACK: Final = bytes.fromhex("0000FF00FF00")
NACK: Final = bytes.fromhex("0000FFFF0000")
START: Final = b"\x00\xff"
HOST: Final = 0xD4
CHIP: Final = 0xD5
GET_FIRMWARE_VERSION: Final = 0x02
SAM_CONFIGURATION: Final = 0x14
POWER_DOWN: Final = 0x16
RF_CONFIGURATION: Final = 0x32
MAX_RETRIES: Final = 0x05
FOR_EVER: Final = 0xFF
IN_LIST_PASSIVE_TARGET: Final = 0x4A
FIRMWARE: Final = bytes((0x32, 0x01, 0x06, 0x07))  # PN532 firmware 1.6, all standards
SYNTAX_ERROR: Final = bytes((0x7F,))
BUFFER_LIMIT: Final = 512  # longer than any frame: noise does not grow for ever
READ_BYTES: Final = 1024
UID_BYTES: Final = (4, 7, 10)  # ISO 14443-3: single, double, triple size
TRY_S: Final = 0.005


def frame(payload: bytes) -> bytes:
    """Wrap *payload* (from TFI on) into a normal information frame."""
    length = len(payload)
    head = bytes((0x00, 0x00, 0xFF, length, -length & 0xFF))
    return head + payload + bytes((-sum(payload) & 0xFF, 0x00))


class Chip:
    """The PN532's logic: `feed` it the host's bytes, lay `card`, `collect` the late answer.

    Whoever lets time pass calls `give_up` when `gives_up_after_s` is over since the last command.
    """

    def __init__(self) -> None:
        self.card: bytes | None = None
        self.silent = False
        self.garbled = False
        self.reports = 0
        self.commands = 0
        self._buffer = b""
        self._listening = False
        self._tries = FOR_EVER
        self._asleep = False

    def feed(self, data: bytes) -> bytes:
        """Take *data* from the host; returns what the chip says to it at once."""
        self._buffer = (self._buffer + data)[-BUFFER_LIMIT:]
        if self.silent:
            self._buffer = b""
            return b""
        return b"".join(self._answer(payload) for payload in self._frames())

    def collect(self) -> bytes:
        """The deferred answer to InListPassiveTarget, once a card is there."""
        if self.silent or not self._listening or self.card is None:
            return b""
        self._listening = False
        self.reports += 1
        return self._say(IN_LIST_PASSIVE_TARGET, target(self.card))

    @property
    def gives_up_after_s(self) -> float | None:
        """How long the look for cards in work lasts, `None` for no look and one without end."""
        if not self._listening or self._tries == FOR_EVER:
            return None
        return self._tries * TRY_S

    def give_up(self) -> bytes:
        """End the look: no card came."""
        if self.silent or not self._listening:
            return b""
        self._listening = False
        return self._say(IN_LIST_PASSIVE_TARGET, b"\x00")

    def forget(self) -> None:
        """Lose power for a moment: all that it was told is gone, and it sleeps."""
        self._buffer = b""
        self._listening = False
        self._tries = FOR_EVER
        self._asleep = True

    def _frames(self) -> Iterator[bytes]:
        while (start := self._buffer.find(START)) >= 0:
            rest = self._buffer[start + 2 :]
            if not rest[1:]:
                return
            length, complement = rest[:2]
            if (length + complement) & 0xFF or not length:
                self._buffer = rest[2:]
                if (length, complement) == (0x00, 0xFF):
                    self._listening = False  # the host's ACK aborts the command in work
                continue
            if len(rest) < length + 3:
                return
            self._buffer = rest[length + 3 :]
            yield rest[2 : length + 3]
        self._buffer = self._buffer[-1:]

    def _answer(self, checked: bytes) -> bytes:
        payload = checked[:-1]
        if sum(checked) & 0xFF or payload[:1] != bytes((HOST,)):
            return frame(SYNTAX_ERROR)
        self._listening = False
        self.commands += 1
        command = payload[1] if payload[1:] else 0
        if command == GET_FIRMWARE_VERSION:
            return ACK + self._say(command, FIRMWARE)
        if command == SAM_CONFIGURATION:
            self._asleep = False
            return ACK + self._say(command, b"")
        if command == RF_CONFIGURATION:
            if payload[2:3] == bytes((MAX_RETRIES,)) and payload[5:]:
                self._tries = payload[5]
            return ACK + self._say(command, b"")
        if command == POWER_DOWN:
            return ACK + self._say(command, b"\x00")
        if command == IN_LIST_PASSIVE_TARGET:
            self._listening = not self._asleep
            return ACK + self.collect()
        return ACK + frame(SYNTAX_ERROR)

    def _say(self, command: int, content: bytes) -> bytes:
        said = frame(bytes((CHIP, command + 1)) + content)
        if self.garbled:
            return said[:-2] + bytes((said[-2] ^ 0x55, said[-1]))
        return said


def target(uid: bytes) -> bytes:
    """InListPassiveTarget's report of one ISO 14443 A card: count, number, ATQA, SAK, UID."""
    double = len(uid) > UID_BYTES[0]
    atqa, sak = (b"\x00\x44", 0x00) if double else (b"\x00\x04", 0x08)
    return bytes((1, 1)) + atqa + bytes((sak, len(uid))) + uid


class SerialReader:
    """A chip behind a pty; `path` is what a driver opens. Lives on the running event loop."""

    def __init__(self) -> None:
        self.chip = Chip()
        self.copies = 1  # of everything that it says
        self.delay_s = 0.0
        self.reported = asyncio.Event()
        self._closed = False
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        asyncio.get_running_loop().add_reader(self._master, self._heard)

    def lay(self, uid: bytes | None) -> None:
        """Put the card *uid* on the reader, or take it away."""
        self.chip.card = uid
        self.chip.reports = 0
        self.reported.clear()
        self._send(self.chip.collect())

    def close(self) -> None:
        """Unplug the reader."""
        self._closed = True
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)

    def _heard(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._send(self.chip.feed(os.read(self._master, READ_BYTES)))
            ends_in_s = self.chip.gives_up_after_s
            if ends_in_s is not None:
                loop = asyncio.get_running_loop()
                loop.call_later(ends_in_s, self._give_up, self.chip.commands)

    def _give_up(self, command: int) -> None:
        if command == self.chip.commands and not self._closed:
            self._send(self.chip.give_up())

    def _send(self, answer: bytes) -> None:
        if not answer:
            return
        if self.chip.reports:
            self.reported.set()
        answer *= self.copies
        if self.delay_s:
            asyncio.get_running_loop().call_later(self.delay_s, self._write, answer)
        else:
            self._write(answer)

    def _write(self, answer: bytes) -> None:
        if not self._closed:
            with contextlib.suppress(BlockingIOError):  # nobody reads: a UART would lose it too
                os.write(self._master, answer)
