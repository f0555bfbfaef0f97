"""One click of a contactor: the coil on, a moment, the coil off, and what was seen meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from edge.core.events import Event, EvseSeen, MeterRead, Pilot
from edge.core.quantities import Reading
from edge.doctor.running import running
from edge.doctor.site import Site
from edge.drivers.gpio_pins import LEAST_A, open_input
from edge.drivers.registry import Rig, choose
from edge.errors import DriverError
from edge.ports import Clock, EnergyMeter, Evse

SWITCHED_S: Final = 1.5  # five times what a contactor may take: later is stuck
ASKS_S: Final = 5.0  # from our offer until the load asks for energy
LOAD_W: Final = 100.0  # what a test load draws at least; noise and the meter itself draw less
COUNTED_S: Final = 4.0  # for a meter that publishes each second and is polled each second
NOMINAL_V: Final = 230.0
ASKING: Final = (Pilot.C, Pilot.D, Pilot.NONE)  # none: no pilot to ask by


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """What one click showed.

    Feedback before, during and after, `None` without one; *closes_s* and *opens_s* are how long it
    took to change and to change back, `None` if it did not. *drawn_w* is what each connector's
    meter saw more while the contactor was closed, without those that are silent. *pilot* is the
    state it came to.
    """

    connector: int
    is_loaded: bool
    before: bool | None = None
    during: bool | None = None
    after: bool | None = None
    closes_s: float | None = None
    opens_s: float | None = None
    drawn_w: Mapping[int, float] = field(default_factory=dict)
    pilot: Pilot = Pilot.NONE

    @property
    def is_asking(self) -> bool:
        """Whether the load wants energy, as far as the pilot tells."""
        return self.pilot in ASKING

    @property
    def counted_by(self) -> tuple[int, ...]:
        """The connectors whose meters saw the load."""
        return tuple(sorted(n for n, drawn in self.drawn_w.items() if drawn >= LOAD_W))


class Feedback:
    """The mirror contact's input, watched edge by edge."""

    def __init__(self, stack: AsyncExitStack, rig: Rig, table: Mapping[str, Any], pin: int) -> None:
        self._device = stack.enter_context(
            open_input(
                pin,
                active_high="feedback" not in table.get("active_low", ()),
                pull=table.get("pull", True),
                pin_factory=rig.pin_factory,
            )
        )
        self._moved = asyncio.Event()
        self._clock = rig.clock
        loop = asyncio.get_running_loop()

        def moved() -> None:  # in gpiozero's thread
            loop.call_soon_threadsafe(self._moved.set)

        self._device.when_activated = self._device.when_deactivated = moved

    @property
    def is_closed(self) -> bool:
        """What it says now."""
        return bool(self._device.is_active)

    async def until(self, closed: bool, within_s: float) -> float | None:
        """Seconds until it says *closed*; `None` if it never does."""
        began_s = self._clock.now().monotonic
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self.is_closed is not closed:
                    self._moved.clear()
                    await self._moved.wait()
            return self._clock.now().monotonic - began_s
        return None


class Meters:
    """The meters at work while a contactor is clicked."""

    def __init__(self, meters: Mapping[int, EnergyMeter], clock: Clock) -> None:
        self._meters = meters
        self._clock = clock
        self._readings: dict[int, Reading] = {}
        self._silent: set[int] = set()
        self._news = asyncio.Event()

    async def work(self, connector: int) -> None:
        """Poll one meter until cancelled, or until it turns out to be silent."""
        with suppress(DriverError):
            await self._meters[connector].run(self._post)
        self._silent.add(connector)
        self._news.set()

    async def power_w(self) -> dict[int, float]:
        """What each meter shows that cannot be from before now; silent ones are left out."""
        began_s = self._clock.now().monotonic
        with suppress(TimeoutError):
            async with asyncio.timeout(COUNTED_S):
                while not all(self._is_fresh(n, began_s) for n in self._meters):
                    self._news.clear()
                    await self._news.wait()
        return {
            n: _power_w(self._readings[n])
            for n in sorted(self._readings)
            if n not in self._silent and self._is_fresh(n, began_s)
        }

    def _is_fresh(self, connector: int, since_s: float) -> bool:
        """A meter shows for a while what was before, and so does a reading of it."""
        if connector in self._silent:
            return True
        reading = self._readings.get(connector)
        due_s = since_s + self._meters[connector].refresh_s
        return reading is not None and reading.at.monotonic > due_s

    def _post(self, event: Event) -> None:
        if isinstance(event, MeterRead):
            self._readings[event.connector] = event.reading
            self._news.set()


