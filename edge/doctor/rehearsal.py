"""A planned configuration on the simulated bay: its own tables, real drivers, and a click each.

What its tables have that a bay cannot be is stood in for by the nearest thing.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from edge.app import bay_wanted
from edge.config.settings import Settings
from edge.control.server import listen
from edge.doctor.bay import attached
from edge.doctor.examination import examine
from edge.doctor.finding import Finding, Level
from edge.doctor.site import Consent, Site, search_of
from edge.drivers.system_clock import SystemClock
from edge.sim.bay import BaySetup, open_bay
from edge.sim.verbs import streams, verbs

PARTS: Final = ("reader", "bus", "pins", "contactor")
SEARCH_S: Final = 5.0  # nothing is hidden in a bay of our own


async def rehearse(settings: Settings) -> list[Finding]:
    """What is at fault when *settings* run on wires that have none."""
    standing_in = _standing_in(settings)
    wanted = bay_wanted(standing_in)
    with TemporaryDirectory(prefix="tapwatt-") as folder:
        async with AsyncExitStack() as stack:
            setup = BaySetup(tables=wanted.tables, baud_timing=True)
            bay = await stack.enter_async_context(open_bay(setup))
            socket = Path(folder) / "sim.sock"
            await stack.enter_async_context(listen(socket, verbs(bay), streams(bay)))
            tables = await stack.enter_async_context(attached(socket, wanted))
            site = Site(
                settings=standing_in,
                tables=tables,
                clock=SystemClock(),
                random=Random(0),  # noqa: S311  nothing secret
                state_dir=Path(folder),
                consent=Consent(clicks=frozenset(settings.connectors)),
                search=search_of(standing_in, SEARCH_S),
            )
            found = await examine(site, PARTS)
    return [each for each in found if each.level is Level.FAULT]


def _standing_in(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, hardware="stand_in")
