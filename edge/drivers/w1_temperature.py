"""A DS18B20, or another thermometer that Linux' w1_therm knows, on the 1-Wire bus.

The kernel reads it: each look at its file takes a conversion, up to 0.75 s, in a thread of our own.
The file `temperature` holds thousandths of a degree; kernels before 5.9 have only `w1_slave`.
85 °C is what the chip says before it has measured anything: it counts only near another as warm.

Quality: files as the kernel writes them; not yet on a real bus.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

import msgspec
import structlog

from edge.core.events import TemperatureRead
from edge.drivers.registry import Rig
from edge.errors import SensorSilent
from edge.ports import Clock, Post

POLL_S: Final = 5.0
HANGS_S: Final = 15.0  # a bus that is held keeps the kernel for as long as it likes
POWER_ON_C: Final = 85.0
NEAR_K: Final = 10.0
COLDEST_C: Final = -55.0
HOTTEST_C: Final = 125.0

log = structlog.get_logger()


class W1Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[connectors.N.temperature]` with `kind = "w1"`: the chip's name among the bus's devices."""

    device: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{2}-[0-9a-f]{12}$")]
    devices: str = "/sys/bus/w1/devices"
    poll_s: Annotated[float, msgspec.Meta(ge=0.1, le=POLL_S)] = POLL_S


@asynccontextmanager
async def open_thermometer(
    settings: W1Settings, rig: Rig, place: int
) -> AsyncIterator[W1Thermometer]:
    """Open the thermometer of connector *place*; it is looked at when it runs."""
    yield W1Thermometer(settings, rig.clock, place)


class W1Thermometer:
    """One chip; implements `edge.ports.Thermometer`. Its thread lives as long as `run`."""

    def __init__(self, settings: W1Settings, clock: Clock, connector: int) -> None:
        self._settings = settings
        self._clock = clock
        self._connector = connector
        self._last_c: float | None = None

    async def run(self, post: Post) -> None:
        """Post what it says, every few seconds, until cancelled; raises `SensorSilent`."""
        loop = asyncio.get_running_loop()
        looks: asyncio.Queue[float | SensorSilent] = asyncio.Queue()
        stop = threading.Event()

        def tell(look: float | SensorSilent) -> None:
            with suppress(RuntimeError):  # the loop has closed: nobody waits any more
                loop.call_soon_threadsafe(looks.put_nowait, look)

        name = f"w1-{self._connector}"
        threading.Thread(target=self._work, args=(stop, tell), name=name, daemon=True).start()
        try:
            while True:
                look = await self._next(looks)
                if isinstance(look, SensorSilent):
                    raise look
                now = self._clock.now()
                post(TemperatureRead(at=now, connector=self._connector, celsius=look))
        finally:
            stop.set()

    async def _next(self, looks: asyncio.Queue[float | SensorSilent]) -> float | SensorSilent:
        try:
            async with asyncio.timeout(HANGS_S):
                return await looks.get()
        except TimeoutError:
            return self._silence("the bus does not let go: check its pull-up and its length")

    def _work(self, stop: threading.Event, tell: Callable[[float | SensorSilent], None]) -> None:
        """Work in the thread: look until told to stop, or until a look fails."""
        while not stop.is_set():
            try:
                celsius = self._look()
            except (OSError, ValueError) as error:
                tell(self._silence(f"{error}: check its three wires, and that w1-gpio is loaded"))
                return
            if celsius is not None:
                tell(celsius)
            stop.wait(self._settings.poll_s)

    def _look(self) -> float | None:
        """One conversion; `None` for what the chip says before it has measured."""
        place = Path(self._settings.devices) / self._settings.device
        try:
            text = (place / "temperature").read_text(encoding="ascii")
        except FileNotFoundError:
            text = _of_slave((place / "w1_slave").read_text(encoding="ascii"))
        celsius = int(text) / 1000
        if not COLDEST_C <= celsius <= HOTTEST_C:
            raise ValueError(f"it says {celsius:g} °C")
        before, self._last_c = self._last_c, celsius
        if celsius == POWER_ON_C and (before is None or abs(before - celsius) > NEAR_K):
            self._last_c = before
            log.info("power_on_value_ignored", connector=self._connector)
            return None
        return celsius

    def _silence(self, why: str) -> SensorSilent:
        return SensorSilent(f"thermometer {self._settings.device} does not answer ({why})")


def _of_slave(text: str) -> str:
    """The thousandths in `w1_slave`, where the kernel found the checksum to be right."""
    first, _, second = text.partition("\n")
    if not first.endswith("YES"):
        raise ValueError("wrong checksum")
    return second.rpartition("t=")[2]