@asynccontextmanager
async def metered(site: Site, rig: Rig) -> AsyncIterator[Meters]:
    """Have every meter of *site* at work while the block lasts."""
    async with AsyncExitStack() as stack:
        opened: dict[int, EnergyMeter] = {}
        for connector, tables in sorted(site.tables.connectors.items()):
            if tables.meter is not None:
                chosen = choose("meter", tables.meter, f"connectors.{connector}.meter")
                opened[connector] = await stack.enter_async_context(chosen.open(rig, connector))
        meters = Meters(opened, rig.clock)
        async with asyncio.TaskGroup() as group:
            works = [group.create_task(meters.work(n), name=f"doctor-meter-{n}") for n in opened]
            try:
                yield meters
            finally:
                for work in works:
                    work.cancel()


def _power_w(reading: Reading) -> float:
    """The power of *reading*, by its currents where the meter tells no power."""
    if reading.power_w is not None:
        return abs(reading.power_w)
    return sum(reading.current_a) * NOMINAL_V


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A charging point ready for a click; *meters* only where a load is plugged in."""

    evse: Evse
    feedback: Feedback | None
    meters: Meters | None
    clock: Clock

    async def click(self, connector: int) -> Click:
        """Close, look, open, look; the coil is off at the end, however it ends."""
        pilots = _Pilots()
        async with running(self.evse, pilots.post):
            try:
                return await self._clicked(connector, pilots)
            finally:
                self.evse.cut()
                self.evse.offer(0)

    async def _clicked(self, connector: int, pilots: _Pilots) -> Click:
        feedback, meters = self.feedback, self.meters
        is_loaded = meters is not None
        pilot = await self._offered(pilots) if is_loaded else Pilot.NONE
        click = Click(connector=connector, is_loaded=is_loaded, pilot=pilot)
        if not click.is_asking:
            return click
        idle_w = {} if meters is None else await meters.power_w()
        before = None if feedback is None else feedback.is_closed
        self.evse.energise()
        closes_s = None if feedback is None else await feedback.until(not before, SWITCHED_S)
        during = None if feedback is None else feedback.is_closed
        loaded_w = {} if meters is None else await meters.power_w()
        self.evse.cut()
        opens_s = None if feedback is None else await feedback.until(bool(before), SWITCHED_S)
        return replace(
            click,
            before=before,
            during=during,
            after=None if feedback is None else feedback.is_closed,
            closes_s=closes_s,
            opens_s=opens_s,
            drawn_w={n: watts - idle_w.get(n, 0.0) for n, watts in loaded_w.items()},
        )

    async def _offered(self, pilots: _Pilots) -> Pilot:
        """Offer the least there is, and wait for the load to ask; the state that it came to."""
        self.evse.offer(LEAST_A)
        return await pilots.until_asking(ASKS_S)


class _Pilots:
    """The pilot's state, as the charging point tells it."""

    def __init__(self) -> None:
        self._state = Pilot.NONE
        self._news = asyncio.Event()

    def post(self, event: Event) -> None:
        """Take what the charging point posts."""
        if isinstance(event, EvseSeen):
            self._state = event.pilot
            self._news.set()

    async def until_asking(self, within_s: float) -> Pilot:
        """The state once the car asks, or in the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not self._news.is_set() or self._state not in ASKING:
                    self._news.clear()
                    await self._news.wait()
        return self._state
