"""One bay, its car, its line and its disk, around the real core, loop and recorder.

Everything outside `edge.core` and `edge.runtime` is a few lines of plain Python in virtual time.
The process dies at a crash point (`Death`), with the power or without it, and starts again from
what the disk took. `verdict` holds the history against the invariants of delivery.md.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from edge.core.bay import Phase
from edge.core.commands import Command
from edge.core.effects import (
    Ask,
    Cut,
    Effect,
    Energise,
    LearnTime,
    Raise,
    ReadMeter,
    ReadOutbox,
    Rearm,
    Reconnect,
    Reduce,
    Restart,
    Send,
)
from edge.core.events import (
    CallReceived,
    Event,
    EvseSeen,
    MeterRead,
    OutboxRead,
    Pilot,
    PowerFailing,
    PowerReturned,
    Started,
    TagPresented,
    Trip,
)
from edge.core.instant import Instant
from edge.core.messages import Request
from edge.core.quantities import Reading
from edge.core.restore import restore
from edge.runtime.loop import Loop, Witness
from edge.runtime.recorder import Recorder
from tests.crash.central import Central
from tests.crash.life import RULES, Death, Life, setup_of
from tests.crash.line import Line
from tests.crash.memory import MemoryJournal
from tests.crash.outlet import Outlet
from tests.crash.wall import Wall

CONNECTORS = (1, 2)
POLL_S = 20.0  # of the meter: seldom enough that a begin register must be asked for
NIGHT_POLL_S = 100.0  # and of one that nobody uses till morning: half of all steps were these
CAR_S = 0.3  # a car answers a change of the offer
GLITCH_S = 0.05  # until a process that begins believes that the mains are gone


class World(Line):
    """Runs one history. *probe* is told each crash point and may raise `Death`."""

    def __init__(
        self,
        *,
        latency_s: float = 0.0,
        probe: Callable[[str], None] | None = None,
        chance: random.Random | None = None,
        cut_share: float = 0.0,
        wall: Wall | None = None,
    ) -> None:
        self.host = asyncio.get_running_loop()
        self.journal = MemoryJournal(latency_s)
        self.central = Central(self.host.time)
        self.wall = wall or Wall()
        self.wall.boot(self.host.time())
        self.outlets = {number: Outlet() for number in CONNECTORS}
        self.probe = probe or (lambda _: None)
        self.witness: Witness | None = None
        self.chance = chance or random.Random(0)
        self.cut_share = cut_share
        self.line_up = True
        self.poll_s = POLL_S
        self.kernel = 1
        self.kernel_at = {"1": self.host.time()}
        self.lives = 0
        self.dark = False
        self.on_back_up = False
        self.life: Life | None = None
        self.died = asyncio.Event()
        self.breaches: list[str] = []
        self.sent: dict[str, list[Request]] = {}
        self.restarts: list[Restart] = []
        self.clock_lied = False

    # ── time and physics ─────────────────────────────────────────────────────────────────────────

    def now(self) -> Instant:
        """Implements `edge.ports.Clock`."""
        return self.wall.now(self.host.time())

    def learn(self, wall_at: Instant) -> None:
        """Implements `edge.ports.Clock`."""
        self.wall.learn(wall_at.wall, wall_at.monotonic)

    def jump(self, by_s: float) -> None:
        """The wall clock is set, whoever does it."""
        self.clock_lied = self.clock_lied or self.now().trusted
        self.wall.jump(by_s)

    def stand(self, *, still: bool) -> None:
        """The wall clock stops, or goes on."""
        self.clock_lied = self.clock_lied or self.now().trusted
        self.wall.stand(self.host.time(), still=still)

    def set_coil(self, number: int, *, closed: bool) -> None:
        """Move the contactor; closing it without a durable transaction is a breach of I1."""
        outlet = self.outlets[number]
        outlet.integrate(self.host.time())
        if closed and not outlet.coil:
            self._check_energised(number)
        outlet.coil = closed
        self.show(number)

    def _check_energised(self, number: int) -> None:
        if self.on_back_up:
            self.breaches.append(f"firsts 19: contactor {number} closed without mains")
        if not self.journal.rows.open_on(number):
            self.breaches.append(f"I1: contactor {number} closed without a durable transaction")
        if any(connector == number for connector, _ in self.journal.rows.faults):
            self.breaches.append(f"safety 21: contactor {number} closed behind a latched fault")
        life = self.life
        assert life is not None
        phase = life.loop.state.bay(number).connector.phase
        if phase is Phase.RECOVERING:
            self.breaches.append(f"I11: contactor {number} closed before recovery was done")

    def set_pilot(self, number: int, pilot: Pilot) -> None:
        """The car moves; below C the reflex has the contactor open before anybody is told."""
        outlet = self.outlets[number]
        outlet.integrate(self.host.time())
        outlet.pilot = pilot
        if pilot is not Pilot.C:
            outlet.coil = False
        self.show(number)

    def _offer(self, number: int, limit_a: float) -> None:
        self.outlets[number].offered_a = limit_a
        self.host.call_later(CAR_S, self._follow, number)

    def _follow(self, number: int) -> None:
        outlet = self.outlets[number]
        if outlet.plugged and outlet.pilot is not Pilot.A:
            wants = Pilot.C if outlet.offered_a >= 6 else Pilot.B
            if wants is not outlet.pilot:
                self.set_pilot(number, wants)

    def show(self, number: int) -> None:
        """The driver tells what the inputs are."""
        outlet = self.outlets[number]
        self.post(
            EvseSeen(
                at=self.now(),
                connector=number,
                plugged=outlet.plugged,
                pilot=outlet.pilot,
                contactor_closed=outlet.coil,
                tripped=frozenset(outlet.trips),
            )
        )

    # ── what people do ───────────────────────────────────────────────────────────────────────────

    def plug(self, number: int) -> None:
        """A car is connected."""
        self.outlets[number].plugged = True
        self.set_pilot(number, Pilot.B)

    def unplug(self, number: int) -> None:
        """It is pulled, whatever is going on."""
        self.outlets[number].plugged = False
        self.set_pilot(number, Pilot.A)

    def tap(self, id_tag: str) -> None:
        """A card at the only reader."""
        self.post(TagPresented(at=self.now(), id_tag=id_tag))

    def press(self, number: int, *, down: bool, trip: Trip = Trip.EMERGENCY_STOP) -> None:
        """The emergency stop, or another cause: the reflex opens first."""
        outlet = self.outlets[number]
        outlet.integrate(self.host.time())
        (outlet.trips.add if down else outlet.trips.discard)(trip)
        if down:
            outlet.coil = False
        self.show(number)

    def overdraw(self, number: int) -> None:
        """The car takes half as much again as it is offered."""
        outlet = self.outlets[number]
        outlet.integrate(self.host.time())
        outlet.greed = 1.5

    def resend(self) -> None:
        """The operator wants all dead letters told again."""
        self.post(self.journal.rows.resend_asked(self.now()))

    def call(self, command: Command) -> None:
        """The central system asks."""
        life = self.life
        if life is not None and life.linked:
            life.calls += 1
            self.post(CallReceived(at=self.now(), call_id=life.calls, command=command))

    # ── the process ──────────────────────────────────────────────────────────────────────────────

    def post(self, event: Event) -> None:
        """Reaches the process if there is one."""
        if self.life is not None:
            self.life.loop.post(event)

    async def live(self) -> None:
        """Start a process and let it run until it dies."""
        saved = await self.journal.load()
        self.lives += 1
        self.wall.told = False
        if self.dark:
            self.wall.boot(self.host.time())
            self.kernel_at[str(self.kernel)] = self.host.time()
            self.dark = False
        setup = setup_of(self.lives, kernel=self.kernel, connectors=len(CONNECTORS))
        for number in CONNECTORS:  # the driver's first act: outputs off
            self.outlets[number].integrate(self.host.time())
            self.outlets[number].coil = False
        life = self._born(restore(saved, setup, self.now()))
        self.life = life
        life.loop.post(Started(at=self.now()))
        for number in CONNECTORS:
            self._offer(number, 0.0)
            self.show(number)
            self._poll(life, number)
        self.host.call_later(1.0, self._link, life)
        self.host.call_later(GLITCH_S, self._warn, life)
        self.died.clear()
        tasks = (
            asyncio.ensure_future(life.loop.run()),
            asyncio.ensure_future(life.recorder.run(life.loop.post, life.loop.permits)),
            asyncio.ensure_future(self.died.wait()),
        )
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.life = None
            for task in tasks:
                task.cancel()
            endings = await asyncio.gather(*tasks, return_exceptions=True)
        for ending in endings:
            if isinstance(ending, Exception) and not isinstance(ending, Death):
                raise ending

    def _born(self, state: Any) -> Life:
        def perform(effect: Effect) -> None:
            if self.life is not None:
                self._perform(self.life, effect)

        recorder = Recorder(journal=self.journal, perform=perform, clock=self, probe=self.probe)
        loop = Loop(
            state,
            rules=RULES,
            clock=self,
            perform=perform,
            append=recorder.append,
            probe=self.probe,
            witness=self.witness,
        )
        return Life(number=self.lives, loop=loop, recorder=recorder)

    def kill(self) -> None:
        """SIGKILL from outside: pins stay as they are."""
        self.died.set()

    def fail_mains(self) -> None:
        """The coils fall with the mains; a back-up holds the computer, and an input tells it."""
        self.on_back_up = True
        for number in CONNECTORS:
            self.set_coil(number, closed=False)
        self._warn(self.life)

    def _warn(self, life: Life | None) -> None:
        if self.on_back_up and life is not None and self.life is life:
            life.loop.post(PowerFailing(at=self.now()))

    def mend_mains(self) -> None:
        """They are back, and the computer is still there."""
        self.on_back_up = False
        self.post(PowerReturned(at=self.now()))

    def lose_power(self) -> None:
        """All is dark: coils fall, the next kernel is another one, and finds the mains there."""
        self.kernel += 1
        self.dark = True
        self.on_back_up = False
        for outlet in self.outlets.values():
            outlet.integrate(self.host.time())
            outlet.coil = False
        self.died.set()

    def _perform(self, life: Life, effect: Effect) -> None:
        match effect:
            case Cut():
                self.set_coil(effect.connector, closed=False)
            case Energise():
                outlet = self.outlets[effect.connector]
                if outlet.pilot is Pilot.C and not outlet.trips:
                    self.set_coil(effect.connector, closed=True)
            case Raise() | Reduce():
                self._offer(effect.connector, effect.limit_a)
            case ReadMeter():
                self.host.call_later(0.05, self._read, life, effect.connector, effect.ticket)
            case Ask() | Send():
                self._send(life, effect)
            case ReadOutbox():
                self.host.create_task(self._read_outbox(life, effect))
            case Reconnect():
                self.cut_line(1.0)
            case Rearm():
                self.show(effect.connector)
            case LearnTime():
                self.wall.learn(effect.wall, effect.monotonic)
            case Restart():
                self.restarts.append(effect)
                self.host.call_soon(self.kill)
            case _:
                pass  # lamps, locks and replies have no part in the invariants

    def _poll(self, life: Life, number: int) -> None:
        if self.life is life:
            self._read(life, number, None)
            self.host.call_later(self.poll_s, self._poll, life, number)

    def _read(self, life: Life, number: int, ticket: int | None) -> None:
        if self.life is not life:
            return
        outlet = self.outlets[number]
        outlet.integrate(self.host.time())
        power_w = outlet.power_w
        reading = Reading(
            at=self.now(),
            energy_wh=int(outlet.energy_wh),
            power_w=power_w,
            current_a=(power_w / 230,),
        )
        self.post(MeterRead(at=self.now(), connector=number, reading=reading, ticket=ticket))

    async def _read_outbox(self, life: Life, effect: ReadOutbox) -> None:
        messages = await self.journal.read_outbox(effect.after_seq, effect.limit)
        if self.life is life:
            self.post(OutboxRead(at=self.now(), ticket=effect.ticket, messages=messages))
