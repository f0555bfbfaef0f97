"""A first edge.toml, with comments: for those who have not written one before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

PINS: Final = (
    {
        "coil": 17,
        "feedback": 27,
        "plug": 22,
        "emergency_stop": 5,
        "rcd": 6,
        "lamp_red": 16,
        "lamp_green": 20,
        "lamp_blue": 21,
    },
    {
        "coil": 26,
        "feedback": 19,
        "plug": 4,
        "emergency_stop": 7,
        "rcd": 8,
        "lamp_red": 9,
        "lamp_green": 10,
        "lamp_blue": 11,
    },
)
"""BCM numbers that leave the serial line, I2C and, on the first, SPI free."""

PILOT_PINS: Final = (
    {"pilot_pwm": 12, "vehicle": 23, "ready": 24, "ventilation": 25},
    {"pilot_pwm": 13, "vehicle": 0, "ready": 1, "ventilation": 18},
)
PAGE: Final = "127.0.0.1:8081"
COMMENTS: Final = {
    "coil": "high closes the contactor; it must fall open without this pin",
    "feedback": "the mirror contact: high while the contactor is closed",
    "plug": "high while a plug is in the socket",
    "emergency_stop": "high while it is pressed; it must break the coil's circuit itself",
    "rcd": "high while the residual current device is tripped",
    "pilot_pwm": "to the pilot board",
    "vehicle": "from the pilot board: a car is there (B, C, D)",
    "ready": "from the pilot board: it asks for energy (C, D)",
    "ventilation": "from the pilot board: it wants ventilation (D)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is known of an installation before anything is wired."""

    station: str
    csms: str
    has_pilot: bool
    connectors: int
    reader: str
    meters: str
    model: str


def written(plan: Plan, found: Mapping[str, Any] | None = None) -> str:
    """The text of edge.toml for *plan*; *found* are a search's tables of bus and meters."""
    return "\n".join(_lines(plan, found or {})) + "\n"


def _lines(plan: Plan, found: Mapping[str, Any]) -> Iterator[str]:
    bus = {"kind": "rtu", "port": plan.meters, "baudrate": 9600, "parity": "N"}
    bus |= found.get("buses", {}).get("meters", {})
    yield "# Check it with `tapwatt edge config check`, and the wires with `tapwatt edge doctor`."
    yield 'hardware = "real"'
    yield from _table("station", {"id": plan.station})
    yield from _table("csms", {"url": plan.csms}, {"url": "the station's id is appended"})
    yield from _table("page", {"listen": PAGE}, {"listen": "for a screen on this computer"})
    yield from _table(
        "readers.0",
        {"kind": "pn532", "port": plan.reader, "connectors": [*range(1, plan.connectors + 1)]},
    )
    yield from _table("buses.meters", bus, {"baudrate": "as the meters are set, parity too"})
    for number in range(1, plan.connectors + 1):
        yield from _connector(plan, number, found.get("connectors", {}).get(str(number), {}))


def _connector(plan: Plan, number: int, found: Mapping[str, Any]) -> Iterator[str]:
    pins = PINS[number - 1] | (PILOT_PINS[number - 1] if plan.has_pilot else {})
    yield from _table(
        f"connectors.{number}.evse",
        {"kind": "gpio", **pins, "rated_a": 16, "phases": 1},
        {"kind": "pins by their BCM numbers", **COMMENTS, "rated_a": "of the smallest part"},
    )
    meter = {"kind": "modbus", "bus": "meters", "model": plan.model, "unit": number}
    meter |= found.get("meter", {})
    yield from _table(
        f"connectors.{number}.meter", meter, {"unit": "as set at the meter, each another"}
    )


def _table(
    name: str, values: Mapping[str, Any], comments: Mapping[str, str] | None = None
) -> Iterator[str]:
    yield ""
    yield f"[{name}]"
    for key, value in values.items():
        comment = (comments or {}).get(key)
        shown = f'"{_escaped(value)}"' if isinstance(value, str) else str(value)
        yield f"{key} = {shown}" + (f"  # {comment}" if comment else "")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
