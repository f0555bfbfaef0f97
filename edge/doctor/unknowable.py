"""What no software can find out: named, so that somebody looks.

The rows are those of the safety page; which of them are whose depends on the kind of charging
point (ruling 3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edge.doctor.finding import Finding, unknown
from edge.doctor.pins import place
from edge.doctor.site import Site
from edge.drivers.registry import Rig

IN_SERIES = unknown(
    "safety.in_series",
    "[{where}] whether the emergency stop and the residual current device break the coil's own"
    " circuit cannot be seen from here",
    "press each with the contactor closed and this computer off: it must open (rows 12, 18)",
)
COIL_AT_REST = unknown(
    "safety.coil_at_rest",
    "[{where}] whether the coil falls open without the computer cannot be seen from here",
    "pull the computer's plug with the contactor closed: it must open (rows 1, 2)",
)
CONTROLLERS = unknown(
    "safety.controller",
    "[{where}] the pilot, the car's state, diode and PE checks are the controller's job",
    "read in its papers how it does rows 3, 4, 5, 7 and 8, and try each with a test adapter",
)
PILOTLESS = unknown(
    "safety.pilotless",
    "[{where}] has no pilot: whether a car is there, asks, or has a diode cannot be known",
    "use it for domestic sockets and fixed cables only (rows 3 to 5, 7, 8)",
)
PAPER = unknown(
    "safety.paper",
    "type and test of the residual current device, earth and wiring are outside this computer",
    "have an electrician measure them, and keep the protocol with this report (rows 12, 25)",
)


async def examine(site: Site, _rig: Rig, _found: Sequence[Finding]) -> list[Finding]:
    """Every row that somebody has to look at."""
    return list(_all(site))


def _all(site: Site) -> Iterator[Finding]:
    for connector, tables in sorted(site.tables.connectors.items()):
        where = place(connector)
        if tables.evse["kind"] != "gpio":
            yield CONTROLLERS.at(where)
        elif "pilot_pwm" not in tables.evse:
            yield PILOTLESS.at(where)
        yield COIL_AT_REST.at(where)
        yield IN_SERIES.at(where)
    yield PAPER.at("safety")
