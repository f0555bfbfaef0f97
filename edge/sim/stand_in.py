"""Real hardware's tables on the wires of the simulated bay: a user's own edge.toml, played here.

Pins, active levels, units, models and times stay as they are configured; serial ports and network
addresses become the bay's own when it is built. What the bay cannot be is stood in for by the
nearest thing that it can, and a note says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from edge.sim.outlet import INPUTS, OUTPUTS
from edge.sim.pins import LINES, METERS_BUS, SERIAL_BUS, meter_table

Table = Mapping[str, Any]
READER: Final = "pn532"
WIRED_AT: Final = frozenset({"kind", "port", "interface", "device", "reset", "spi", "i2c", "cs"})
"""Keys that say where a reader is plugged in; the rest is how it shall work."""

RATING: Final = ("rated_a", "phases", "nominal_v")
"""What a charging point of any kind keeps when pins take its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """Tables that a bay can be built from, and what in them is not as it was configured."""

    tables: dict[str, Any]
    notes: tuple[str, ...]


def stand_in(
    *,
    readers: Mapping[int, Table],
    buses: Mapping[str, Table],
    connectors: Mapping[int, tuple[Table, Table | None]],
    power_good: Table | None,
) -> StandIn:
    """The bay's tables for those of edge.toml; a connector is its evse and its meter."""
    work = _Work(free=_free_lines(connectors, power_good))
    tables: dict[str, Any] = {
        "readers": {str(n): work.reader(n, table) for n, table in readers.items()},
        "buses": {name: work.bus(name, table) for name, table in buses.items()},
        "connectors": {
            str(n): work.connector(n, evse, meter) for n, (evse, meter) in connectors.items()
        },
        "power_good": work.power_good(power_good),
    }
    if work.needs_bus:
        tables["buses"].setdefault(METERS_BUS, dict(SERIAL_BUS))
    return StandIn(tables=tables, notes=tuple(work.notes))


@dataclass(slots=True)
class _Work:
    """What is learnt on the way: the notes, and whether a bus of the bay's own is needed."""

    free: Iterator[int]
    notes: list[str] = field(default_factory=list)
    needs_bus: bool = False

    def reader(self, number: int, table: Table) -> dict[str, Any]:
        kept = {key: value for key, value in table.items() if key not in WIRED_AT}
        if table.get("kind") == READER:
            return {"kind": READER, **kept}
        self._note(f"readers.{number}", table, "a PN532 on a serial line")
        return {"kind": READER, "connectors": list(table.get("connectors", ()))}

    def bus(self, name: str, table: Table) -> dict[str, Any]:
        if table.get("kind") in ("rtu", "tcp"):
            if table.get("parity", "N") == "N":
                return dict(table)
            self.notes.append(f"[buses.{name}] parity becomes N: a pseudo-terminal knows none")
            return {**table, "parity": "N"}
        self._note(f"buses.{name}", table, "an RTU line")
        return dict(SERIAL_BUS)

    def connector(self, number: int, evse: Table, meter: Table | None) -> dict[str, Any]:
        made = {"evse": self._evse(number, evse)}
        if meter is not None:
            made["meter"] = self._meter(number, meter)
        return made

    def power_good(self, table: Table | None) -> dict[str, Any] | None:
        if table is None or table.get("kind") == "gpio":
            return None if table is None else dict(table)
        self._note("power_good", table, "a pin")
        return {"kind": "gpio", "pin": next(self.free)}

    def _evse(self, number: int, table: Table) -> dict[str, Any]:
        if table.get("kind") == "gpio" or table.get("model") == "evse_din":
            return dict(table)
        self._note(f"connectors.{number}.evse", table, "pins with a control pilot")
        pins = {name: next(self.free) for name in (*OUTPUTS, *INPUTS)}
        return {"kind": "gpio", **pins, **{key: table[key] for key in RATING if key in table}}

    def _meter(self, number: int, table: Table) -> dict[str, Any]:
        if table.get("kind") == "modbus":
            return dict(table)
        self._note(f"connectors.{number}.meter", table, "an SDM120")
        self.needs_bus = True
        return meter_table(number, model="sdm120")

    def _note(self, place: str, table: Table, instead: str) -> None:
        self.notes.append(f"[{place}] kind {table.get('kind')!r} is stood in for by {instead}")


def _free_lines(
    connectors: Mapping[int, tuple[Table, Table | None]], power_good: Table | None
) -> Iterator[int]:
    """Lines of the board that no table names, the highest first: those of a Pi stay free."""
    tables = [evse for evse, _ in connectors.values()]
    tables += [] if power_good is None else [power_good]
    used = {value for table in tables for value in table.values() if isinstance(value, int)}
    return (line for line in reversed(LINES) if line not in used)
