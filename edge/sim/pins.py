"""Which wire of the simulated bay ends on which pin, and the configuration that a daemon reads.

The board is a Compute Module 3: two charging points need 32 of its 46 lines. BCM numbers.
The bay's own tables are here; `stand_in` makes others from a real configuration. `Wiring` reads
either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from edge.sim.outlet import EXTRAS, INPUTS, OUTPUTS, PHASE_RELAY

COMPUTE_MODULE_3: Final = "a020a0"  # the board revision that gpiozero shall believe in
LINES: Final = range(46)  # of that board
RATED_A: Final = 32
METERS_BUS: Final = "meters"
FIRST_CONTROLLER: Final = 10  # its connector's number comes on top: no unit is twice on the bus
SERIAL_BUS: Final[Mapping[str, Any]] = {"kind": "rtu", "baudrate": 9600, "parity": "N"}
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
PHASE_RELAY_PINS: Final[Mapping[int, int]] = {1: 8, 2: 45}
POWER_GOOD_PIN: Final = 18
MOST_CONNECTORS: Final = len(PINS)
LOCK_WIRES: Final = ("lock", "locked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Which pin is which wire of which connector, and whether its level is turned round."""

    outputs: Mapping[int, tuple[int, str]]
    inputs: Mapping[int, tuple[int, str, bool]]
    power_good: tuple[int, bool] | None

    @classmethod
    def of(cls, tables: Mapping[str, Any]) -> Wiring:
        """The wiring that the tables of a bay describe."""
        evses = {int(n): each["evse"] for n, each in tables["connectors"].items()}
        power_good = tables["power_good"]
        return cls(
            outputs={
                evse[name]: (n, name)
                for n, evse in evses.items()
                for name in (*OUTPUTS, *EXTRAS)
                if name in evse
            },
            inputs={
                evse[name]: (n, name, name in evse.get("active_low", ()))
                for n, evse in evses.items()
                for name in INPUTS
                if name in evse
            },
            power_good=None
            if power_good is None
            else (power_good["pin"], not power_good.get("active_high", True)),
        )


def own_tables(
    connectors: int,
    *,
    readers: int,
    meter_bus: str,
    meter_model: str,
    evse: str,
    phases: int,
    phase_relay: bool = False,
) -> dict[str, Any]:
    """The configuration of a bay that stands in for none, as its installer would write it."""
    outlets = range(1, connectors + 1)
    bus = dict(SERIAL_BUS) if meter_bus == "rtu" else {"kind": "tcp"}
    return {
        "readers": {str(n): {"kind": "pn532", "connectors": list(outlets)} for n in range(readers)},
        "buses": {METERS_BUS: bus},
        "power_good": {"kind": "gpio", "pin": POWER_GOOD_PIN},
        "connectors": {
            str(n): {
                "evse": {
                    **_evse(n, evse),
                    **({PHASE_RELAY: PHASE_RELAY_PINS[n]} if phase_relay else {}),
                    "rated_a": RATED_A,
                    "phases": phases,
                },
                "meter": meter_table(n, model=meter_model),
            }
            for n in outlets
        },
    }


def _evse(connector: int, kind: str) -> dict[str, Any]:
    """On pins, or behind a controller on the meters' bus."""
    if kind == "gpio":
        return {"kind": kind, **PINS[connector]}
    unit = FIRST_CONTROLLER + connector
    return {"kind": kind, "bus": METERS_BUS, "model": "evse_din", "unit": unit}


def meter_table(connector: int, *, model: str) -> dict[str, Any]:
    """`[connectors.N.meter]`: the meter's unit on the bus is the connector's number."""
    return {"kind": "modbus", "bus": METERS_BUS, "model": model, "unit": connector}
