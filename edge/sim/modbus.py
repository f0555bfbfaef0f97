"""The meters' bus: Modbus RTU behind a pty, or Modbus TCP by pymodbus's own server.

RTU is ours, because a reply must be delayed, garbled or withheld by the byte. Both serve what
is `Answering`.
Source: Modbus application protocol 1.1b3, Modbus over serial line 1.02.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import struct
import termios
import tty
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from enum import StrEnum
from typing import Final

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from edge.sim.outlet import MeterFault
from edge.sim.registers import Answering, Refused

LINE_BAUD: Final = 9600
BITS_PER_BYTE: Final = 11
TURNAROUND_S: Final = 0.005
LATE_S: Final = 0.45  # a driver gives up after 300 ms
REQUEST_BYTES: Final = 8
MOST_UNITS: Final = 247
BUFFER_LIMIT: Final = 256
READ_BYTES: Final = 1024
SPEEDS: Final[Mapping[int, int]] = {
    getattr(termios, f"B{baud}"): baud
    for baud in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
}
PARITIES: Final = ("N", "E", "O")


GARBLED: Final = (MeterFault.CRC, MeterFault.SHORT, MeterFault.WRONG_UNIT)
"""What a gateway between the serial line and TCP would not pass on."""


class LineFault(StrEnum):
    """What is wrong with a whole line: `held` low by somebody, `crossed` A and B or cut."""

    NONE = "none"
    HELD = "held"
    CROSSED = "crossed"


ADDRESSES: Final = 0x10000


def crc16(data: bytes) -> bytes:
    """The two bytes that end an RTU frame, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


