"""Which wire of the simulated bay ends on which pin, and the configuration that a daemon reads.

The board is a Compute Module 3: two charging points need 32 of its 46 lines. BCM numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from edge.sim.outlet import INPUTS, OUTPUTS

COMPUTE_MODULE_3: Final = "a020a0"  # the board revision that gpiozero shall believe in
RATED_A: Final = 32
METERS_BUS: Final = "meters"
FIRST_CONTROLLER: Final = 10  # its connector's number comes on top: no unit is twice on the bus
TAKEN: Final = "a daemon is attached to this bay already"
PINS: Final[Mapping[int, Mapping[str, int]]] = {
    1: {
        "coil": 17,
        "feedback": 27,
        "plug": 22,
        "pilot_pwm": 12,
        "vehicle": 23,
        "ready": 24,
        "ventilation": 25,
        "pilot_fault": 4,
        "emergency_stop": 5,
        "rcd": 6,
        "over_temperature": 7,
        "lamp_red": 16,
        "lamp_green": 20,
        "lamp_blue": 21,
        "lock": 26,
        "locked": 19,
        "stop_button": 13,
    },
    2: {name: number for number, name in enumerate((*OUTPUTS, *INPUTS), start=28)},
}
POWER_GOOD_PIN: Final = 18
MOST_CONNECTORS: Final = len(PINS)
OUTPUT_AT: Final[Mapping[int, tuple[int, str]]] = {
    pins[name]: (connector, name) for connector, pins in PINS.items() for name in OUTPUTS
}


def evse_table(connector: int, *, phases: int, has_lock: bool) -> dict[str, Any]:
    """`[connectors.N.evse]` as an installer of this bay would write it."""
    left_out = () if has_lock else ("lock", "locked")
    pins = {name: pin for name, pin in PINS[connector].items() if name not in left_out}
    return {"kind": "gpio", **pins, "rated_a": RATED_A, "phases": phases}


def controller_table(connector: int, *, phases: int) -> dict[str, Any]:
    """`[connectors.N.evse]` where a controller on the meters' bus does the work."""
    unit = FIRST_CONTROLLER + connector
    kind = {"kind": "modbus", "bus": METERS_BUS, "model": "evse_din", "unit": unit}
    return {**kind, "rated_a": RATED_A, "phases": phases}


def power_good_table() -> dict[str, Any]:
    """`[power_good]`: high while the grid is there."""
    return {"kind": "gpio", "pin": POWER_GOOD_PIN}


def meter_table(connector: int, *, model: str) -> dict[str, Any]:
    """`[connectors.N.meter]`: the meter's unit on the bus is the connector's number."""
    return {"kind": "modbus", "bus": METERS_BUS, "model": model, "unit": connector}
