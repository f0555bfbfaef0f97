"""The real meter driver, hours on a bad line, in virtual time; every reading is compared.

The simulated register changes all its values each time it publishes. A reading is right if the
register showed each of its values between one refresh before it was asked for and the moment it was
posted. Trouble and quiet take turns: in the quiet the driver must be well again within `HEALS_S`.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from random import Random

import structlog

from edge.core.events import Event, MeterFailed, MeterRead, Port
from edge.core.quantities import Reading
from edge.drivers.modbus import ModbusBus, RtuSettings, TcpSettings, open_rtu, open_tcp
from edge.drivers.modbus_meter import MeterSettings, ModbusMeter, open_meter
from edge.drivers.registry import Rig
from edge.runtime.supervise import Backoff, Worker, supervise
from edge.sim.outlet import MeterFault
from edge.sim.registers import Manners, Unit, load_model
from edge.sim.world import MeterFace
from tests.drivers.virtual_wire import ON_A_LINE, ON_A_NETWORK, Chance, Fault, Host, Line, Wire
from tests.world.clocks import Computer
from tests.world.loop import VirtualLoop, elapse

UNIT, DEAD = 5, 9
RATED_W = 10_000  # what flows is up to that, so that no honest reading may be doubted
REFRESH_S = 1.0
RTU = RtuSettings(port="virtual")
TCP = TcpSettings(host="virtual")
BACKOFF = Backoff()
HEALS_S = RTU.probe_s + BACKOFF.most_s + 3.0
QUIET_S = HEALS_S + 40.0
STEADY_S = 30.0  # at the end of each quiet, a reading each second and not one failure
OFTEN_S, SELDOM_S = (0.0, 5.0), (5.0, 15.0)
"""How far apart readings are asked for besides those of the polls.

