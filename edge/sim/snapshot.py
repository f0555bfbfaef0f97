"""What `state`, `events` and `wait` speak of: the daemon's words beside the world's facts.

Where both know, the world wins: plug, lock and contactor are what they are, not what was ordered.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, Final

from edge.errors import SimulationError
from edge.sim.bay import Bay
from edge.sim.outlet import Lock, Outlet, is_high

SNAPSHOT_WITHIN_S: Final = 0.08
NOT_SAID: Final[Mapping[str, Any]] = {
    "boot": None,
    "online": False,
    "outbox": None,
}
CONNECTOR_NOT_SAID: Final[Mapping[str, Any]] = {
    "status": None,
    "errorCode": None,
    "session": None,
}
COMPARISONS: Final = ("lte", "gte", "not", "in")


async def merged(bay: Bay) -> dict[str, Any]:
    """The whole snapshot now; what the daemon said last, if it is busy."""
    daemon = bay.daemon
    said: dict[str, Any] = {}
    if daemon is not None:
        with contextlib.suppress(TimeoutError, SimulationError):
            daemon.snapshot = (await daemon.ask("state", SNAPSHOT_WITHIN_S))["state"]
        said = daemon.snapshot
    outlets = bay.look().outlets
    own = said.get("connectors", {})
    connectors = {
        str(n): {**CONNECTOR_NOT_SAID, **own.get(str(n), {}), **_facts(outlet)}
        for n, outlet in outlets.items()
    }
    return {
        **NOT_SAID,
        **said,
        "attached": daemon is not None,
        "connectors": connectors,
        "lamps": {str(n): _lamp(outlet) for n, outlet in outlets.items()},
    }


def condition_of(condition: Any) -> dict[str, Any]:
    """Flatten *condition* to dotted paths: `{"connectors.1.status": "Charging"}`, or nested."""
    if not isinstance(condition, dict) or not condition:
        raise SimulationError('condition is an object such as {"connectors.1.status": "Charging"}')
    flat: dict[str, Any] = {}
    for name, wanted in condition.items():
        if isinstance(wanted, dict) and wanted and not set(wanted) <= set(COMPARISONS):
            flat |= {f"{name}.{path}": value for path, value in condition_of(wanted).items()}
        else:
            flat[name] = wanted
    return flat


def matches(state: Mapping[str, Any], condition: Mapping[str, Any]) -> list[str]:
    """What in *state* differs from *condition*, one phrase each; empty if nothing."""
    return [
        f"{path} is {_at(state, path)!r}, not {wanted!r}"
        for path, wanted in condition.items()
        if not _fits(_at(state, path), wanted)
    ]


def _fits(found: Any, wanted: Any) -> bool:
    if not isinstance(wanted, dict) or not wanted:
        return bool(found == wanted)
    checks = []
    for comparison, bound in wanted.items():
        if comparison == "not":
            checks.append(found != bound)
        elif comparison == "in":
            checks.append(isinstance(bound, list) and found in bound)
        elif isinstance(found, int | float) and isinstance(bound, int | float):
            checks.append(found >= bound if comparison == "gte" else found <= bound)
        else:
            checks.append(False)
    return all(checks)


def _at(state: Any, path: str) -> Any:
    for step in path.split("."):
        state = state.get(step) if isinstance(state, Mapping) else None
    return state


def _facts(outlet: Outlet) -> dict[str, Any]:
    return {
        "plugged": outlet.plug_in_socket,
        "pilot": outlet.pilot(),
        "lock": "absent" if outlet.lock is Lock.ABSENT else _locked(outlet),
        "contactor_closed": outlet.closed,
        "offered_a": round(outlet.offered_a(), 2),
        "power_w": round(outlet.power_w(), 1),
        "phases": outlet.live_phases(),
        "breaches": outlet.breaches,
    }


def _locked(outlet: Outlet) -> str:
    return "locked" if outlet.locked else "unlocked"


def _lamp(outlet: Outlet) -> dict[str, bool]:
    return {c: is_high(outlet.outputs[f"lamp_{c}"]) for c in ("red", "green", "blue")}
