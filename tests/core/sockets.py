"""What is true at a charging point of the bench."""

from __future__ import annotations

from dataclasses import dataclass

from edge.core.events import Pilot, Trip


@dataclass(slots=True, kw_only=True)
class Socket:
    """What is true at one charging point, whatever the core believes."""

    plugged: bool = False
    pilot: Pilot = Pilot.A
    closed: bool = False
    locked: bool | None = None
    tripped: frozenset[Trip] = frozenset()
    energy_wh: int = 1000
    current_a: float = 0.0  # while the contactor is closed
    leak_a: float = 0.0  # while it is told to be open
    voltage_v: tuple[float, ...] = (230.0,)
    meter_works: bool = True
    meter_serial: str | None = None
    mute: bool = False  # the meter does not even fail: no answer comes
    eager: bool = True  # the car asks for energy whenever it is offered
    stubborn: bool = False  # the car goes on drawing when the offer is withdrawn
    jammed: bool = False  # the lock does not move
    phases: int | None = None  # what the relay gives, where there is one
    blind: bool = False  # the meter tells no single phases
    stuck: bool = False  # the relay does not move
    deaf: bool = False  # the contactor neither closes nor opens
    pulsed: bool = False  # the test coil of the residual current device is on
