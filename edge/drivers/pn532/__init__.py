"""NFC card reader PN532 on a serial line (HSU), SPI or I2C, through `adafruit_pn532`.

The library blocks, so it lives in a thread of its own that ends with `run`. UART and SPI are the
wires to choose; I2C works, best with the reset line wired (see `wires`).

    library ── wires ── kernel          what the library is told and asked: chip
       │                                what a look means for the card:     presence
    looking ── thread ── run(post)      what the number means:              card_numbers

Quality: real library over a pty, and over simulated I2C and SPI files, against a simulated PN532:
garbled, late, lost and doubled frames, NACK, held bus, brown-out, unplugging, hours at a time; not
yet on the bench with a real reader.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

import serial
import structlog

from edge.core.events import TagPresented, TagUnusable
from edge.drivers.card_numbers import Cards, ReaderSettings
from edge.drivers.gpio_pins import Pin, open_output
from edge.drivers.linux_files import Files, LinuxFiles
from edge.drivers.pn532.chip import AnswerOdd, Chip, oddities
from edge.drivers.pn532.library import PN532_I2C, PN532_SPI, PN532_UART
from edge.drivers.pn532.looking import Looking, Stop
from edge.drivers.pn532.presence import Presence
from edge.drivers.pn532.wires import BAUDRATE, BYTE_WAIT_S, I2cWire, SerialWire, SpiWire
from edge.drivers.registry import Rig
from edge.errors import DriverError, ReaderSilent
from edge.ports import Clock, Post

WRITE_WITHIN_S: Final = 1.0
TAPS_UNDER_WAY: Final = (
    8  # a person cannot tap faster than the loop takes; more is a loop that hangs
)
GOODBYE_S: Final = 2.5  # a thread in the middle of dialling a dead reader needs this long to notice

PORTS: Final = {
    "uart": ("/dev/serial", "/dev/tty"),
    "spi": ("/dev/spidev",),
    "i2c": ("/dev/i2c-",),
}
"""How the names of ports begin."""

EXAMPLES: Final = {"uart": "/dev/serial0", "spi": "/dev/spidev0.0", "i2c": "/dev/i2c-1"}

LOOK_AT: Final = {
    "uart": "check power, TX/RX and that its switches say HSU",
    "spi": "check power, MOSI/MISO/SCK/SS, that its switches say SPI, and dtparam=spi=on",
    "i2c": "check power, SDA/SCL, that its switches say I2C, dtparam=i2c_arm=on, and the reset line"
    " (reset = PIN): a chip that holds the bus lets go by it only",
}

log = structlog.get_logger()


class Pn532Settings(ReaderSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[readers.N]` with `kind = "pn532"`: the wire, its port, and the reset line if it is wired.

    `port` is `/dev/serial0` or `/dev/ttyUSB0` for uart, `/dev/spidev0.0` for spi, `/dev/i2c-1` for
    i2c. `reset` is the BCM number of the pin that goes to RSTPDN; low resets.
    """

    port: str
    interface: Literal["uart", "spi", "i2c"] = "uart"
    reset: Pin | None = None

    def __post_init__(self) -> None:
        for interface, beginnings in PORTS.items():
            if interface != self.interface and self.port.startswith(beginnings):
                message = (
                    f"{self.port} is no port for {self.interface}: write "
                    f'interface = "{interface}", or a port as {EXAMPLES[self.interface]}'
                )
                raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Computer:
    """What the driver needs of the computer; the seam below which tests put a simulated chip."""

    files: Files
    open_serial: Callable[..., Any] = serial.Serial
    pin_factory: object | None = None


@asynccontextmanager
async def open_reader(settings: Pn532Settings, rig: Rig, place: int) -> AsyncIterator[Pn532Reader]:
    """Open reader number *place*; port and reset line are opened when it runs."""
    computer = Computer(files=LinuxFiles(), pin_factory=rig.pin_factory)
    yield Pn532Reader(settings, rig.clock, place, computer)


