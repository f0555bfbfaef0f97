"""One charging point on GPIO pins, through gpiozero: contactor, pilot, plug, lock, lamp, reflex.

The reflex opens the coil in the thread that brings the news, before anything else is told or
asked: emergency stop, residual current, over-temperature, a pilot fault, a contactor that does not
do as ordered. Those latch, and nothing closes the contactor until `rearm` finds the cause gone. A
car that stops asking (pilot C or D to B or A) opens the coil as well but is no fault. `cut` writes
the pin first and only then takes the lock; `energise` writes it under the lock, after looking at
the latch: a cut that comes in between finds the coil on and takes it off again, and an order that
comes between a cut and its latch is undone with the latch.

This is supervision, not protection: the emergency stop and the residual current device must break
the coil's circuit themselves, and the coil's rest must be open (safety.md).

Quality: gpiozero's mock pins and the simulated bay. On real pins the pilot's 1 kHz is timed by
lgpio in software: put a pilot board behind it, and measure, before a car hangs on it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from typing import Final

import structlog

from edge.core.effects import Lamp
from edge.core.events import EvseSeen, Pilot, StopPressed, Trip
from edge.core.setup import EvseTraits
from edge.drivers.dead_man import DeadMan
from edge.drivers.gpio_front import Front
from edge.drivers.gpio_pins import GpioSettings, Pins, check_pins, duty, open_pins
from edge.drivers.phase_relay import PhaseRelay
from edge.drivers.rcd_pulse import RcdPulse
from edge.drivers.registry import Rig
from edge.errors import EvseFailed
from edge.ports import Clock, Post

CLOSE_WITHIN_S: Final = 0.3  # a contactor closes in 20-50 ms; safety row 9 allows 100-300
OPEN_WITHIN_S: Final = 1.0  # welds are told from slow springs as open_evse does it
PULSE_S: Final = 0.05
PROOF_S: Final = 1.0  # without a pulse it is enough to be asked now and then
PLUG_SETTLES_S: Final = 0.05  # a plug's contacts bounce for some 20 ms
TRIPS: Final[Mapping[str, Trip]] = {
    "emergency_stop": Trip.EMERGENCY_STOP,
    "rcd": Trip.RCD,
    "over_temperature": Trip.OVER_TEMPERATURE,
}
"""Inputs that open the coil and latch whenever they become active."""

log = structlog.get_logger()


@asynccontextmanager
async def open_evse(settings: GpioSettings, rig: Rig, place: int) -> AsyncIterator[GpioEvse]:
    """Open the charging point of connector *place*, coil off first; off again when it is closed.

    Raises `ConfigError` for pins that make no sense, `EvseFailed` for pins that cannot be had.
    """
    check_pins(settings, place)
    with ExitStack() as stack:
        pins = open_pins(settings, rig.pin_factory, stack)
        evse = GpioEvse(settings, pins, rig.clock, place)
        try:
            yield evse
        finally:
            evse.close()
            await evse.phase_relay.let_fall(OPEN_WITHIN_S)


class GpioEvse:
    """One charging point; implements `edge.ports.Evse`. `cut` may be called from any thread."""

    def __init__(self, settings: GpioSettings, pins: Pins, clock: Clock, connector: int) -> None:
        self._settings = settings
        self._pins = pins
        self._clock = clock
        self._connector = connector
        self._lock = threading.RLock()  # re-entrant: a pin may answer in the thread that writes it
        self._ordered = False
        self._latched: set[Trip] = set()
        self._plugged = pins.reads("plug")
        self._deliver: Callable[[EvseSeen | StopPressed], None] | None = None
        self._mismatch_timer: threading.Timer | None = None
        self._plug_timer: threading.Timer | None = None
        self._front = Front(pins.lamps, pins.buzzer)
        self.phase_relay = PhaseRelay(pins, settings.phases)
        self._dead_man = DeadMan(pins.dead_man, clock, self._give_up)
        self._rcd_pulse = RcdPulse(pins.rcd_test, self._tell)
        for name, device in pins.inputs.items():
            if name == "stop_button":
                device.when_activated = self._press
                continue
            device.when_activated = self._reaction(name, active=True)
            device.when_deactivated = self._reaction(name, active=False)
        with self._lock:
            self._latched.update(trip for name, trip in TRIPS.items() if pins.reads(name))
            self.phase_relay.take()
            self._supervise()

    @property
    def traits(self) -> EvseTraits:
        """What the hardware can know and do."""
        return EvseTraits(
            has_pilot=self._has_pilot,
            has_plug_sense=self._has_pilot or "plug" in self._pins.inputs,
            has_lock=self._pins.lock is not None,
            rated_a=self._settings.rated_a,
            phases=self._settings.phases,
            nominal_v=self._settings.nominal_v,
            has_rcd_test=self._rcd_pulse.is_there,
            switches_phases=self.phase_relay.is_there,
        )

    async def run(self, post: Post) -> None:
        """Post what the inputs show, now and on every change, until cancelled."""
        loop = asyncio.get_running_loop()

        def deliver(seen: EvseSeen | StopPressed) -> None:
            loop.call_soon_threadsafe(post, seen)

        with self._lock:
            self._deliver = deliver
            self._tell()
        try:
            await loop.create_future()
        finally:
            with self._lock:
                self._deliver = None

    def cut(self) -> None:
        """Open the contactor; from any thread, the pin first."""
        self._open_coil()
        if "feedback" not in self._pins.inputs:
            self._tell()

    def offer(self, limit_a: float) -> None:
        """Signal this current to the car; below 6 A the offer is withdrawn."""
        if self._pins.pilot is not None:
            self._pins.pilot.value = duty(min(limit_a, self._settings.rated_a))

    def energise(self) -> None:
        """Close the contactor; raises `EvseFailed` while the reflex is latched.

        A car that has stopped asking meanwhile is no failure: the coil stays off and the inputs are
        told again.
        """
        with self._lock:
            if self._latched:
                causes = ", ".join(sorted(self._latched))
                message = f"connector {self._connector} stays open: {causes} is latched"
                raise EvseFailed(message)
            if not self._car_permits():
                log.info("energise_refused", connector=self._connector, pilot=self._pilot())
                self._tell()
                return
            self._ordered = True
            self._pins.coil.on()
            self._supervise()
            if "feedback" not in self._pins.inputs:
                self._tell()

    def switch_phases(self, phases: int) -> None:
        """Move the phase relay; raises `EvseFailed` unless coil and mirror contact are open."""
        with self._lock:
            if self._ordered or not self.phase_relay.move(phases):
                raise EvseFailed(
                    f"connector {self._connector} stays on its phases: the contactor is not open"
                )
            self._tell()

    def rearm(self) -> None:
        """Clear the reflex's latch where its causes are gone."""
        with self._lock:
            gone = {trip for trip in self._latched if not self._is_present(trip)}
            if gone:
                self._latched -= gone
                if Trip.WELDED in gone and self._pins.shunt_trip is not None:
                    self._pins.shunt_trip.off()
                log.info("reflex_rearmed", connector=self._connector, causes=sorted(gone))
                self._tell()

    def fire_test_coil(self) -> None:
        """Have the residual current device trip, the reflex as live as ever.

        Raises `EvseFailed` without a coil, or while the contactor is closed.
        """
        with self._lock:
            if not self._rcd_pulse.is_there or self._ordered or self._pins.reads("feedback"):
                why = "there is none, or the contactor is closed"
                raise EvseFailed(f"connector {self._connector} fires no test coil: {why}")
            self._rcd_pulse.fire()
            self._tell()

    def show(self, lamp: Lamp) -> None:
        """Set the lamp; the buzzer follows it."""
        self._front.show(lamp)

    @property
    def proof_s(self) -> float:
        """How often to `prove_alive`: as fast as the coil driver's pulse, where it has one."""
        return PROOF_S if self._pins.dead_man is None else PULSE_S

    def prove_alive(self) -> None:
        """The control loop came round."""
        self._dead_man.prove()

    def set_lock(self, locked: bool) -> None:
        """Lock the cable or let it go."""
        if self._pins.lock is None:
            return
        self._pins.lock.value = locked
        if "locked" not in self._pins.inputs:
            self._tell()

    def close(self) -> None:
        """Leave everything off: coil first, then the offer and the lamps."""
        self._open_coil()
        with self._lock:
            self._deliver = None
            for timer in (self._mismatch_timer, self._plug_timer):
                if timer is not None:
                    timer.cancel()
        self._dead_man.close()
        self._rcd_pulse.close()
        self.offer(0)
        self._front.close()

    @property
    def _has_pilot(self) -> bool:
        return self._pins.pilot is not None

    def _reaction(self, name: str, *, active: bool) -> Callable[[], None]:
        def react() -> None:
            self._react(name, active=active)

        return react

    def _press(self) -> None:
        """Tell that the stop button was pressed: a wish, not a danger; the core decides."""
        with self._lock:
            if self._deliver is not None:
                self._deliver(StopPressed(at=self._clock.now(), connector=self._connector))

    def _react(self, name: str, *, active: bool) -> None:
        """The reflex, in the thread of the input: coil first, then the latch, then the news."""
        dangerous = active and name in TRIPS
        was_ordered = self._ordered
        if dangerous or not self._car_permits():
            self._open_coil()
        with self._lock:
            if dangerous:
                self._trip(TRIPS[name])
            elif name == "pilot_fault" and active and was_ordered:
                self._latch(Trip.PILOT_LOST)
            elif name == "feedback":
                self.phase_relay.take()
                self._supervise()
            elif name == "plug":
                self._plug_timer = self._restart(
                    self._plug_timer, PLUG_SETTLES_S, self._settle_plug
                )
            self._tell()

    def _open_coil(self) -> None:
        """Open the contactor, whatever else goes on."""
        self._pins.coil.off()
        with self._lock:
            if self._pins.coil.value:  # `energise` was under way in another thread
                self._pins.coil.off()
            if self._ordered:
                self._ordered = False
                self._supervise()

    def _give_up(self) -> None:
        """The control loop hangs: off, and told for when it comes back."""
        self._open_coil()
        with self._lock:
            self._trip(Trip.DEAD_MAN)
            self._tell()

    def _trip(self, trip: Trip) -> None:
        """Latch what has cut already; off once more if `energise` came in between (lock held)."""
        self._latch(trip)
        self._open_coil()

    def _latch(self, trip: Trip) -> None:
        if trip not in self._latched:
            self._latched.add(trip)
            if trip is Trip.WELDED and self._pins.shunt_trip is not None:
                self._pins.shunt_trip.on()  # what is upstream breaks what we cannot (safety 9)
            log.warning("reflex_tripped", connector=self._connector, cause=trip)

    def _is_present(self, trip: Trip) -> bool:
        """Whether the cause of *trip* is still there."""
        match trip:
            case Trip.WELDED:
                return self._pins.reads("feedback")
            case Trip.PILOT_LOST:
                return self._pins.reads("pilot_fault")
            case Trip.NOT_CLOSED | Trip.DEAD_MAN:
                return False  # shows only when the contactor is ordered closed again
            case _:
                return any(
                    cause is trip and self._pins.reads(name) for name, cause in TRIPS.items()
                )

    def _supervise(self) -> None:
        """See to it that the feedback follows the order in time (lock held)."""
        if "feedback" not in self._pins.inputs:
            return
        follows = self._pins.reads("feedback") == self._ordered
        given_up = not self._ordered and Trip.WELDED in self._latched
        within_s = CLOSE_WITHIN_S if self._ordered else OPEN_WITHIN_S
        if follows or given_up:
            if self._mismatch_timer is not None:
                self._mismatch_timer.cancel()
            return
        ordered = self._ordered
        self._mismatch_timer = self._restart(
            self._mismatch_timer, within_s, lambda: self._judge_feedback(ordered=ordered)
        )

    def _judge_feedback(self, *, ordered: bool) -> None:
        """Time is up: a contactor that did not follow *ordered* trips the reflex."""
        with self._lock:
            if self._ordered is not ordered or self._pins.reads("feedback") is ordered:
                return
            if ordered:
                self._open_coil()
                self._latch(Trip.NOT_CLOSED)
            else:
                self._latch(Trip.WELDED)  # the coil is off already, and is not hammered (safety 10)
            self._tell()

    def _settle_plug(self) -> None:
        with self._lock:
            plugged = self._pins.reads("plug")
            if plugged is not self._plugged:
                self._plugged = plugged
                self._tell()

    def _restart(
        self, old: threading.Timer | None, within_s: float, action: Callable[[], None]
    ) -> threading.Timer:
        if old is not None:
            old.cancel()
        timer = threading.Timer(within_s, action)
        timer.daemon = True
        timer.name = f"evse-{self._connector}-timer"
        timer.start()
        return timer

    def _car_permits(self) -> bool:
        """Whether the car asks for energy, as far as this charging point can know."""
        return not self._has_pilot or self._pilot() in (Pilot.C, Pilot.D)

    def _pilot(self) -> Pilot:
        if not self._has_pilot:
            return Pilot.NONE
        if self._pins.reads("pilot_fault"):
            return Pilot.E
        if not self._pins.reads("vehicle"):
            return Pilot.A
        if not self._pins.reads("ready"):
            return Pilot.B
        return Pilot.D if self._pins.reads("ventilation") else Pilot.C

    def _tell(self) -> None:
        """Post all that the inputs show now; in order, whichever thread it is."""
        with self._lock:
            if self._deliver is not None:
                self._deliver(self._seen())

    def _seen(self) -> EvseSeen:
        pilot = self._pilot()
        has_feedback = "feedback" in self._pins.inputs
        return EvseSeen(
            at=self._clock.now(),
            connector=self._connector,
            plugged=self._plugged if "plug" in self._pins.inputs else self._car_is_there(pilot),
            pilot=pilot,
            contactor_closed=self._pins.reads("feedback") if has_feedback else self._ordered,
            locked=self._is_locked(),
            tripped=frozenset(self._latched),
            rcd_pulsed=self._rcd_pulse.is_on,
            phases=self.phase_relay.phases,
        )

    def _car_is_there(self, pilot: Pilot) -> bool:
        """Without plug sense the pilot must do; with neither, nobody knows: nothing is plugged."""
        return pilot not in (Pilot.A, Pilot.NONE)

    def _is_locked(self) -> bool | None:
        if self._pins.lock is None:
            return None
        if "locked" in self._pins.inputs:
            return self._pins.reads("locked")
        return bool(self._pins.lock.value)
