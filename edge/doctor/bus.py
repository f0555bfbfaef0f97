"""The meters: each read once by its own driver, and where one does not answer, the bus searched."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from edge.core.events import Event, MeterFailed, MeterRead
from edge.doctor.finding import Finding, fault, ok
from edge.doctor.running import running
from edge.doctor.site import Site
from edge.drivers.registry import Rig, choose
from edge.errors import DriverError

READ_S: Final = 6.0  # three polls that fail, with their time-outs

READS = ok("meter.reads", "[{where}] the meter shows {energy_wh} Wh{power}")
SILENT = fault("meter.silent", "[{where}] the meter does not answer: {why}", "check A and B")


async def examine(site: Site, rig: Rig, _found: Sequence[Finding]) -> list[Finding]:
    """Read each meter."""
    found: list[Finding] = []
    for connector, tables in sorted(site.tables.connectors.items()):
        if tables.meter is None:
            continue
        where = f"connectors.{connector}.meter"
        seen = await _read(rig, tables.meter, connector, where)
        if isinstance(seen, MeterRead):
            power = seen.reading.power_w
            said = "" if power is None else f" and {power:g} W"
            found.append(READS.at(where, energy_wh=seen.reading.energy_wh, power=said))
        else:
            found.append(SILENT.at(where, why=seen))
    return found


async def _read(rig: Rig, table: dict[str, object], connector: int, where: str) -> MeterRead | str:
    """The first reading, or why there is none."""
    first: asyncio.Future[MeterRead] = asyncio.get_running_loop().create_future()
    why = "no reading"

    def post(event: Event) -> None:
        nonlocal why
        if isinstance(event, MeterRead) and not first.done():
            first.set_result(event)
        elif isinstance(event, MeterFailed):
            why = event.why

    async with choose("meter", table, where).open(rig, connector) as meter:
        try:
            async with running(meter, post), asyncio.timeout(READ_S):
                return await first
        except (DriverError, TimeoutError):
            return why