class RtuBus:
    """RTU slaves behind one pty; `path` is what the driver opens. Lives on the running loop.

    The slaves hear only a master that speaks at their baud rate and parity. A pty keeps the
    master's baud rate, but knows no parity: whoever asks for one cannot open it.
    """

    def __init__(
        self,
        units: Mapping[int, Answering],
        *,
        baud_timing: bool = False,
        baudrate: int = LINE_BAUD,
        parity: str = "N",
    ) -> None:
        self.fault = LineFault.NONE
        self.baudrate = baudrate
        self.parity = parity
        self._seats = [(address, unit) for address, unit in units.items()]
        self._baud_timing = baud_timing
        self._buffer = b""
        self._loop = asyncio.get_running_loop()
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._open = True
        self.path = os.ttyname(self._slave)
        self._loop.add_reader(self._master, self._heard)

    def close(self) -> None:
        """Unplug the adapter."""
        self._open = False
        self._loop.remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)

    def move(self, unit: Answering, address: int) -> bool:
        """Let *unit* answer at *address*, where another may answer already; whether it is here."""
        if is_here := any(one is unit for _, one in self._seats):
            self._seats = [(address if one is unit else at, one) for at, one in self._seats]
        return is_here

    def _heard(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._buffer = (self._buffer + os.read(self._master, READ_BYTES))[-BUFFER_LIMIT:]
        if self.fault is LineFault.HELD:
            self._write(bytes(len(self._buffer)))  # a break: zeros, and nobody gets through
        if self.fault is not LineFault.NONE or not self._understood():
            self._buffer = b""
        for request in self._requests():
            replies = [self._reply(unit, request) for unit in self._at(request[0])]
            self._send(len(request), [reply for reply in replies if reply is not None])

    def _understood(self) -> bool:
        """Whether the master speaks as the slaves do."""
        spoken = SPEEDS.get(termios.tcgetattr(self._slave)[5])
        return spoken in (None, self.baudrate) and self.parity == "N"

    def _requests(self) -> Iterator[bytes]:
        while len(self._buffer) >= REQUEST_BYTES:
            head = self._buffer[:REQUEST_BYTES]
            valid = crc16(head[:-2]) == head[-2:]
            self._buffer = self._buffer[REQUEST_BYTES if valid else 1 :]
            if valid:
                yield head

    def _at(self, address: int) -> Iterator[Answering]:
        """Who answers at *address*; two, if somebody set them so."""
        return (unit for seat, unit in self._seats if seat == address)

    def _reply(self, unit: Answering, request: bytes) -> tuple[float, bytes] | None:
        """After how many seconds *unit* says what, if it says anything."""
        if unit.fault is MeterFault.TIMEOUT:
            return None
        body = answer(unit, request[:-2], self._loop.time())
        if unit.fault is MeterFault.WRONG_UNIT:
            body = bytes((body[0] % MOST_UNITS + 1,)) + body[1:]
        reply = body + crc16(body)
        if unit.fault is MeterFault.CRC:
            reply = reply[:-1] + bytes((reply[-1] ^ 0xFF,))
        if unit.fault is MeterFault.SHORT:
            reply = reply[: len(reply) // 2]
        return (LATE_S if unit.fault is MeterFault.LATE else 0.0), reply

    def _send(self, asked: int, replies: list[tuple[float, bytes]]) -> None:
        if not replies:
            return
        delay_s, reply = replies[0]
        for _, other in replies[1:]:
            reply = collision(reply, other)
        if self._baud_timing:
            delay_s += (asked + len(reply)) * BITS_PER_BYTE / LINE_BAUD + TURNAROUND_S
        if delay_s:
            self._loop.call_later(delay_s, self._write, reply)
        else:
            self._write(reply)

    def _write(self, reply: bytes) -> None:
        if self._open:
            with contextlib.suppress(BlockingIOError):  # nobody reads: the line forgets
                os.write(self._master, reply)


def collision(one: bytes, other: bytes) -> bytes:
    """What two who speak at once leave on a line: never quite in step, so never a frame."""
    return bytes(first & second for first, second in zip(one, other[1:] + b"\0", strict=False))


def answer(unit: Answering, request: bytes, now_s: float) -> bytes:
    """The reply to an RTU *request*, both without CRC."""
    address, function, first, count = struct.unpack(">BBHH", request)
    try:
        registers = unit.read(function, first, count, now_s)
    except Refused as refused:
        return bytes((address, function | 0x80, refused.code))
    return struct.pack(f">BBB{count}H", address, function, 2 * count, *registers)


@contextlib.asynccontextmanager
async def serve_tcp(units: Mapping[int, Answering]) -> AsyncIterator[int]:
    """Serve *units* on a loopback port, which is given."""
    devices = [_device(number, unit) for number, unit in units.items()]
    server = ModbusTcpServer(devices, address=("127.0.0.1", 0), ignore_missing_devices=True)
    await server.serve_forever(background=True)
    assert isinstance(server.transport, asyncio.Server)
    try:
        yield server.transport.sockets[0].getsockname()[1]
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]  # the library's


Action = Callable[
    [int, int, int, int, list[int], list[int] | list[bool] | None],
    Coroutine[None, None, ExcCodes | None],
]


def _device(number: int, unit: Answering) -> SimDevice:
    block = SimData(0, count=ADDRESSES, values=0, datatype=DataType.REGISTERS)
    return SimDevice(number, [block], action=_action(unit))


def _action(unit: Answering) -> Action:
    loop = asyncio.get_running_loop()

    async def act(  # noqa: PLR0917 - the library calls it so
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        fault = unit.fault
        if fault is MeterFault.TIMEOUT:
            raise NoSuchIdException  # the server then says nothing
        if fault in GARBLED:
            return ExcCodes.GATEWAY_NO_RESPONSE  # TCP has no CRC; a gateway would say this
        if fault is MeterFault.LATE:
            until = loop.create_future()
            loop.call_later(LATE_S, until.set_result, None)
            await until
        if written is not None:
            return ExcCodes.ILLEGAL_FUNCTION
        try:
            values = unit.read(function, address, count, loop.time())
        except Refused as refused:
            return ExcCodes(refused.code)
        registers[address - start : address - start + count] = values
        return None

    return act
