"""A register-mapped energy meter on a Modbus bus, by a model file.

Polls about once a second and posts `MeterRead`; a `request` is served at once, ahead of all polling
on the bus, and answered with its ticket. A value is stamped when it was asked for and never again.

What cannot be true is a failure, not a reading: not-a-number, voltages and frequencies no grid
has, a register that goes back or leaps ahead of what the connector can carry. A register that says
the same impossible thing three times in a row has really moved (a reset): it becomes the new truth,
with a warning; what that means for a running transaction is the core's to decide.

A meter that has a serial number is asked for it first, and again after every failure, because a
meter cannot be changed without a silence. Its readings carry the number; another number is another
meter, whose register has nothing to do with the last one's.

Quality: real bus driver against simulated meters of every model over pty and TCP, with wire faults
for hours of virtual time; not yet on the bench with a real meter.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import takewhile
from typing import Annotated, Final

import msgspec
import structlog

from edge.core.events import MeterFailed, MeterRead
from edge.core.quantities import Reading
from edge.drivers.meter_judge import AGREEING_TILL_BELIEVED, Judge
from edge.drivers.meter_model import ENERGY, Model, Quantity, load
from edge.drivers.meter_registers import MeterRegisters
from edge.drivers.modbus import ModbusBus
from edge.drivers.registry import Rig
from edge.errors import DriverError, MeterImplausible, MeterRefused, MeterSilent
from edge.ports import Clock, Post

FAILURES_TILL_SILENT: Final = 3
WITHIN_S: Final = 1.9  # the core waits 2 s for an answer (Policy.meter_within_s)
WAITING: Final = 16  # requests kept while the driver is down; the core gives up on each after 2 s
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
        self._registers = MeterRegisters(model, bus, settings.unit)
        self._bus = bus
        self._clock = clock
        self._connector = connector
        self._asked: asyncio.Queue[int] = asyncio.Queue(WAITING)
        self._answering = asyncio.Lock()
        self._failures = 0
        self._serial: str | None = None
        self._is_known = False
        """Whether it is the meter of that serial number which answers, as far as can be known."""
        self._judge = Judge(settings.rated_w, _step_wh(model), model.refresh_s)

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
        refusals = 0
        while True:
            try:
                post(self._read(await self._sample(urgent=False)))
            except DriverError as error:
                self._failures += 1
                refusals += isinstance(error, MeterRefused)
                post(self._failed(str(error)))
                if self._failures >= FAILURES_TILL_SILENT:
                    if refusals >= FAILURES_TILL_SILENT:
                        self._registers.forget()
                    return self._silence(error)
            else:
                refusals = 0
            due = max(due + self._settings.poll_s, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _serve(self, post: Post) -> None:
        """Answer requests within two seconds, all that wait with the same reading."""
        while True:
            tickets = [await self._asked.get()]
            async with self._answering:
                while not self._asked.empty():
                    tickets.append(self._asked.get_nowait())
                answer = await self._answer()
                for ticket in tickets:
                    post(replace(answer, ticket=ticket))

    async def _answer(self) -> MeterRead | MeterFailed:
        """What comes of a request."""
        try:
            async with asyncio.timeout(WITHIN_S):
                return self._read(await self._insist())
        except DriverError as error:
            return self._failed(str(error))
        except TimeoutError:
            return self._failed(f"no reading within {WITHIN_S} s on {self._bus.name}")

    async def _insist(self) -> Reading:
        """Read for a request: a lost frame or a leap of the register deserves a second look."""
        for _ in range(AGREEING_TILL_BELIEVED - 1):
            try:
                return await self._sample(urgent=True)
            except (MeterSilent, MeterImplausible) as error:
                log.info("meter_asked_again", connector=self._connector, why=str(error))
        return await self._sample(urgent=True)

    async def _sample(self, *, urgent: bool) -> Reading:
        """Read the meter, after a look whether it is still the same one, and judge the result."""
        try:
            if not self._is_known:
                await self._identify(urgent=urgent)
            values, asked_at = await self._registers.read(urgent=urgent)
        except DriverError:
            self._is_known = False
            raise
        reading = Reading(
            at=asked_at,
            energy_wh=int(values[ENERGY]),
            power_w=_one(values, "power_w"),
            voltage_v=_phases(values, "voltage_l1_v", "voltage_l2_v", "voltage_l3_v"),
            current_a=_phases(values, "current_l1_a", "current_l2_a", "current_l3_a"),
            frequency_hz=_one(values, "frequency_hz"),
            meter_serial=self._serial,
        )
        believed = self._judge.weigh(reading)
        self._failures = 0
        return believed

    async def _identify(self, *, urgent: bool) -> None:
        """Learn the meter's serial number; one that differs is believed once it is said twice."""
        if self._model.serial is not None:
            said = await self._registers.mark(self._model.serial, urgent=urgent)
            if said != self._serial:
                if await self._registers.mark(self._model.serial, urgent=urgent) != said:
                    raise MeterImplausible("its serial number changes from one look to the next")
                self._take_for(said)
        self._is_known = True

    def _take_for(self, serial: str | None) -> None:
        """It is the meter of number *serial* from now on."""
        if serial == self._serial:
            return  # another look, for a request beside the poll, was faster
        if self._serial is None:
            log.info("meter_identified", connector=self._connector, serial=serial)
        else:
            log.warning("meter_changed", connector=self._connector, was=self._serial, now=serial)
            self._judge.forget()
            self._registers.forget()
        self._serial = serial

    def _read(self, reading: Reading) -> MeterRead:
        return MeterRead(at=reading.at, connector=self._connector, reading=reading)

    def _failed(self, why: str) -> MeterFailed:
        return MeterFailed(
            at=self._clock.now(),
            connector=self._connector,
            why=f"meter {self._model.name}: {why}",
        )

    def _silence(self, error: DriverError) -> MeterSilent:
        silence = MeterSilent(
            f"meter {self._model.name} failed {self._failures} polls in a row: {error}"
        )
        silence.__cause__ = error
        return silence


def _step_wh(model: Model) -> float:
    """The smallest step of the energy register, in Wh."""
    register = model.registers[ENERGY]
    if register.type in ("f32", "f64"):
        return F32_STEP_WH
    return max(float(register.factor), 1.0)


def _one(values: Mapping[Quantity, Decimal], quantity: Quantity) -> float | None:
    return float(values[quantity]) if quantity in values else None


def _phases(values: Mapping[Quantity, Decimal], *phases: Quantity) -> tuple[float, ...]:
    """From L1 on, up to the first that is not measured: a place in the tuple is a phase."""
    return tuple(float(values[each]) for each in takewhile(values.__contains__, phases))
