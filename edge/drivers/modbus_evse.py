"""A charging point behind a controller of its own on a Modbus bus (EVSE-DIN class).

The controller holds pilot and contactor, and it is the reflex: loss of the car, the pilot's states
E and F, diode, the 6 s and the 100 ms are its work (safety 3-5, 7, 8; ruling 1). What we have is
one lever, the current that it may offer, and one switch, *off*. An offer of 6 A or more is the
permission to close; it is given behind the disk like `energise`, and taken back ahead of it.

Two tasks: one writes what is ordered, at once and before all that waits on the bus, so that a
withdrawal needs one exchange of the bus that was under way and its own (`write_wanted` of the bus
has the bound); the other looks twice a second, which also keeps the controller's own time-out from
running out. What was written is believed when it is read back. A controller that restarted, or that
others write to, is set right at the next look.

Quality: the real bus driver against simulated controllers over pty and TCP; not yet on the bench
with a real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Annotated, Final, Literal

import msgspec
import structlog

from edge.core.effects import Lamp
from edge.core.events import EvseSeen, Pilot, Trip
from edge.core.setup import EvseTraits
from edge.drivers.controller_model import LEAST_A, Face, Model, blocks, interpret, load, raw_limit
from edge.drivers.modbus import ModbusBus
from edge.drivers.registry import Rig
from edge.errors import DriverError, EvseFailed
from edge.ports import Clock, Post

FAILURES_TILL_LOST: Final = 3  # a lost frame is noise; three in a row are a controller that is gone
TRIES: Final = 3  # of one order; then the bus belongs to the meters again
OFF_WITHIN_S: Final = 2.0  # of being switched off a contactor is open, two looks included
RELEASED_WITHIN_S: Final = 6.0  # a car that was offered nothing any more lets go (safety 5)
WITHDRAWN_WITHIN_S: Final = 9.0  # these, and the rest is as above
REST_S: Final = 5.0  # before a contactor closes again (safety 6)
ALIVE_WITHIN_S: Final = 5.0  # beyond any stall of a healthy loop
PROOF_S: Final = 1.0
LEAVE_S: Final = 1.0  # for the last word; the daemon's end has 1.5 s

log = structlog.get_logger()


class ControllerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[connectors.N.evse]` with `kind = "modbus"`.

    *model* is a bundled model (`evse_din`) or the path of a model file; *bus* may carry meters too.
    """

    bus: str
    model: str
    unit: Annotated[int, msgspec.Meta(ge=1, le=247)] = 1
    poll_s: Annotated[float, msgspec.Meta(gt=0, le=2)] = 0.5
    rated_a: Annotated[float, msgspec.Meta(ge=LEAST_A, le=80)] = 32.0
    phases: Literal[1, 3] = 1
    nominal_v: Annotated[float, msgspec.Meta(gt=0)] = 230.0


@asynccontextmanager
async def open_evse(
    settings: ControllerSettings, rig: Rig, place: int
) -> AsyncIterator[ModbusEvse]:
    """Open the charging point of connector *place*; switched off when it is closed.

    Nothing is written before `run`, whose first act is to switch off. Raises `ConfigError`.
    """
    model = load(settings.model)
    evse = ModbusEvse(settings, model, rig.bus(settings.bus), rig.clock, place)
    try:
        yield evse
    finally:
        await evse.leave()