Nine registers read one by one take 0.9 s of a line at 9600 baud: in the steady time there is room
for the polls and little else.
"""
LATEST_S = {False: RTU.patience_s + RTU.drain_s, True: 5.0}
"""By whether it is a network: there no reply is too late, on a line the drain must outlast it."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One history. *has_holes*: the meter refuses all that its model does not name.

    *latest_s*: replies are late by up to this; on a line the settings bear `timeout_s + drain_s`.
    """

    model: str
    is_network: bool
    seed: int
    hours: float
    has_holes: bool = False
    latest_s: float | None = None
    without: tuple[Fault, ...] = ()


@dataclass(kw_only=True)
class Outcome:
    """What came of it; `breaches` must be empty."""

    readings: int = 0
    failures: int = 0
    slowest_heal_s: float = 0.0
    faults: Counter[Fault] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)


class Register:
    """A meter whose every value is another one each time it publishes; remembers them all."""

    def __init__(self, trial: Trial) -> None:
        self._random = Random(f"register {trial.seed}")
        self._loop = asyncio.get_running_loop()
        self._shown: list[tuple[float, MeterFace]] = []
        model = load_model(trial.model)
        energy = model.registers["energy_import_wh"]
        self._step_wh = 1.0 if energy.type.startswith("f") else max(1.0, energy.scale)
        self.unit = Unit(
            model,
            self._publish,
            lambda: MeterFault.NONE,
            refresh_s=REFRESH_S,
            manners=Manners(has_holes=trial.has_holes),
        )

    def _publish(self) -> MeterFace:
        now = self._loop.time()
        energy_wh = 123_456.0
        if self._shown:
            before_s, before = self._shown[-1]
            energy_wh = before.energy_wh + before.power_w * (now - before_s) / 3600
        random = self._random
        face = MeterFace(
            energy_wh=energy_wh,
            power_w=random.randrange(RATED_W // 2, RATED_W + 1),
            voltage_v=tuple(random.randrange(215, 246) for _ in range(3)),
            current_a=tuple(random.randrange(1, 33) for _ in range(3)),
            frequency_hz=random.randrange(49, 52),
        )
        self._shown.append((now, face))
        return face

    def misread(self, reading: Reading, posted_at: float, stale_s: float) -> str | None:
        """How *reading* differs from all that was shown in its time."""
        asked_at = reading.at.monotonic
        faces = list(self._between(asked_at - stale_s, posted_at))
        told = {"energy_wh": reading.energy_wh, **_told(reading)}
        shown = [{"energy_wh": self._energy_wh(face), **_shown(face)} for face in faces]
        for name, got in told.items():
            if got not in [each[name] for each in shown]:
                return f"{name} {got} was not shown from {asked_at:.2f} to {posted_at:.2f}"
        return None

    def _energy_wh(self, face: MeterFace) -> int:
        return int(math.floor(face.energy_wh / self._step_wh + 1e-9) * self._step_wh)

    def _between(self, first: float, last: float) -> Iterator[MeterFace]:
        """What it showed at any moment of these."""
        ends = [at for at, _ in self._shown[1:]] + [math.inf]
        for (since, face), until in reversed(list(zip(self._shown, ends, strict=True))[-20:]):
            if since <= last and until >= first:
                yield face


def _told(reading: Reading) -> dict[str, float]:
    """What *reading* says besides energy, by name and phase."""
    told = {f"voltage_l{n}_v": value for n, value in enumerate(reading.voltage_v, 1)}
    told |= {f"current_l{n}_a": value for n, value in enumerate(reading.current_a, 1)}
    rest = {"power_w": reading.power_w, "frequency_hz": reading.frequency_hz}
    return told | {name: value for name, value in rest.items() if value is not None}


def _shown(face: MeterFace) -> dict[str, float]:
    shown = {f"voltage_l{n}_v": value for n, value in enumerate(face.voltage_v, 1)}
    shown |= {f"current_l{n}_a": value for n, value in enumerate(face.current_a, 1)}
    return shown | {"power_w": face.power_w, "frequency_hz": face.frequency_hz}


def run(trial: Trial) -> Outcome:
    """Play *trial* at once."""
    with quiet():
        loop = VirtualLoop()
        loop.set_exception_handler(lambda _loop, _context: None)  # pymodbus chokes on some garbage
        try:
            return loop.run_until_complete(_play(trial))
        finally:
            loop.close()


async def _play(trial: Trial) -> Outcome:
    faults = ON_A_NETWORK if trial.is_network else ON_A_LINE
    chance = Chance(
        f"{trial.model} {trial.is_network} {trial.seed}",
        [each for each in faults if each not in trial.without],
        trial.latest_s or LATEST_S[trial.is_network],
    )
    register = Register(trial)
    wire: Wire = (Host if trial.is_network else Line)([(UNIT, register.unit)], chance)
    course = _Course(trial, register, wire)
    rig = Rig(clock=Computer(is_kept=True).clock(), random=Random(1))
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(_opened(trial, rig))
        wire.attach(bus)
        rig = Rig(clock=rig.clock, random=rig.random, buses={"bus": bus})
        meters = [
            await stack.enter_async_context(open_meter(settings, rig, 1))
            for settings in (
                MeterSettings(bus="bus", model=trial.model, unit=UNIT, rated_w=RATED_W),
                MeterSettings(bus="bus", model="sdm120", unit=DEAD),
            )
        ]
        works = [
            asyncio.ensure_future(
                supervise(
                    Worker(port=Port.METER, connector=1, run=meter.run),
                    post,
                    clock=rig.clock,
                    backoff=BACKOFF,
                )
            )
            for meter, post in zip(meters, (course.take, _ignore), strict=True)
        ]
        try:
            await course.go(meters[0])
        finally:
            for work in works:
                work.cancel()
            await asyncio.wait(works)
    course.outcome.faults = chance.counts
    return course.outcome


@asynccontextmanager
async def _opened(trial: Trial, rig: Rig) -> AsyncIterator[ModbusBus]:
    if trial.is_network:
        async with open_tcp(TCP, rig, 0) as bus:
            yield bus
    else:
        async with open_rtu(RTU, rig, 0) as bus:
            yield bus


class _Course:
    """Trouble and quiet in turn, and what is read meanwhile."""

    def __init__(self, trial: Trial, register: Register, wire: Wire) -> None:
        self.outcome = Outcome()
        self._trial = trial
        self._register = register
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self._last: Reading | None = None
        self._random = Random(f"course {trial.seed}")
        self._tickets = 0
        self._read_at: list[float] = []
        self._failed_at = -math.inf
        bears = LATEST_S[trial.is_network]
        self._stale_s = REFRESH_S + max(0.0, (trial.latest_s or 0.0) - bears)

    def take(self, event: Event) -> None:
        """What the driver posts."""
        now = self._loop.time()
        if isinstance(event, MeterFailed):
            self.outcome.failures += 1
            self._failed_at = now
        if not isinstance(event, MeterRead):
            return
        self.outcome.readings += 1
        self._read_at.append(now)
        wrong = self._register.misread(event.reading, now, self._stale_s)
        if wrong is not None:
            self._breach(wrong)
        if self._last is not None and event.reading.energy_wh < self._last.energy_wh:
            self._breach(f"back from {self._last.energy_wh} to {event.reading.energy_wh} Wh")
        self._last = event.reading

    async def go(self, meter: ModbusMeter) -> None:
        """A clean start, then as many hours as the trial has."""
        await elapse(10.0)
        while self._loop.time() < self._trial.hours * 3600:
            self._wire.chance.share = self._random.uniform(0.05, 0.95)
            await self._ask_until(meter, self._loop.time() + self._random.uniform(20, 300))
            await self._rest(meter)

    async def _ask_until(
        self, meter: ModbusMeter, ends_at: float, apart_s: tuple[float, float] = OFTEN_S
    ) -> None:
        """Ask for readings besides those of the polls, at any moment."""
        while self._loop.time() < ends_at:
            await elapse(self._random.uniform(*apart_s))
            self._tickets += 1
            meter.request(self._tickets)

    async def _rest(self, meter: ModbusMeter) -> None:
        """Nothing goes wrong any more: the driver is well again in time, and stays so."""
        self._wire.chance.share = 0.0
        self._wire.away_until = 0.0
        began = self._loop.time()
        self._read_at.clear()
        await self._ask_until(meter, began + QUIET_S - STEADY_S)
        steady_from = self._loop.time()
        await self._ask_until(meter, steady_from + STEADY_S, SELDOM_S)
        steady_s = self._loop.time() - steady_from
        healed_s = (self._read_at[0] if self._read_at else math.inf) - began
        self.outcome.slowest_heal_s = max(self.outcome.slowest_heal_s, healed_s)
        if healed_s > HEALS_S:
            self._breach(f"not well again after {healed_s:.1f} s")
        steady = sum(at >= steady_from for at in self._read_at)
        if steady < steady_s - 2 or self._failed_at >= steady_from:
            self._breach(
                f"{steady} readings in {steady_s:.0f} s of quiet, failed at {self._failed_at}"
            )

    def _breach(self, what: str) -> None:
        trial = self._trial
        self.outcome.breaches.append(f"{trial.model} seed {trial.seed}: {what}")


def _ignore(_: Event) -> None:
    """The dead neighbour has nothing to say."""


@contextmanager
def quiet() -> Iterator[None]:
    """Nobody reads a million log lines."""
    pymodbus = logging.getLogger("pymodbus")
    level, before = pymodbus.level, structlog.get_config()
    pymodbus.setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        pymodbus.setLevel(level)
        structlog.configure(**before)
