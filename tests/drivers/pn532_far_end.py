"""A simulated PN532 at the far end of each wire, in virtual time: hours pass in seconds.

The chip answers below the real library and driver: behind a serial port object, or behind the file
calls on `/dev/i2c-1` and `/dev/spidev0.0`. A `Rot` damages what passes, by seeded chance.
"""

from __future__ import annotations

import ctypes
import errno
import heapq
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import Any, Self

import pytest
from adafruit_bus_device import i2c_device
from adafruit_pn532 import adafruit_pn532, i2c, spi, uart
from gpiozero.pins.mock import MockFactory

from edge.core.instant import Instant
from edge.drivers.pn532 import Computer, Pn532Reader, Pn532Settings, wires
from edge.drivers.pn532.wires import (
    I2C_SLAVE,
    I2C_TIMEOUT,
    SPI_IOC_MESSAGE_1,
    SPI_IOC_WR_MODE,
    SPI_TRANSFER,
)
from edge.errors import ReaderSilent
from edge.sim.pn532 import ACK, Chip

WORKS_S = 0.002  # what a frame needs on the line and in the chip
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RESET_PIN = 25
PORTS = {"uart": "/dev/ttyS0", "i2c": "/dev/i2c-1", "spi": "/dev/spidev0.0"}


class VirtualTime:
    """Time that passes when somebody sleeps; also the clock that the driver is given."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self._script: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count()

    def at(self, when: float, act: Callable[[], object]) -> None:
        """Do *act* when it is time."""
        heapq.heappush(self._script, (when, next(self._numbers), act))

    def monotonic(self) -> float:
        """A loop that never sleeps comes to its end by this, after a million rounds a second."""
        self.now_s += 1e-6
        return self.now_s

    def let_pass(self, seconds: float) -> None:
        """Let *seconds* pass."""
        until = self.now_s + seconds
        while self._script and self._script[0][0] <= until:
            when, _, act = heapq.heappop(self._script)
            self.now_s = max(self.now_s, when)
            act()
        self.now_s = max(self.now_s, until)

    def now(self) -> Instant:
        """The clock of the driver."""
        wall = NOON + timedelta(seconds=self.now_s)
        return Instant(wall=wall, monotonic=self.now_s, trusted=True)

    def learn(self, wall_at: Instant) -> None:
        """It knows."""


@dataclass(slots=True, kw_only=True)
class Rot:
    """How bad the wire is: chances per frame or transfer."""

    chance: Random = field(default_factory=lambda: Random(1))
    garbled: float = 0.0
    cut: float = 0.0
    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    refused: float = 0.0
    is_dead: bool = False
    damaged: int = 0

    def _strikes(self, odds: float) -> bool:
        hit = odds > 0 and self.chance.random() < odds
        self.damaged += hit
        return hit

    def passed(self, frame: bytes) -> Iterator[tuple[float, bytes]]:
        """What comes of *frame*, and how late."""
        if self.is_dead or self._strikes(self.lost):
            return
        if self._strikes(self.garbled):
            spoilt = bytearray(frame)
            for _ in range(self.chance.randint(1, 4)):
                spoilt[self.chance.randrange(len(spoilt))] = self.chance.randrange(256)
            frame = bytes(spoilt)
        if self._strikes(self.cut):
            frame = frame[: self.chance.randrange(len(frame))]
        yield (self.chance.uniform(0.02, 1.5) if self._strikes(self.late) else 0.0), frame
        if self._strikes(self.doubled):
            yield self.chance.uniform(0.0, 0.2), frame

    def refuses(self) -> bool:
        """Whether this transfer is not acknowledged (I2C)."""
        return self.is_dead or self._strikes(self.refused)


class FarEnd:
    """A chip, the wire to it, and what is on its way back."""

    def __init__(self, time: VirtualTime) -> None:
        self.time = time
        self.chip = Chip()
        self.rot = Rot()
        self.calls = 0
        self._coming: list[tuple[float, int, bytes]] = []
        self._numbers = count()
        self._gives_up_at: float | None = None

    def lay(self, uid: bytes | None) -> None:
        """Put a card on the reader, or take it away."""
        self.chip.card = uid
        self._say(self.chip.collect())

    def hear(self, data: bytes) -> None:
        """The host writes *data*."""
        for _, heard in self.rot.passed(data):
            self._say(self.chip.feed(heard))
        after_s = self.chip.gives_up_after_s
        self._gives_up_at = None if after_s is None else self.time.now_s + after_s

    def due(self) -> bytes | None:
        """The next frame that has arrived at the host, taken."""
        self._settle()
        if self._coming and self._coming[0][0] <= self.time.now_s:
            return heapq.heappop(self._coming)[2]
        return None

    def is_ready(self) -> bool:
        """Whether a frame has arrived."""
        self._settle()
        return bool(self._coming) and self._coming[0][0] <= self.time.now_s

    def drop(self) -> None:
        """A chip holds one answer: a new command takes its place."""
        self._coming.clear()

    def _settle(self) -> None:
        if self._gives_up_at is not None and self.time.now_s >= self._gives_up_at:
            self._gives_up_at = None
            self._say(self.chip.give_up())

    def _say(self, said: bytes) -> None:
        frames = [ACK, said[len(ACK) :]] if said.startswith(ACK) else [said]
        for frame in filter(None, frames):
            for late_s, passed in self.rot.passed(frame):
                when = self.time.now_s + WORKS_S + late_s
                heapq.heappush(self._coming, (when, next(self._numbers), passed))


class SerialFarEnd(FarEnd):
    """A serial port as pyserial has it: a stream without borders."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__(time)
        self._stream = b""

    def open(self, _path: str, _baudrate: int, *, timeout: float, write_timeout: float) -> Any:
        """Open the port."""
        self._timeout = timeout
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.reset_input_buffer()

    @property
    def in_waiting(self) -> int:
        self.calls += 1
        while (frame := self.due()) is not None:
            self._stream += frame
        return len(self._stream)

    def read(self, wanted: int) -> bytes:
        until = self.time.now_s + self._timeout
        while self.in_waiting < wanted and self.time.now_s < until:
            self.time.let_pass(0.001)
        taken, self._stream = self._stream[:wanted], self._stream[wanted:]
        return taken

    def write(self, data: bytes) -> None:
        self.calls += 1
        self.hear(data)

    def reset_input_buffer(self) -> None:
        _ = self.in_waiting
        self._stream = b""