class ModbusEvse:
    """One charging point; implements `edge.ports.Evse`. `cut` may be called from any thread."""

    def __init__(
        self,
        settings: ControllerSettings,
        model: Model,
        bus: ModbusBus,
        clock: Clock,
        connector: int,
    ) -> None:
        self._settings = settings
        self._model = model
        self._blocks = blocks(model)
        self._bus = bus
        self._clock = clock
        self._connector = connector
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._allowed_a = 0.0
        self._is_cut = True
        self._less_at = self._now()
        self._alive_at: float | None = None
        self._face: Face | None = None
        self._plugged = False
        self._latched: set[Trip] = set()
        self._told: EvseSeen | None = None

    @property
    def traits(self) -> EvseTraits:
        """What the controller can know and do."""
        return EvseTraits(
            has_pilot=True,
            rated_a=self._settings.rated_a,
            phases=self._settings.phases,
            nominal_v=self._settings.nominal_v,
        )

    async def run(self, post: Post) -> None:
        """Write and look until cancelled; raises `EvseFailed` when the controller does not answer.

        It begins with *off*: whatever it did meanwhile, the core decides anew.
        """
        self._face = self._told = None
        self._is_cut = True
        self._alive_at = None
        try:
            await self._write_order()
            self._less_at = self._now()  # ordered while nobody answered, obeyed from here on
            await self._prepare()
        except DriverError as error:
            raise self._failed(error) from error
        async with asyncio.TaskGroup() as tasks:
            writer = tasks.create_task(self._carry_out(), name=f"evse-{self._connector}-orders")
            lost = await self._watch(post)
            writer.cancel()
        raise self._failed(lost) from lost

    def cut(self) -> None:
        """Open the contactor; from any thread.

        Where the car has let go the controller has opened already, and the offer stays for it.
        An offer that the core does not take back meanwhile counts again after a rest.
        """
        face = self._face
        if face is not None and not face.closed and face.pilot in (Pilot.A, Pilot.B):
            return
        self._order(self._allowed_a, is_cut=True)

    def offer(self, limit_a: float) -> None:
        """Let the controller signal this current; below 6 A the offer is withdrawn."""
        allowed_a = min(limit_a, self._settings.rated_a)
        is_less = allowed_a < LEAST_A or allowed_a < self._allowed_a
        self._order(allowed_a, is_cut=self._is_cut and is_less)

    def energise(self) -> None:
        """Let the controller close; raises `EvseFailed` while the reflex is latched."""
        if self._latched:
            causes = ", ".join(sorted(self._latched))
            message = f"connector {self._connector} stays open: {causes} is latched"
            raise EvseFailed(message)
        self._order(self._allowed_a, is_cut=False)

    def switch_phases(self, phases: int) -> None:
        """No controller that we know has a relay for it."""
        raise EvseFailed(f"connector {self._connector}: no phase relay to give {phases}")

    def rearm(self) -> None:
        """Clear the latch where the controller shows its causes gone."""
        present = self._present()
        gone = self._latched - present
        if gone:
            self._latched -= gone
            log.info("reflex_rearmed", connector=self._connector, causes=sorted(gone))

    def fire_test_coil(self) -> None:
        """No register fires one; raises `EvseFailed`."""
        raise EvseFailed(f"connector {self._connector}: a controller has no test coil")

    @property
    def proof_s(self) -> float:
        """How often to `prove_alive`."""
        return PROOF_S

    def prove_alive(self) -> None:
        """The control loop came round; once it has begun to, it must go on."""
        self._alive_at = self._now()

    def show(self, lamp: Lamp) -> None:
        """A controller shows its own lamps."""

    def set_lock(self, locked: bool) -> None:
        """There is none that we could move."""

    async def leave(self) -> None:
        """Switch off, as far as anybody answers."""
        self._is_cut = True
        self._allowed_a = 0.0
        try:
            async with asyncio.timeout(LEAVE_S):
                await self._write_order()
        except (DriverError, TimeoutError) as error:
            log.warning("evse_not_switched_off", connector=self._connector, why=str(error))

    def _order(self, allowed_a: float, *, is_cut: bool) -> None:
        """Have it so; from any thread."""
        may_charge, was_cut = self._limit() > 0, self._is_cut
        self._allowed_a, self._is_cut = allowed_a, is_cut
        if (may_charge and not self._limit()) or (is_cut and not was_cut):
            self._less_at = self._now()
        with suppress(RuntimeError):  # the loop is closed: `leave` has said the last word
            self._loop.call_soon_threadsafe(self._wake.set)

    def _limit(self) -> int:
        """What its register should hold now."""
        return 0 if self._is_cut else self._limit_allowed()

    def _limit_allowed(self) -> int:
        return 0 if self._latched else raw_limit(self._model, self._allowed_a)

    def _switches_off(self) -> bool:
        """Whether *off* should be engaged, and can be."""
        return self._is_cut and self._model.off is not None

    async def _carry_out(self) -> None:
        """Write each order; one that fails is tried again, but does not keep the bus."""
        while True:
            await self._wake.wait()
            for _ in range(TRIES):
                self._wake.clear()
                try:
                    await self._write_order()
                    break
                except DriverError as error:
                    log.warning("evse_order_failed", connector=self._connector, why=str(error))

    async def _write_order(self) -> None:
        """Off before the limit when it is less, after it when it is more.

        An order that changes while this one waits for the line is what goes out. *Off* that is
        engaged too long only withholds, and is released by the next.
        """
        unit, limit, off = self._settings.unit, self._model.limit, self._model.off
        if off is not None and self._is_cut:
            await self._bus.write(unit, off.address, [off.engaged])
        await self._bus.write_wanted(unit, limit.address, lambda: [self._limit()])
        if off is not None and not self._is_cut:
            await self._bus.write_wanted(
                unit, off.address, lambda: [off.engaged if self._is_cut else off.released]
            )

    async def _prepare(self) -> None:
        """See to it that the settings hold; written only where they do not, for EEPROM wears."""
        for each in self._model.prepare:
            (held,) = await self._bus.read(self._settings.unit, 3, each.address, 1, urgent=True)
            if held != each.value:
                log.info(
                    "controller_prepared",
                    connector=self._connector,
                    register=each.address,
                    value=each.value,
                )
                await self._bus.write(self._settings.unit, each.address, [each.value])

    async def _watch(self, post: Post) -> DriverError:
        """Look once per period, until three failures in a row are too many."""
        failures = 0
        due = self._loop.time()
        while True:
            try:
                face = await self._look()
            except DriverError as error:
                failures += 1
                if failures >= FAILURES_TILL_LOST:
                    return error
            else:
                failures = 0
                self._judge(face)
                self._tell(post)
            due = max(due + self._settings.poll_s, self._loop.time())
            await asyncio.sleep(due - self._loop.time())

    async def _look(self) -> Face:
        words: dict[tuple[int, int], int] = {}
        for block in self._blocks:
            got = await self._bus.read(
                self._settings.unit, block.function, block.address, block.count, urgent=True
            )
            words |= {(block.function, block.address + n): word for n, word in enumerate(got)}
        return interpret(self._model, words)

    def _judge(self, face: Face) -> None:
        """Take what it shows; latch what is wrong, and say again what it does not hold."""
        was_closed = self._face is not None and self._face.closed
        if was_closed and face.releases and self._now() < self._less_at + RELEASED_WITHIN_S:
            face = replace(face, closed=True)
        self._face = face
        if face.pilot not in (Pilot.E, Pilot.F):  # a fault hides the car
            self._plugged = face.pilot is not Pilot.A
        for trip in sorted(self._present() - self._latched):
            self.offer(0.0)
            self.cut()
            self._latched.add(trip)
            log.warning("reflex_tripped", connector=self._connector, cause=trip)
        rested = not face.closed and self._now() > self._less_at + REST_S
        if self._is_cut and rested and self._limit_allowed():
            self._is_cut = False
        holds = face.limit == self._limit() and face.is_off is self._switches_off()
        if not holds:  # an order that it holds and does not obey is not repeated (safety 10)
            self._wake.set()

    def _present(self) -> set[Trip]:
        """The causes that are there now."""
        present: set[Trip] = set()
        if self._face is not None:
            present |= self._face.trips
            if self._face.closed and (Trip.WELDED in self._latched or self._has_disobeyed()):
                present.add(Trip.WELDED)
        if self._alive_at is not None and self._now() > self._alive_at + ALIVE_WITHIN_S:
            present.add(Trip.DEAD_MAN)
        return present

    def _has_disobeyed(self) -> bool:
        """Whether the contactor had time enough to open since nothing is allowed any more."""
        if self._limit():
            return False
        within_s = OFF_WITHIN_S if self._switches_off() else WITHDRAWN_WITHIN_S
        return self._now() > self._less_at + within_s

    def _tell(self, post: Post) -> None:
        """Post what it shows, if that is news."""
        face = self._face
        assert face is not None  # told after a look
        seen = EvseSeen(
            at=self._clock.now(),
            connector=self._connector,
            plugged=self._plugged,
            pilot=face.pilot,
            contactor_closed=face.closed,
            tripped=frozenset(self._latched),
        )
        if self._told is None or replace(seen, at=self._told.at) != self._told:
            self._told = seen
            post(seen)

    def _failed(self, error: DriverError) -> EvseFailed:
        return EvseFailed(f"controller {self._model.name} of connector {self._connector}: {error}")

    def _now(self) -> float:
        return self._clock.now().monotonic
