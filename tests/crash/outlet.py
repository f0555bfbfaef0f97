"""Cable, car, contactor and meter of one connector."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge.core.events import Pilot, Trip

DRAW_W = 7400.0


@dataclass
class Outlet:
    """What is plugged, what flows, what the register says; energy is the integral of power."""

    plugged: bool = False
    pilot: Pilot = Pilot.A
    coil: bool = False
    offered_a: float = 0.0
    trips: set[Trip] = field(default_factory=set)
    greed: float = 1.0
    energy_wh: float = 0.0
    since: float = 0.0

    @property
    def power_w(self) -> float:
        """What the car draws now."""
        return DRAW_W * self.greed if self.coil and self.pilot is Pilot.C else 0.0

    def integrate(self, moment: float) -> None:
        """Count what flowed until *moment*; call before anything changes."""
        self.energy_wh += self.power_w * (moment - self.since) / 3600
        self.since = moment
