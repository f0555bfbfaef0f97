"""The simulated bay: grid, outlets with their cars and meters, card spots. The only simulation.

Synchronous, no I/O, no clock: the owner calls `advance(now_s)` with monotonic seconds, changes a
fact, calls `settle`, and asks `next_due` when to come back. Energy is exact at every moment.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any, Final

from edge.errors import SimulationError
from edge.sim.outlet import FREQUENCY_HZ, NOMINAL_V, MeterFault, Outlet, is_high

CARD_S: Final = 0.6  # how long a hand holds a card to the reader
CARD_GAP_S: Final = 0.4  # and how long it is away before the next one; readers poll faster
CARDS_WAITING: Final = 16  # taps that may queue up at one reader


class ReaderFault(StrEnum):
    """How a card reader fails: `late` answers after it was given up, `duplicate` says all twice."""

    NONE = "none"
    SILENT = "silent"
    GARBLED = "garbled"
    LATE = "late"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterFace:
    """What a meter would display now; energy is the register, not rounded to what it can show."""

    energy_wh: float
    power_w: float
    voltage_v: tuple[float, ...]
    current_a: tuple[float, ...]
    frequency_hz: float = FREQUENCY_HZ


class CardSpot:
    """Where cards are laid: one at a time, each for a moment, with a pause between them."""

    def __init__(self) -> None:
        self.laid: str | None = None
        self.fault = ReaderFault.NONE
        self._waiting: deque[tuple[str, float]] = deque()
        self._due: float | None = None

    def tap(self, uid: str, for_s: float, now_s: float) -> None:
        """Lay the card *uid* (hex) for *for_s* seconds, after those that wait already."""
        if len(self._waiting) >= CARDS_WAITING:
            raise SimulationError(f"{CARDS_WAITING} cards are waiting at this reader already")
        self._waiting.append((uid, for_s))
        if self._due is None:
            self._due = now_s

    def next_due(self) -> float | None:
        """When a card comes or goes."""
        return self._due

    def fire(self, now_s: float) -> None:
        """Take the card away, or lay the next one."""
        if self._due is None or self._due > now_s:
            return
        if self.laid is not None:
            self.laid = None
            self._due += CARD_GAP_S
        elif self._waiting:
            self.laid, for_s = self._waiting.popleft()
            self._due += for_s
        else:
            self._due = None


class World:
    """All of the bay at one moment."""

    def __init__(
        self,
        *,
        connectors: int = 2,
        readers: int = 1,
        draw_w: float = 0.0,
        ev_delay_s: float = 0.3,
        phases: int = 1,
        now_s: float = 0.0,
    ) -> None:
        self.outlets = {
            number: Outlet(draw_w=draw_w, ev_delay_s=ev_delay_s, phases=phases)
            for number in range(1, connectors + 1)
        }
        self.spots = tuple(CardSpot() for _ in range(readers))
        self.meter_faults = dict.fromkeys((0, *self.outlets), MeterFault.NONE)
        self.undervoltage_5v = False  # the computer's own supply sags
        self.house_w = 0.0
        self.main_offset_wh = 0.0
        self._house_wh = 0.0
        self._now_s = now_s

    @property
    def now_s(self) -> float:
        """The moment that the world has come to."""
        return self._now_s

    def advance(self, now_s: float) -> None:
        """Live on to *now_s*: count energy, and let everything due happen in its order."""
        while (due := self.next_due()) is not None and due <= now_s:
            self._integrate(due)
            for part in self._parts():
                part.fire(due)
        self._integrate(now_s)

    def settle(self) -> None:
        """Draw the conclusions after facts were changed."""
        for outlet in self.outlets.values():
            outlet.settle(self._now_s)
        self.advance(self._now_s)

    def next_due(self) -> float | None:
        """When something happens by itself, if anything will."""
        return min((due for p in self._parts() if (due := p.next_due()) is not None), default=None)

    def outlet(self, connector: int) -> Outlet:
        """The outlet of *connector*; raises `SimulationError` if the bay has none."""
        found = self.outlets.get(connector)
        if found is None:
            raise SimulationError(
                f"there is no connector {connector}, only 1 to {len(self.outlets)}"
            )
        return found

    def spot(self, reader: int) -> CardSpot:
        """The place where cards are laid on *reader*."""
        if not 0 <= reader < len(self.spots):
            raise SimulationError(f"there is no reader {reader}, only 0 to {len(self.spots) - 1}")
        return self.spots[reader]

    @property
    def mains(self) -> bool:
        """Whether the grid is there."""
        return all(outlet.mains for outlet in self.outlets.values())

    def fail_grid(self) -> None:
        """The grid fails, a back-up holds the computer: contactors fall, its outputs stay."""
        for outlet in self.outlets.values():
            outlet.mains = False

    def cut_mains(self) -> None:
        """All is dark: outputs drop, nothing is drawn, a bistable lock stays as it is."""
        self.fail_grid()
        for outlet in self.outlets.values():
            locked = outlet.outputs["lock"]
            outlet.outputs = dict.fromkeys(outlet.outputs, 0.0) | {"lock": locked}

    def restore_mains(self) -> None:
        """The grid is back; outputs that dropped stay low until somebody drives them."""
        for outlet in self.outlets.values():
            outlet.mains = True

    def meter(self, connector: int) -> MeterFace:
        """The face of a connector's meter; 0 is the main meter."""
        if connector == 0:
            return self._main()
        outlet = self.outlet(connector)
        register_wh = outlet.energy_wh
        if outlet.rollover_wh is not None:
            register_wh %= outlet.rollover_wh
        return MeterFace(
            energy_wh=register_wh,
            power_w=outlet.power_w(),
            voltage_v=outlet.voltage_v,
            current_a=outlet.current_a(),
        )

    def meter_fault(self, connector: int) -> MeterFault:
        """What keeps a connector's meter from answering; without mains it is dark."""
        return self.meter_faults[connector] if self.mains else MeterFault.TIMEOUT

    def set_main_energy(self, energy_wh: float) -> None:
        """Turn the main meter's register to *energy_wh*."""
        self.main_offset_wh += energy_wh - self._main().energy_wh

    def snapshot(self) -> dict[str, Any]:
        """The truth about the bay, for tests and people."""
        return {
            "mains": self.mains,
            "connectors": {
                str(n): _outlet_truth(o) | {"meter_fault": self.meter_faults[n].value}
                for n, o in self.outlets.items()
            },
            "main": {"energy_wh": self._main().energy_wh, "power_w": self._main().power_w},
            "readers": [{"card": s.laid is not None, "fault": s.fault.value} for s in self.spots],
            "undervoltage_5v": self.undervoltage_5v,
        }

    def _main(self) -> MeterFace:
        outlets = self.outlets.values()
        currents = zip(*(outlet.current_a() for outlet in outlets), strict=True)
        each = self.house_w / NOMINAL_V / 3
        return MeterFace(
            energy_wh=self._house_wh + self.main_offset_wh + sum(o.drawn_wh for o in outlets),
            power_w=self.house_w + sum(outlet.power_w() for outlet in outlets),
            voltage_v=(NOMINAL_V, NOMINAL_V, NOMINAL_V),
            current_a=tuple(each + sum(phase) for phase in currents),
        )

    def _integrate(self, now_s: float) -> None:
        stretch_s = now_s - self._now_s
        if stretch_s <= 0:
            return
        for outlet in self.outlets.values():
            outlet.integrate(stretch_s)
        self._house_wh += self.house_w * stretch_s / 3600.0
        self._now_s = now_s

    def _parts(self) -> Iterator[Outlet | CardSpot]:
        return chain(self.outlets.values(), self.spots)


def _outlet_truth(outlet: Outlet) -> dict[str, Any]:
    levels = outlet.outputs
    return {
        "energy_wh": outlet.energy_wh,
        "drawn_wh": outlet.drawn_wh,
        "flows": outlet.flown(),
        "power_w": outlet.power_w(),
        "contactor_closed": outlet.closed,
        "coil": is_high(levels["coil"]),
        "plugged": outlet.plug_in_socket,
        "car": outlet.plug_in_car,
        "pilot": outlet.pilot(),
        "offered_a": round(outlet.offered_a(), 2),
        "locked": outlet.locked,
        "lock": outlet.lock.value,
        "contactor": outlet.contactor.value,
        "faults": sorted(wire.value for wire in outlet.wires),
        "soc": outlet.soc_percent,
        "temperature_c": outlet.temperature_c,
        "phases": outlet.live_phases(),
        "breaches": outlet.breaches,
        "lamps": {name.removeprefix("lamp_"): levels[name] for name in levels if "lamp" in name},
    }