class Pn532Reader:
    """One reader; its thread lives as long as `run`."""

    def __init__(
        self, settings: Pn532Settings, clock: Clock, number: int, computer: Computer
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._number = number
        self._computer = computer
        self._cards = Cards(settings, clock, number)
        self._presence = Presence()
        self._port_in_use = threading.Lock()

    async def run(self, post: Post) -> None:
        """Poll until cancelled; raises `ReaderSilent`."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        stop = threading.Event()
        slots = threading.BoundedSemaphore(TAPS_UNDER_WAY)

        def took(event: TagPresented | TagUnusable) -> None:
            slots.release()
            if not stop.is_set():
                post(event)

        def present(uid: bytes) -> None:
            if not slots.acquire(blocking=False):
                log.warning("tap_dropped", reader=self._number)
                return
            loop.call_soon_threadsafe(took, self._cards.laid(uid))

        def settle(silence: BaseException | None) -> None:
            with suppress(RuntimeError):  # the loop has closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, ended, silence)

        def work() -> None:
            try:
                with self._port_in_use:  # a thread of the last run may still be letting it go
                    silence = self.look_until(stop, present)
            except BaseException as bug:
                settle(bug)  # whoever awaits the reader must not wait for a thread that is gone
                raise
            settle(None if stop.is_set() else silence)

        threading.Thread(target=work, name=f"pn532-{self._number}", daemon=True).start()
        try:
            await asyncio.shield(ended)
        finally:
            stop.set()
            if not ended.done():
                await asyncio.wait([ended], timeout=GOODBYE_S)

    def look_until(self, stop: Stop, present: Callable[[bytes], None]) -> ReaderSilent | None:
        """Look for cards until told to stop, or say why that ended; blocks."""
        settings = self._settings
        try:
            with ExitStack() as stack:
                reset = self._open_reset(stack)
                wire = self._open_wire(stack)
                with oddities():
                    chip = Chip(_LIBRARY[settings.interface](wire, reset))
                log.info("reader_opened", reader=self._number, port=settings.port)
                Looking(chip, self._presence, self._clock, present).until(stop)
        except AnswerOdd as odd:
            return self._silence(
                f"no answer on {settings.port} ({odd}): {LOOK_AT[settings.interface]}"
            )
        except DriverError as error:
            return self._silence(str(error))
        except OSError as error:
            return self._silence(
                f"{settings.port} is gone ({error}): check the reader's plug and adapter"
            )
        return None

    def _open_reset(self, stack: ExitStack) -> ResetLine | None:
        if self._settings.reset is None:
            return None
        factory = self._computer.pin_factory
        pin = open_output(self._settings.reset, high=True, pin_factory=factory)
        return ResetLine(stack.enter_context(pin))

    def _open_wire(self, stack: ExitStack) -> SerialWire | I2cWire | SpiWire:
        settings, computer = self._settings, self._computer
        match settings.interface:
            case "uart":
                port = computer.open_serial(
                    settings.port, BAUDRATE, timeout=BYTE_WAIT_S, write_timeout=WRITE_WITHIN_S
                )
                return SerialWire(stack.enter_context(port))
            case "i2c":
                return stack.enter_context(closing(I2cWire(computer.files, settings.port)))
            case "spi":
                return stack.enter_context(closing(SpiWire(computer.files, settings.port)))

    def _silence(self, why: str) -> ReaderSilent:
        return ReaderSilent(f"card reader {self._number}: {why}")


_LIBRARY: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "uart": lambda wire, reset: PN532_UART(wire, reset=reset),
    "i2c": lambda wire, reset: PN532_I2C(wire, reset=reset),
    "spi": lambda wire, reset: PN532_SPI(wire, None, reset=reset),  # the kernel selects the chip
}


class ResetLine:
    """A GPIO output as the `digitalio.DigitalInOut` that the library wants: high = let it work."""

    def __init__(self, pin: Any) -> None:
        self._pin = pin
        self.direction: object = None  # the library sets it; ours is an output from the start

    @property
    def value(self) -> bool:
        """Its level."""
        return bool(self._pin.value)

    @value.setter
    def value(self, high: bool) -> None:
        self._pin.value = high


def _settle(ended: asyncio.Future[None], silence: BaseException | None) -> None:
    if ended.done():
        return
    if silence is None:
        ended.set_result(None)
    else:
        ended.set_exception(silence)
