"""NFC card reader PN532 on a serial line (HSU), through `adafruit_pn532`.

The library blocks, so it lives in a thread of its own that ends with `run`. A card counts once,
until it has been away for two looks in a row (a 7-byte card misses every second look on some
readers).

The library says the same for "no card" and for "reader gone", so liveness is asked for apart: the
firmware version is read after anything odd and every ten idle seconds. UIDs of 4 and 7 bytes are
read; the library refuses 10-byte ones, which is logged and otherwise taken for no card.

`adafruit_pn532` wants names from Blinka, which probes the board and may ask to install packages;
they are only needed for reset pins and annotations, so stand-ins take their place while it is
imported.

Quality: real library over a pty against a simulated PN532, with silence, garbage and unplugging;
not yet on the bench with a real reader.
"""

from __future__ import annotations

import asyncio
import sys
import termios
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import ModuleType
from typing import Annotated, Any, Final

import msgspec
import serial
import structlog

from edge.core.events import TagPresented
from edge.drivers.registry import Rig
from edge.errors import ReaderSilent
from edge.ports import Clock, Post


@contextmanager
def _blinka_stood_in() -> Iterator[None]:
    """Give `adafruit_pn532` the few names it imports from Blinka without importing Blinka."""
    names: dict[str, dict[str, object]] = {
        "busio": {"UART": object},
        "digitalio": {"DigitalInOut": object, "Direction": object},
        "micropython": {"const": lambda value: value},
    }
    absent = [name for name in names if name not in sys.modules]
    for name in absent:
        stand_in = ModuleType(name)
        vars(stand_in).update(names[name])
        sys.modules[name] = stand_in
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


with _blinka_stood_in():
    from adafruit_pn532.adafruit_pn532 import BusyError
    from adafruit_pn532.uart import PN532_UART

BAUDRATE: Final = 115_200  # what the chip speaks after power-up
BYTE_WAIT_S: Final = 0.04  # the library asks for 73 bytes and waits this long for those not coming
LOOK_S: Final = 0.1  # one look for a card; tap to event stays below 150 ms
REST_S: Final = 0.03  # between looks while a card lies on the reader, which answers at once
LOOKS_TILL_AWAY: Final = 2
PROBE_EVERY_S: Final = 10.0
TAPS_UNDER_WAY: Final = (
    8  # a person cannot tap faster than the loop takes; more is a loop that hangs
)
GOODBYE_S: Final = 2.5  # a thread in the middle of dialling a dead reader needs this long to notice

GONE: Final = (OSError, termios.error)
ODD: Final = (RuntimeError, BusyError, IndexError)

log = structlog.get_logger()


class Pn532Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[readers.N]` with `kind = "pn532"`: port, and connectors it serves (none: all)."""

    port: str
    connectors: tuple[Annotated[int, msgspec.Meta(ge=1)], ...] = ()


@asynccontextmanager
async def open_reader(settings: Pn532Settings, rig: Rig, place: int) -> AsyncIterator[Pn532Reader]:
    """Open reader number *place*; its port is opened when it runs."""
    yield Pn532Reader(settings, rig.clock, place)


class Pn532Reader:
    """One reader; its thread lives as long as `run`."""

    def __init__(self, settings: Pn532Settings, clock: Clock, number: int) -> None:
        self._settings = settings
        self._clock = clock
        self._number = number
        self._port_in_use = threading.Lock()

    async def run(self, post: Post) -> None:
        """Poll until cancelled; raises `ReaderSilent`."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        stop = threading.Event()
        slots = threading.BoundedSemaphore(TAPS_UNDER_WAY)

        def took(event: TagPresented) -> None:
            slots.release()
            if not stop.is_set():
                post(event)

        def present(uid: str) -> None:
            if not slots.acquire(blocking=False):
                log.warning("tap_dropped", reader=self._number)
                return
            loop.call_soon_threadsafe(took, self._presented(uid))

        def settle(silence: ReaderSilent | None) -> None:
            with suppress(RuntimeError):  # the loop has closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, ended, silence)

        def work() -> None:
            with self._port_in_use:  # a thread of the last run may still be letting it go
                silence = self._look_until(stop, present)
            settle(None if stop.is_set() else silence)

        threading.Thread(target=work, name=f"pn532-{self._number}", daemon=True).start()
        try:
            await asyncio.shield(ended)
        finally:
            stop.set()
            if not ended.done():
                await asyncio.wait([ended], timeout=GOODBYE_S)

    def _presented(self, uid: str) -> TagPresented:
        log.info("tag_presented", reader=self._number, tag=f"…{uid[-4:]}")
        return TagPresented(
            at=self._clock.now(),
            id_tag=uid,
            reader=self._number,
            connectors=self._settings.connectors,
        )

    def _look_until(
        self, stop: threading.Event, present: Callable[[str], None]
    ) -> ReaderSilent | None:
        """Work in the thread: look for cards until told to stop, or say why that ended."""
        port = self._settings.port
        try:
            with serial.Serial(port, BAUDRATE, timeout=BYTE_WAIT_S, write_timeout=1.0) as line:
                chip = PN532_UART(line)
                log.info("reader_opened", reader=self._number, port=port)
                Looking(chip, self._clock, present).until(stop)
        except GONE as error:
            return self._silence(f"{port} is gone ({error}): check the reader's plug and adapter")
        except ODD as error:
            return self._silence(
                f"no answer on {port} ({error}): check power, TX/RX and that its switches say HSU"
            )
        return None

    def _silence(self, why: str) -> ReaderSilent:
        return ReaderSilent(f"card reader {self._number}: {why}")


class Looking:
    """One connection to the chip: what lies on it, and when it last proved to be alive."""

    def __init__(self, chip: Any, clock: Clock, present: Callable[[str], None]) -> None:
        self._chip = chip
        self._clock = clock
        self._present = present
        self._lying: str | None = None
        self._missed = 0
        self._alive_at = self._now()

    def until(self, stop: threading.Event) -> None:
        """Look again and again; raises what the library raises when the reader is gone."""
        while not stop.is_set():
            uid = self._look()
            if uid is None:
                self._note_absence()
                if self._now() - self._alive_at > PROBE_EVERY_S:
                    self._probe()
                continue
            self._missed = 0
            self._alive_at = self._now()
            if uid != self._lying:
                self._lying = uid
                self._present(uid)
            stop.wait(REST_S)

    def _look(self) -> str | None:
        """The UID of a card in the field; `None` for no card, after a probe if anything was odd."""
        try:
            heard = self._chip.listen_for_passive_target(timeout=LOOK_S)
            found = self._chip.get_passive_target(timeout=LOOK_S) if heard else None
        except ODD as error:
            log.info("reader_answer_odd", why=str(error))
            self._probe()
            return None
        if not heard:  # not even an acknowledgement
            self._probe()
        return bytes(found).hex().upper() if found else None

    def _note_absence(self) -> None:
        self._missed += 1
        if self._missed >= LOOKS_TILL_AWAY:
            self._lying = None

    def _probe(self) -> None:
        """Ask for the firmware version, twice at most; raises `RuntimeError` if none comes."""
        try:
            self._chip.firmware_version  # noqa: B018 - reading it asks the chip
        except ODD:
            self._chip.firmware_version  # noqa: B018 - a second miss is silence
        self._alive_at = self._now()

    def _now(self) -> float:
        return self._clock.now().monotonic


def _settle(ended: asyncio.Future[None], silence: ReaderSilent | None) -> None:
    if ended.done():
        return
    if silence is None:
        ended.set_result(None)
    else:
        ended.set_exception(silence)
