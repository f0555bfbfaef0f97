"""The three wires a PN532 may hang on, in the shape that `adafruit_pn532` expects of a bus.

Each talks to the kernel by plain files and ioctl: `linux/i2c-dev.h`, `linux/spi/spidev.h`. No bus
is shared: the chip has it for itself, so locking is a formality.

I2C is the wire to avoid: the controller of a Pi up to 4 cannot bear it when the PN532 holds SCL
longer than expected. What can be done about a bus that is held: a chip that holds SDA lets go when
it is clocked, and each of our attempts clocks it nine times or more; against one that holds SCL
only the reset line helps. Clocking the pins by hand is not possible while the kernel's controller
owns them.
Source: NXP UM0701-02, 6.2.3 to 6.2.5; raspberrypi/linux#4884.
"""

from __future__ import annotations

import ctypes
import struct
import time
from typing import Any, Final

from edge.drivers.linux_files import Files

BYTE_WAIT_S: Final = 0.04  # a USB adapter may hold a byte back for 16 ms
BAUDRATE: Final = 115_200  # what the chip speaks after power-up
START: Final = b"\x00\xff"
FRAME_BESIDES: Final = 6  # bytes that a frame's length leaves out: 00 FF, LEN, LCS, DCS, 00

I2C_TIMEOUT: Final = 0x0702
I2C_SLAVE: Final = 0x0703
I2C_PATIENCE: Final = 10  # units of 10 ms; the kernel would wait a second for a bus that is held
NACK_REST_S: Final = 0.01  # the library asks again at once, for as long as its time-out

SPI_IOC_MESSAGE_1: Final = 0x40206B00
SPI_IOC_WR_MODE: Final = 0x40016B01
SPI_TRANSFER: Final = struct.Struct("=QQIIHBBBBBB")  # struct spi_ioc_transfer
SPI_HZ: Final = 1_000_000  # the chip bears five times as much; long wires do not
SPI_BITS: Final = 8


class SerialWire:
    """HSU: a serial port that does not wait for bytes which are not coming.

    The library asks for as many bytes as the longest answer has; the frame itself says how many
    there are.
    """

    def __init__(self, port: Any) -> None:
        self._port = port

    @property
    def in_waiting(self) -> int:
        """Bytes that have arrived."""
        return int(self._port.in_waiting)

    def read(self, count: int) -> bytes:
        """*count* bytes, fewer where the frame ends or the line falls silent."""
        got = b""
        while (due := min(_missing(got), count - len(got))) > 0:
            more = self._port.read(due)
            if not more:
                break
            got += more
        return got

    def write(self, data: bytes) -> None:
        """Send *data*."""
        self._port.write(data)

    def reset_input_buffer(self) -> None:
        """Forget what has arrived."""
        self._port.reset_input_buffer()


def _missing(got: bytes) -> int:
    """How many bytes are sure to follow *got*, the beginning of a frame; 0 at its end."""
    start = got.find(START)
    if start < 0:
        return 1
    length_at = start + len(START)
    if len(got) <= length_at:
        return length_at + 1 - len(got)
    return start + FRAME_BESIDES + got[length_at] - len(got)


class I2cWire:
    """`/dev/i2c-N` as `busio.I2C`; a refused read rests before it is told."""

    def __init__(self, files: Files, path: str) -> None:
        self._files = files
        self._file = files.open(path)
        files.ioctl(self._file, I2C_TIMEOUT, I2C_PATIENCE)

    def close(self) -> None:
        """Let the bus go."""
        self._files.close(self._file)

    def try_lock(self) -> bool:
        """Nobody else is on this bus."""
        return True

    def unlock(self) -> None:
        """See `try_lock`."""

    def writeto(self, address: int, data: Any, *, start: int = 0, end: int | None = None) -> None:
        """Write to the chip; raises `OSError`."""
        self._files.ioctl(self._file, I2C_SLAVE, address)
        self._files.write(self._file, bytes(data[start:end]))

    def readfrom_into(
        self, address: int, into: bytearray, *, start: int = 0, end: int | None = None
    ) -> None:
        """Fill *into* from the chip; raises `OSError` after a rest."""
        count = len(into[start:end])
        try:
            self._files.ioctl(self._file, I2C_SLAVE, address)
            into[start : start + count] = self._files.read(self._file, count)
        except OSError:
            time.sleep(NACK_REST_S)
            raise


class SpiWire:
    """`/dev/spidevB.C` as `busio.SPI`; the kernel selects the chip for each transfer."""

    def __init__(self, files: Files, path: str) -> None:
        self._files = files
        self._file = files.open(path)
        files.ioctl(self._file, SPI_IOC_WR_MODE, b"\x00")

    def close(self) -> None:
        """Let the bus go."""
        self._files.close(self._file)

    def try_lock(self) -> bool:
        """Nobody else has this chip select."""
        return True

    def unlock(self) -> None:
        """See `try_lock`."""

    def configure(self, *, baudrate: int, polarity: int, phase: int) -> None:
        """Mode 0 is set already, and the speed is ours."""
        del baudrate
        assert (polarity, phase) == (0, 0), "a PN532 speaks mode 0"

    def write(self, data: bytes) -> None:
        """Send *data*."""
        self._transfer(bytes(data))

    def write_readinto(self, data: bytes, into: bytearray) -> None:
        """Send *data* and put what comes back meanwhile *into* a buffer of the same length."""
        into[:] = self._transfer(bytes(data))

    def _transfer(self, data: bytes) -> bytes:
        out = ctypes.create_string_buffer(data, len(data))
        back = ctypes.create_string_buffer(len(data))
        message = SPI_TRANSFER.pack(
            ctypes.addressof(out),
            ctypes.addressof(back),
            len(data),
            SPI_HZ,
            0,
            SPI_BITS,
            *(0,) * 5,
        )
        self._files.ioctl(self._file, SPI_IOC_MESSAGE_1, message)
        return back.raw