class I2cFarEnd(FarEnd):
    """The file calls on `/dev/i2c-1`; the bus may be refused or held."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__(time)
        self.holds_scl = False
        self.held_clocks = 0
        self._address = 0

    def open(self, path: str) -> int:
        assert path == PORTS["i2c"]
        return 7

    def close(self, descriptor: int) -> None:
        assert descriptor == 7

    def ioctl(self, descriptor: int, request: int, argument: int | bytes) -> None:
        if request == I2C_SLAVE:
            assert isinstance(argument, int)
            self._address = argument
        else:
            assert (request, argument) == (I2C_TIMEOUT, 10)

    def write(self, descriptor: int, data: bytes) -> None:
        self._transfer()
        if data:
            self.drop()
            self.hear(data)

    def read(self, descriptor: int, wanted: int) -> bytes:
        self._transfer()
        if not self.is_ready():
            return bytes(wanted)
        frame = b"" if wanted == 1 else self.due() or b""
        return (b"\x01" + frame + bytes(wanted))[:wanted]

    def _transfer(self) -> None:
        self.calls += 1
        if self.holds_scl:
            self.time.let_pass(0.1)
            raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        if self.held_clocks > 0:
            self.held_clocks -= 9  # an address and its acknowledgement
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if self._address != 0x24 or self.rot.refuses():
            raise OSError(errno.EREMOTEIO, os.strerror(errno.EREMOTEIO))


class SpiFarEnd(FarEnd):
    """The file calls on `/dev/spidev0.0`: full duplex, least significant bit first."""

    def open(self, path: str) -> int:
        assert path == PORTS["spi"]
        return 8

    def close(self, descriptor: int) -> None:
        assert descriptor == 8

    def read(self, descriptor: int, wanted: int) -> bytes:
        raise AssertionError("SPI is spoken by ioctl")

    def write(self, descriptor: int, data: bytes) -> None:
        raise AssertionError("SPI is spoken by ioctl")

    def ioctl(self, descriptor: int, request: int, argument: int | bytes) -> None:
        self.calls += 1
        if request == SPI_IOC_WR_MODE:
            assert argument == b"\x00"
            return
        assert request == SPI_IOC_MESSAGE_1
        assert isinstance(argument, bytes)
        sent_at, back_at, length, *_ = SPI_TRANSFER.unpack(argument)
        sent = mirrored(ctypes.string_at(sent_at, length))
        back = mirrored(self._exchanged(sent[0], sent[1:]))[:length]
        ctypes.memmove(back_at, back, len(back))

    def _exchanged(self, order: int, rest: bytes) -> bytes:
        match order:
            case 0x01:
                self.drop()
                self.hear(rest)
            case 0x02:
                return bytes((0, int(self.is_ready())))
            case 0x03:
                return b"\x00" + (self.due() or b"") + bytes(len(rest))
        return bytes(1 + len(rest))


def mirrored(data: bytes) -> bytes:
    """Every byte with its bits the other way round."""
    return data.translate(_MIRROR)


_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def far_end(interface: str, time: VirtualTime) -> Any:
    """The far end of the wire called *interface*; only I2C can be held."""
    return {"uart": SerialFarEnd, "i2c": I2cFarEnd, "spi": SpiFarEnd}[interface](time)


class Hours:
    """A stop that comes when *seconds* have passed; waiting for it lets time pass."""

    def __init__(self, time: VirtualTime, seconds: float) -> None:
        self._time = time
        self._ends_at = time.now_s + seconds

    def is_set(self) -> bool:
        return self._time.now_s >= self._ends_at

    def wait(self, timeout: float) -> bool:
        self._time.let_pass(timeout)
        return self.is_set()


class Bench:
    """The real driver on one wire, without its thread, and the chip at the far end."""

    def __init__(self, interface: Any, *, reset: bool = False) -> None:
        self.time = VirtualTime()
        self.far = far_end(interface, self.time)
        self.pins = MockFactory()
        self.counted: list[tuple[float, bytes]] = []
        settings = Pn532Settings(
            port=PORTS[interface], interface=interface, reset=RESET_PIN if reset else None
        )
        computer = Computer(files=self.far, open_serial=self.far.open, pin_factory=self.pins)
        self.reader = Pn532Reader(settings, self.time, 0, computer)

    def run(self, seconds: float) -> ReaderSilent | None:
        """Look for *seconds*, or until the reader is silent."""
        return self.reader.look_until(Hours(self.time, seconds), self._count)

    def tap(self, uid: str, after_s: float, for_s: float = 0.6) -> None:
        """Lay a card *after_s* from now."""
        lays = self.time.now_s + after_s
        self.time.at(lays, lambda: self.far.lay(bytes.fromhex(uid)))
        self.time.at(lays + for_s, lambda: self.far.lay(None))

    def uids(self) -> list[str]:
        """The cards that counted."""
        return [uid.hex().upper() for _, uid in self.counted]

    def _count(self, uid: bytes) -> None:
        self.counted.append((self.time.now_s, uid))


@contextmanager
def virtual(bench: Bench) -> Iterator[Bench]:
    """Let library and wires live in the bench's time."""
    with pytest.MonkeyPatch.context() as patch:
        modules = (adafruit_pn532, uart, i2c, spi, i2c_device, wires)
        stand_in = SimpleNamespace(monotonic=bench.time.monotonic, sleep=bench.time.let_pass)
        for module in modules:
            patch.setattr(module, "time", stand_in)
        yield bench
