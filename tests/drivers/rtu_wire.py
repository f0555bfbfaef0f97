"""The far end of an RS-485 line: a pty where a test answers requests as badly as it likes."""

from __future__ import annotations

import asyncio
import os
import pty
import struct
import tty
from collections.abc import Callable
from dataclasses import dataclass

REQUEST_BYTES = 8
WRITE = 16


@dataclass(frozen=True)
class Request:
    """A request as it came over the line; *values* are those of a write (16)."""

    unit: int
    function: int
    address: int
    count: int
    values: tuple[int, ...] = ()


Answer = tuple[float, bytes]
"""Delay in seconds, bytes to send."""


class RtuWire:
    """Calls *answer* for each request and sends what it returns."""

    def __init__(self, answer: Callable[[Request], Answer | None]) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self._buffer = b""
        self._loop = asyncio.get_running_loop()
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self._open = True
        self.path = os.ttyname(self._slave)
        self._loop.add_reader(self._master, self._heard)

    def close(self) -> None:
        """Unplug."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._master)
            os.close(self._master)
            os.close(self._slave)

    def send(self, data: bytes) -> None:
        if self._open:
            os.write(self._master, data)

    def _heard(self) -> None:
        self._buffer += os.read(self._master, 1024)
        while len(self._buffer) >= REQUEST_BYTES:
            more = 1 + self._buffer[6] if self._buffer[1] == WRITE else 0
            if len(self._buffer) < REQUEST_BYTES + more:
                return
            frame = self._buffer[: REQUEST_BYTES + more]
            self._buffer = self._buffer[REQUEST_BYTES + more :]
            values = struct.unpack(f">{more // 2}H", frame[7:-2]) if more else ()
            unit, function, address, count = struct.unpack(">BBHH", frame[:6])
            request = Request(unit, function, address, count, values)
            self.requests.append(request)
            found = self.answer(request)
            if found is not None:
                self._loop.call_later(found[0], self.send, found[1])


def reply(request: Request, *words: int) -> bytes:
    """A good reply with *words*."""
    body = struct.pack(f">BBB{len(words)}H", request.unit, request.function, 2 * len(words), *words)
    return body + crc(body)


def confirmation(request: Request) -> bytes:
    """A good reply to a write."""
    body = struct.pack(">BBHH", request.unit, request.function, request.address, request.count)
    return body + crc(body)


def refusal(request: Request, code: int) -> bytes:
    """An exception reply."""
    body = bytes((request.unit, request.function | 0x80, code))
    return body + crc(body)


def crc(body: bytes) -> bytes:
    """CRC-16/MODBUS, low byte first."""
    value = 0xFFFF
    for byte in body:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value.to_bytes(2, "little")
