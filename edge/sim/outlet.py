"""One charging point of the simulated bay: contactor, lock, plug, car and load, seen by its wires.

No clock and no I/O: `World` says what time it is. Power is piecewise constant, so energy is exact:
`integrate` is called for every stretch between two changes. Units are in the names.
Source of the pilot: IEC 61851-1, table A.8 (duty to amps) and A.2 (states).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from edge.sim.controller import Controller

CONTACTOR_S: Final = 0.02  # what a good contactor takes to open or close
SLOW_CONTACTOR_S: Final = 0.4  # later than the 300 ms a driver waits for the feedback
LOCK_S: Final = 0.05
RAMP_S: Final = 0.2  # a car that loses its offer goes on at half power for this long
NOMINAL_V: Final = 230.0
FREQUENCY_HZ: Final = 50.0
ROOM_C: Final = 25.0
RATED_A: Final = 32.0  # of a charging point that does not say
FLOWS_KEPT: Final = 1000  # of the latest closings of a contactor
BOUNCE_S: Final = 0.006  # contacts chatter for some 20 ms
MOST_BOUNCES: Final = 20
OVER_CURRENT: Final = 1.5  # times the offer, drawn by a car that does not obey

DUTY_LEAST: Final = 0.08  # below: digital communication, which we do not speak
DUTY_SIX_AMPS: Final = 0.10
DUTY_BEND: Final = 0.85  # amps per percent change from 0.6 to 2.5
DUTY_MOST: Final = 0.97

OUTPUTS: Final = ("coil", "pilot_pwm", "lamp_red", "lamp_green", "lamp_blue", "lock")
PHASE_RELAY: Final = "phase_relay"
EXTRAS: Final = ("rcd_test", PHASE_RELAY)
"""Outputs that few charging points have."""

INPUTS: Final = (
    "feedback",
    "plug",
    "vehicle",
    "ready",
    "ventilation",
    "pilot_fault",
    "emergency_stop",
    "rcd",
    "over_temperature",
    "locked",
    "stop_button",
)


class Contactor(StrEnum):
    """How the contactor behaves."""

    OK = "ok"
    WELDED = "welded"
    STUCK_OPEN = "stuck_open"
    SLOW = "slow"


class Lock(StrEnum):
    """How the connector lock behaves."""

    OK = "ok"
    FAIL_LOCK = "fail_lock"
    FAIL_UNLOCK = "fail_unlock"
    ABSENT = "absent"


class MeterFault(StrEnum):
    """What is wrong between meter and bus; `late` answers after the master gave up.

    `wrong_unit` answers in another's name, `short` with half a frame, `busy` with exception 6.
    """

    NONE = "none"
    TIMEOUT = "timeout"
    CRC = "crc"
    STUCK = "stuck"
    SWAPPED = "swapped"
    LATE = "late"
    WRONG_UNIT = "wrong_unit"
    SHORT = "short"
    BUSY = "busy"


class Wire(StrEnum):
    """Faults and buttons that are a level or a break on one wire."""

    EMERGENCY_STOP = "emergency_stop"
    STOP_BUTTON = "stop_button"
    RCD = "rcd"
    OVER_TEMPERATURE = "over_temperature"
    PILOT_FAULT = "pilot_fault"
    PILOT_NEGATIVE = "pilot_negative"
    PILOT_LOST = "pilot_lost"
    NO_DIODE = "no_diode"
    PE_LOST = "pe_lost"
    COIL_BROKEN = "coil_broken"
    FEEDBACK_BROKEN = "feedback_broken"
    FEEDBACK_INVERTED = "feedback_inverted"
    RCD_TEST_DEAD = "rcd_test_dead"
    LOCK_FEEDBACK_LOST = "lock_feedback_lost"
    OVER_CURRENT = "over_current"


NO_RETURN: Final = frozenset({Wire.PILOT_LOST, Wire.PE_LOST})
"""The pilot's current comes back over PE: without either the car is not seen, state A."""


def decode_duty(duty: float) -> float:
    """Amps that a control pilot's duty (0..1) offers; steady levels and misfits offer nothing."""
    if not DUTY_LEAST <= duty <= DUTY_MOST:
        return 0.0
    if duty <= DUTY_SIX_AMPS:
        return 6.0
    if duty <= DUTY_BEND:
        return duty * 60.0
    return min((duty * 100.0 - 64.0) * 2.5, 80.0)


def is_high(level: float) -> bool:
    """Whether an output's level (0..1) reads as high."""
    return round(level) == 1


