"""Any register-mapped energy meter on a Modbus bus, by a model file.

Polls about once a second and posts `MeterRead`; a `request` is served at once, ahead of all polling
on the bus, and answered with its ticket. A value is stamped when it was read and never again.

What cannot be true is a failure, not a reading: not-a-number, voltages and frequencies no grid
has, a register that goes back or leaps ahead of what the connector can carry. A register that says
the same impossible thing three times in a row has really moved (a new meter, a reset): it becomes
the new truth, with a warning; what that means for a running transaction is the core's to decide.

Quality: real bus driver against simulated SDM120, SDM630 and EM340 over pty and TCP; not yet on the
bench with a real meter.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated, Final

import msgspec
import structlog

from edge.core.events import MeterFailed, MeterRead
from edge.core.quantities import Reading
from edge.drivers.meter_judge import AGREEING_TILL_BELIEVED, Judge
from edge.drivers.meter_model import ENERGY, Model, blocks, decode, load
from edge.drivers.modbus import ModbusBus
from edge.drivers.registry import Rig
from edge.errors import DriverError, MeterImplausible, MeterSilent
from edge.ports import Clock, Post

FAILURES_TILL_SILENT: Final = 3
WITHIN_S: Final = 1.9  # the core waits 2 s for an answer (Policy.meter_within_s)
WAITING: Final = 16  # requests kept while the driver is down; the core gives up on each after 2 s
HIGHEST: Final[Mapping[str, float]] = {"voltage": 500.0, "current": 400.0, "frequency": 70.0}
"""No low-voltage connection has more: larger values are swapped words or a wrong model."""
HIGHEST_POWER_W: Final = 500_000.0
F32_STEP_WH: Final = 10.0  # what an f32 in kWh still resolves at 100 MWh, and what SDM meters show

log = structlog.get_logger()


class MeterSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[connectors.N.meter]` with `kind = "modbus"`.

    *model* is a bundled model (`sdm120`) or the path of a model file; *rated_w* is the most that
    can flow through this meter, against which leaps of its register are judged.
    """

    bus: str
    model: str
    unit: Annotated[int, msgspec.Meta(ge=1, le=247)]
    poll_s: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    rated_w: Annotated[float, msgspec.Meta(gt=0)] = 25_000.0


@asynccontextmanager
async def open_meter(settings: MeterSettings, rig: Rig, place: int) -> AsyncIterator[ModbusMeter]:
    """Open the meter of connector *place* (0: the main meter); raises `ConfigError`."""
    yield ModbusMeter(settings, load(settings.model), rig.bus(settings.bus), rig.clock, place)


