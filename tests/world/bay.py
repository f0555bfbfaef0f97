"""The physical bay: cable, car, contactor, meter and card reader, and the drivers that see them.

The drivers implement `edge.ports`; what flows is the integral of power over virtual time.
The meter is polled every `POLL_S` under load and every `IDLE_POLL_S` without, instead of each
second: the core hears the same of it, and a day costs a hundredth.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from edge.core.effects import Lamp
from edge.core.events import EvseSeen, MeterFailed, MeterRead, Pilot, TagPresented, Trip
from edge.core.quantities import Reading
from edge.core.setup import EvseTraits
from edge.errors import EvseFailed, MeterSilent
from edge.ports import Clock, Post
from tests.world.life import Life

POLL_S: Final = 60.0
IDLE_POLL_S: Final = 7200.0
CAR_S: Final = 0.3  # a car answers a change of the offer
COIL_S: Final = 0.03
LEAST_A: Final = 6.0
KNOWN_AGO_S: Final = 65.0  # a register is asked, or noted, at least that often
DAY_S: Final = 86_400.0


@dataclass(kw_only=True)
class Flow:
    """What flowed under one transaction, into which *cars*.

    *dim_wh* of it flowed where the meter could not be read.
    """

    connector: int
    ref: int
    energy_wh: float = 0.0
    dim_wh: float = 0.0
    cars: set[int] = field(default_factory=set)


@dataclass(kw_only=True)
class Outlet:
    """One connector as it is, whatever anybody believes. *log* hears of every change.

    *trace* is the true register over time, and whether the meter showed it.
    """

    number: int
    log: Callable[[str], None]
    durable: Callable[[int], int | None]
    breaches: list[str]
    plugged: bool = False
    wants: bool = False
    draw_w: float = 0.0
    pilot: Pilot = Pilot.A
    coil: bool = False
    stopped: bool = False
    latched: bool = False
    offered_a: float = 0.0
    energy_wh: float = 0.0
    offset_wh: float = 0.0
    meter: str = "good"
    frozen_wh: int = 0
    since: float = 0.0
    flows: dict[int, Flow] = field(default_factory=dict)
    days: set[int] = field(default_factory=set)
    resets: int = 0
    seen_wh: float = 0.0
    car: int = 0
    trace: list[tuple[float, float, str]] = field(default_factory=list)
    energised: Callable[[], None] = lambda: None
    _flow: Flow | None = None

    @property
    def power_w(self) -> float:
        """What the car draws now."""
        if not (self.coil and self.pilot is Pilot.C):
            return 0.0
        return min(self.draw_w, self.offered_a * 230)

    @property
    def register_wh(self) -> int:
        """What the meter's register holds."""
        return int(self.energy_wh + self.offset_wh)

    def integrate(self) -> None:
        """Count what flowed; call before anything changes."""
        now = asyncio.get_running_loop().time()
        flown_wh = self.power_w * (now - self.since) / 3600
        if flown_wh:
            self.energy_wh += flown_wh
            self.days.add(int(now // DAY_S))
            if self._flow is not None:
                self._flow.energy_wh += flown_wh
                self._flow.cars.add(self.car)
                if self.meter != "good":
                    self._flow.dim_wh += flown_wh
        self.since = now
        self.trace.append((now, self.energy_wh + self.offset_wh, self.meter))

    def set_coil(self, closed: bool) -> None:
        """Move the contactor; closing it without a durable transaction breaks I1."""
        self.integrate()
        if closed and not self.coil:
            ref = self.durable(self.number)
            if ref is None:
                self.breaches.append(f"I1: contactor {self.number} closed without a transaction")
                self._flow = None
            else:
                new = Flow(connector=self.number, ref=ref)
                self._flow = self.flows.setdefault(ref, new)
        if closed != self.coil:
            self.log(f"coil {self.number} {closed} {self.energy_wh:.3f}")
            self.coil = closed
            if closed:
                self.energised()

    def set_pilot(self, pilot: Pilot) -> None:
        """The car moves; below C nothing flows, and the reflex opens the contactor."""
        self.integrate()
        if pilot is not self.pilot:
            self.log(f"pilot {self.number} {pilot}")
        self.pilot = pilot
        if pilot is not Pilot.C:
            self.set_coil(False)

    def break_meter(self, how: str) -> None:
        """Let the meter be `silent` or `frozen`, or `good` again."""
        self.integrate()
        if how != "good" and self.meter == "good":
            self._dim()
        self.meter = how
        self.frozen_wh = self.register_wh

    def replace_meter(self) -> None:
        """A new meter begins at zero; what flowed since the old one was read is nobody's."""
        self.integrate()
        self._dim()
        self.offset_wh = -float(int(self.energy_wh))
        self.resets += 1

    def _dim(self) -> None:
        """What flowed since somebody last wrote the register down may be nobody's."""
        if self._flow is not None:
            self._flow.dim_wh += self.energy_wh - self.seen_wh + self.draw_w * KNOWN_AGO_S / 3600


class BayEvse:
    """Implements `edge.ports.Evse` on an `Outlet`, for one life."""

    traits = EvseTraits(has_pilot=True)
    proof_s = None

    def __init__(self, outlet: Outlet, life: Life, clock: Clock) -> None:
        self._outlet = outlet
        self._life = life
        self._clock = clock
        self._post: Post | None = None
        self._loop = asyncio.get_running_loop()
        outlet.set_coil(False)  # the driver's first act: outputs off
        self._offer(0.0)

    async def run(self, post: Post) -> None:
        self._post = post
        self.tell()
        await self._loop.create_future()

    def tell(self) -> None:
        """Say what the inputs are."""
        outlet = self._outlet
        if self._post is None or not self._life.is_alive:
            return
        trips = frozenset({Trip.EMERGENCY_STOP}) if outlet.latched else frozenset()
        self._post(
            EvseSeen(
                at=self._clock.now(),
                connector=outlet.number,
                plugged=outlet.plugged,
                pilot=outlet.pilot,
                contactor_closed=outlet.coil,
                tripped=trips,
            )
        )

    def cut(self) -> None:
        if self._life.is_alive:
            self._outlet.set_coil(False)
            self._loop.call_later(COIL_S, self.tell)

    def energise(self) -> None:
        if not self._life.is_alive:
            return
        if self._outlet.latched:
            raise EvseFailed("the emergency stop is pressed")
        if self._outlet.pilot is Pilot.C:
            self._outlet.set_coil(True)
        self._loop.call_later(COIL_S, self.tell)

    def switch_phases(self, phases: int) -> None:
        raise EvseFailed(f"there is no relay to give {phases} phases")

    def offer(self, limit_a: float) -> None:
        if self._life.is_alive:
            self._offer(limit_a)

    def _offer(self, limit_a: float) -> None:
        self._outlet.integrate()
        self._outlet.offered_a = limit_a
        self._loop.call_later(CAR_S, self.follow)

    def follow(self) -> None:
        """The car answers the offer."""
        outlet = self._outlet
        if not outlet.plugged or not self._life.is_alive:
            return
        wanted = Pilot.C if outlet.wants and outlet.offered_a >= LEAST_A else Pilot.B
        if wanted is not outlet.pilot:
            outlet.set_pilot(wanted)
            self.tell()

    def rearm(self) -> None:
        if self._life.is_alive and not self._outlet.stopped:
            self._outlet.latched = False
            self.tell()

    def fire_test_coil(self) -> None:
        """There is none, and `traits` say so."""
        raise EvseFailed("there is no test coil")

    def prove_alive(self) -> None:
        """Nobody asks for it."""

    def show(self, lamp: Lamp) -> None:
        """Nobody looks."""

    def set_lock(self, locked: bool) -> None:
        """There is none."""


class BayMeter:
    """Implements `edge.ports.EnergyMeter` on an `Outlet`, for one life."""

    refresh_s = 0.0

    def __init__(self, outlet: Outlet, life: Life, clock: Clock, chance: Random) -> None:
        self._outlet = outlet
        self._life = life
        self._clock = clock
        self._chance = chance
        self._post: Post | None = None
        self._loop = asyncio.get_running_loop()
        self._due: asyncio.Future[None] = self._loop.create_future()
        self.glitches = False
        outlet.energised = self._poll

    async def run(self, post: Post) -> None:
        self._post = post
        while True:
            if self._outlet.meter == "silent":
                raise MeterSilent(f"the meter of connector {self._outlet.number} says nothing")
            self._read(None)
            self._due = self._loop.create_future()
            timer = self._loop.call_later(POLL_S if self._outlet.coil else IDLE_POLL_S, self._poll)
            try:
                await self._due
            finally:
                timer.cancel()

    def _poll(self) -> None:
        if not self._due.done():
            self._due.set_result(None)

    def request(self, ticket: int) -> None:
        self._loop.call_later(0.02 + 0.2 * self._chance.random(), self._read, ticket)

    def _read(self, ticket: int | None) -> None:
        outlet, post = self._outlet, self._post
        if not self._life.is_alive or post is None:
            return
        now, number = self._clock.now(), outlet.number
        if outlet.meter == "silent":
            post(MeterFailed(at=now, connector=number, why="no answer", ticket=ticket))
            return
        outlet.integrate()
        energy_wh = outlet.frozen_wh if outlet.meter == "frozen" else outlet.register_wh
        outlet.seen_wh = outlet.energy_wh
        if self.glitches and outlet.coil:
            self.glitches = False
            energy_wh = 0
        reading = Reading(
            at=now,
            energy_wh=energy_wh,
            power_w=outlet.power_w,
            current_a=(outlet.power_w / 230,),
        )
        post(MeterRead(at=now, connector=number, reading=reading, ticket=ticket))


class BayReader:
    """Implements `edge.ports.CardReader`, for one life."""

    def __init__(self, life: Life, clock: Clock) -> None:
        self._life = life
        self._clock = clock
        self._post: Post | None = None

    async def run(self, post: Post) -> None:
        self._post = post
        await asyncio.get_running_loop().create_future()

    def tap(self, id_tag: str) -> None:
        """Somebody lays a card on it."""
        if self._post is not None and self._life.is_alive:
            self._post(TagPresented(at=self._clock.now(), id_tag=id_tag))