class Outlet:
    """A connector with all that hangs on it. Set facts, then `settle`; `fire` what is due."""

    def __init__(self, *, draw_w: float, ev_delay_s: float, phases: int) -> None:
        self.outputs = dict.fromkeys((*OUTPUTS, *EXTRAS), 0.0)
        self.wires: set[Wire] = set()
        self.contactor = Contactor.OK
        self.lock = Lock.OK
        self.mains = True
        self.closed = False
        self.flows: deque[tuple[float, float]] = deque(maxlen=FLOWS_KEPT)
        self.locked = False
        self.plug_in_socket = False
        self.plug_in_car = False
        self.pulling = False
        self.bounces = 0
        self.car = "A"
        self.wants = "C"
        self.draw_w = draw_w
        self.ev_delay_s = ev_delay_s
        self.phases = phases
        self.has_phase_relay = False
        self.switched_on = False
        self.breaches = 0  # of safety 23: the phase relay moved behind a closed contactor
        self.fixed_a: float | None = None  # without a pilot: what the fuse of the socket gives
        self.voltage_v: tuple[float, ...] = (NOMINAL_V, NOMINAL_V, NOMINAL_V)
        self.forced_w: float | None = None
        self.forced_a: tuple[float, ...] | None = None
        self.soc_percent: float | None = None
        self.temperature_c: float | None = ROOM_C
        self.time_scale = 1.0
        self.energy_wh = 0.0
        self.rollover_wh: float | None = None  # the register begins anew there
        self.drawn_wh = 0.0
        self.controller: Controller | None = None
        self._limit_a = 0.0
        self._flow_begin_wh = 0.0
        self._due: dict[str, float] = {}

    def fit(self, evse: Mapping[str, Any]) -> None:
        """Be what the table `[connectors.N.evse]` says: its phases, lock, pilot."""
        self.phases = evse.get("phases", 1)
        self.has_phase_relay = PHASE_RELAY in evse
        self.lock = Lock.OK if "lock" in evse else Lock.ABSENT
        if evse["kind"] == "gpio" and "pilot_pwm" not in evse:
            self.fixed_a = float(evse.get("rated_a", RATED_A))

    def next_due(self) -> float | None:
        """When something happens here by itself, if anything will."""
        return min(self._due.values(), default=None)

    def integrate(self, stretch_s: float) -> None:
        """Count the energy of *stretch_s* seconds at the present power."""
        wh = self.power_w() * stretch_s * self.time_scale / 3600.0
        self.energy_wh += wh
        self.drawn_wh += wh

    def fire(self, now_s: float) -> None:
        """Let happen what is due."""
        for name in [name for name, at in self._due.items() if at <= now_s]:
            del self._due[name]
            if name == "contactor":
                self._move(closed=not self.closed)
            elif name == "lock":
                self.locked = not self.locked
            elif name == "bounce":
                self.bounces -= 1
            elif name == "car":
                self.car = self._car_goal()
        self.settle(now_s)

    def settle(self, now_s: float) -> None:
        """Draw the conclusions from changed facts: at once, or by a timer of the part concerned."""
        self._settle_phases()
        self._settle_lock(now_s)
        self._settle_plug(now_s)
        if self.controller is not None:
            self.controller.drive(self, now_s)
        self._settle_car(now_s)
        if self.controller is not None:  # which sees at once what the car did
            self.controller.drive(self, now_s)
            at_s = self.controller.release_at
            self._time("release", needed=at_s is not None, at_s=at_s or 0.0)
        self._settle_contactor(now_s)

    def live_phases(self) -> int:
        """Over how many phases the car can draw."""
        return 1 if self.has_phase_relay and not self.switched_on else self.phases

    def power_w(self) -> float:
        """What is drawn through the contactor now."""
        if not (self.closed and self.mains) or Wire.RCD in self.wires:
            return 0.0
        if self.forced_w is not None:
            return self.forced_w
        if self.contactor is Contactor.WELDED and self.plug_in_socket and self.plug_in_car:
            return self.draw_w
        if self.car not in ("C", "D"):
            return 0.0
        limit_w = self._limit_a * sum(self.voltage_v[: self.live_phases()])
        if Wire.OVER_CURRENT in self.wires:
            return limit_w * OVER_CURRENT
        drawn = min(self.draw_w, limit_w)
        return drawn / 2 if "car" in self._due else drawn

    def current_a(self) -> tuple[float, ...]:
        """Amps per phase, three of them."""
        if self.forced_a is not None:
            return self.forced_a
        phases = self.live_phases()
        across = sum(self.voltage_v[:phases])
        each = self.power_w() / across if across else 0.0
        return tuple(each if phase < phases else 0.0 for phase in range(3))

    def offered_a(self) -> float:
        """The current that the car reads from the pilot."""
        if not (self.mains and self._connected()):
            return 0.0
        return decode_duty(self.outputs["pilot_pwm"]) if self.fixed_a is None else self.fixed_a

    def pilot(self) -> str:
        """IEC 61851 state as the charging point sees it.

        A missing diode shows once a car that is there hears the pilot swing, and reads as E.
        """
        if Wire.PILOT_NEGATIVE in self.wires:
            return "F"
        lacks_diode = Wire.NO_DIODE in self.wires and self.car != "A" and self.offered_a() > 0
        return "E" if Wire.PILOT_FAULT in self.wires or lacks_diode else self.car

    def inputs(self) -> dict[str, bool]:
        """The levels on the charging point's inputs, by name."""
        car = self.car
        mirrored = self.closed is not (Wire.FEEDBACK_INVERTED in self.wires)
        return {
            "feedback": mirrored and Wire.FEEDBACK_BROKEN not in self.wires,
            "plug": self.plug_in_socket and self._makes_contact(),
            "vehicle": car != "A",
            "ready": car in ("C", "D"),
            "ventilation": car == "D",
            "pilot_fault": self.pilot() in ("E", "F"),
            "emergency_stop": Wire.EMERGENCY_STOP in self.wires,
            "stop_button": Wire.STOP_BUTTON in self.wires,
            "rcd": Wire.RCD in self.wires or self._is_tested(),
            "over_temperature": Wire.OVER_TEMPERATURE in self.wires,
            "locked": self.locked and Wire.LOCK_FEEDBACK_LOST not in self.wires,
        }

    def _is_tested(self) -> bool:
        """Whether the test coil has the residual current device trip: on the mains, like it."""
        alive = self.mains and Wire.RCD_TEST_DEAD not in self.wires
        return alive and is_high(self.outputs["rcd_test"])

    def _connected(self) -> bool:
        joined = self.plug_in_socket and self.plug_in_car and self._makes_contact()
        return joined and not NO_RETURN & self.wires

    def _makes_contact(self) -> bool:
        """Whether the plug's contacts touch just now: while they chatter, every other moment."""
        return self.bounces % 2 == 0

    def flown(self) -> list[tuple[float, float]]:
        """The register at the begin and end of each time that energy went through, oldest first."""
        running = [(self._flow_begin_wh, self.energy_wh)] if self.closed else []
        return [flow for flow in (*self.flows, *running) if flow[1] > flow[0]]

    def _move(self, *, closed: bool) -> None:
        if closed and not self.closed:
            self._flow_begin_wh = self.energy_wh
        elif self.closed and not closed:
            self.flows.append((self._flow_begin_wh, self.energy_wh))
        self.closed = closed

    def _settle_contactor(self, now_s: float) -> None:
        if self.contactor is Contactor.WELDED:
            self._move(closed=True)
            self._due.pop("contactor", None)
            return
        powered = self.mains and Wire.COIL_BROKEN not in self.wires
        pulled = powered and is_high(self.outputs["coil"])
        wanted = pulled and self.contactor is not Contactor.STUCK_OPEN
        takes_s = SLOW_CONTACTOR_S if self.contactor is Contactor.SLOW else CONTACTOR_S
        self._time("contactor", needed=wanted != self.closed, at_s=now_s + takes_s)

    def _settle_phases(self) -> None:
        switched_on = is_high(self.outputs[PHASE_RELAY])
        if switched_on is not self.switched_on:
            self.breaches += self.closed and self.mains
        self.switched_on = switched_on

    def _settle_lock(self, now_s: float) -> None:
        if self.lock is Lock.ABSENT:
            self.locked = False
        ordered = is_high(self.outputs["lock"])
        jammed = Lock.FAIL_LOCK if ordered else Lock.FAIL_UNLOCK
        movable = self.mains and self.lock not in (Lock.ABSENT, jammed)
        needed = movable and ordered != self.locked
        self._time("lock", needed=needed, at_s=now_s + LOCK_S)
        if self.pulling and not self.locked:
            self.plug_in_socket = self.pulling = False

    def _settle_plug(self, now_s: float) -> None:
        self._time("bounce", needed=self.bounces > 0, at_s=now_s + BOUNCE_S)

    def _settle_car(self, now_s: float) -> None:
        offered = self.offered_a()
        if offered:
            self._limit_a = offered
        goal = self._car_goal()
        if self.car == "A" and goal != "A":
            self.car = "B"
        drawing = self.car in ("C", "D")
        at_once = goal == "A" or (drawing and (goal != "B" or self.wants == "B"))
        if at_once:
            self.car = goal
        takes_s = RAMP_S if drawing else self.ev_delay_s
        self._time("car", needed=goal != self.car, at_s=now_s + takes_s)

    def _car_goal(self) -> str:
        if not self._connected():
            return "A"
        return self.wants if self.offered_a() else "B"

    def _time(self, name: str, *, needed: bool, at_s: float) -> None:
        if needed:
            self._due.setdefault(name, at_s)
        else:
            self._due.pop(name, None)