class ModbusMeter:
    """One meter of one connector."""

    def __init__(
        self, settings: MeterSettings, model: Model, bus: ModbusBus, clock: Clock, connector: int
    ) -> None:
        self._settings = settings
        self._model = model
        self._blocks = blocks(model)
        self._bus = bus
        self._clock = clock
        self._connector = connector
        self._asked: asyncio.Queue[int] = asyncio.Queue(WAITING)
        self._answering = asyncio.Lock()
        self._failures = 0
        self._judge = Judge(settings.rated_w, _step_wh(model))

    @property
    def refresh_s(self) -> float:
        """How old a value may be when the meter shows it."""
        return self._model.refresh_s

    async def run(self, post: Post) -> None:
        """Poll and serve until cancelled; raises `MeterSilent` after three failed polls running."""
        self._failures = 0
        async with asyncio.TaskGroup() as tasks:
            server = tasks.create_task(self._serve(post), name=f"meter-{self._connector}-requests")
            silence = await self._poll(post)
            async with self._answering:  # whoever asked still gets an answer
                server.cancel()
        raise silence

    def request(self, ticket: int) -> None:
        """Read now, ahead of polling; `MeterRead` or `MeterFailed` with *ticket* follows."""
        try:
            self._asked.put_nowait(ticket)
        except asyncio.QueueFull:
            log.warning("meter_request_dropped", connector=self._connector, ticket=ticket)

    async def _poll(self, post: Post) -> MeterSilent:
        """Read once per period and post it, until three failures in a row are too many."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            try:
                post(self._read(await self._sample(urgent=False), None))
            except DriverError as error:
                self._failures += 1
                post(self._failed(str(error), None))
                if self._failures >= FAILURES_TILL_SILENT:
                    return self._silence(error)
            due = max(due + self._settings.poll_s, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _serve(self, post: Post) -> None:
        """Answer requests, one after the other, each within two seconds."""
        while True:
            ticket = await self._asked.get()
            async with self._answering:
                post(await self._answer(ticket))

    async def _answer(self, ticket: int) -> MeterRead | MeterFailed:
        """What comes of one request."""
        try:
            async with asyncio.timeout(WITHIN_S):
                return self._read(await self._insist(), ticket)
        except DriverError as error:
            return self._failed(str(error), ticket)
        except TimeoutError:
            return self._failed(f"no reading within {WITHIN_S} s on {self._bus.name}", ticket)

    async def _insist(self) -> Reading:
        """Read for a request: a lost frame or a leap of the register deserves a second look."""
        for _ in range(AGREEING_TILL_BELIEVED - 1):
            try:
                return await self._sample(urgent=True)
            except (MeterSilent, MeterImplausible) as error:
                log.info("meter_asked_again", connector=self._connector, why=str(error))
        return await self._sample(urgent=True)

    async def _sample(self, *, urgent: bool) -> Reading:
        """Read all blocks, energy last, and judge the result."""
        words: dict[int, int] = {}
        for block in self._blocks:
            got = await self._bus.read(
                self._settings.unit,
                self._model.function,
                block.address,
                block.count,
                urgent=urgent,
            )
            words.update(enumerate(got, block.address))
        reading = self._reading(words)
        self._judge.weigh(reading)
        self._failures = 0
        return reading

    def _reading(self, words: Mapping[int, int]) -> Reading:
        """Decode what was just read; raises `MeterImplausible`."""
        values: dict[str, Decimal] = {}
        for quantity, register in self._model.registers.items():
            raw = [words[register.address + offset] for offset in range(register.words)]
            values[quantity] = decode(register, raw, self._model.word_order)
        _check_ranges(values)
        return Reading(
            at=self._clock.now(),
            energy_wh=int(values[ENERGY]),
            power_w=_one(values, "power_w"),
            voltage_v=_phases(values, "voltage_l{}_v"),
            current_a=_phases(values, "current_l{}_a"),
            frequency_hz=_one(values, "frequency_hz"),
        )

    def _read(self, reading: Reading, ticket: int | None) -> MeterRead:
        return MeterRead(at=reading.at, connector=self._connector, reading=reading, ticket=ticket)

    def _failed(self, why: str, ticket: int | None) -> MeterFailed:
        return MeterFailed(
            at=self._clock.now(),
            connector=self._connector,
            why=f"meter {self._model.name}: {why}",
            ticket=ticket,
        )

    def _silence(self, error: DriverError) -> MeterSilent:
        silence = MeterSilent(
            f"meter {self._model.name} failed {self._failures} polls in a row: {error}"
        )
        silence.__cause__ = error
        return silence


def _check_ranges(values: Mapping[str, Decimal]) -> None:
    """Refuse what no low-voltage grid shows: a wrong model or swapped words."""
    for quantity, value in values.items():
        highest = HIGHEST.get(quantity.partition("_")[0])
        if highest is not None and abs(value) > highest:
            raise MeterImplausible(f"{quantity} = {float(value):g}: check the meter's model")
    if abs(values.get("power_w", Decimal(0))) > HIGHEST_POWER_W:
        raise MeterImplausible(f"power_w = {float(values['power_w']):g}: check the meter's model")
    if values[ENERGY] < 0:
        raise MeterImplausible(f"{ENERGY} = {float(values[ENERGY]):g}: check the meter's model")


def _step_wh(model: Model) -> float:
    """The smallest step of the energy register, in Wh."""
    register = model.registers[ENERGY]
    return F32_STEP_WH if register.type in ("f32", "f64") else max(register.scale, 1.0)


def _one(values: Mapping[str, Decimal], quantity: str) -> float | None:
    return float(values[quantity]) if quantity in values else None


def _phases(values: Mapping[str, Decimal], pattern: str) -> tuple[float, ...]:
    named = (pattern.format(phase) for phase in (1, 2, 3))
    return tuple(float(values[name]) for name in named if name in values)
