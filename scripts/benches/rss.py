"""`rss`: memory of the daemon, idle and while it charges on two connectors.

RSS counts shared pages whole, PSS by share; both from the kernel's smaps of the real process, which
carries the simulated bay's pins instead of lgpio's.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from scripts.benches.parts.bay import noting_bay
from scripts.benches.parts.figures import tell
from scripts.benches.parts.processes import central_system, short_directory
from scripts.benches.parts.station import CARDS, SHORT, SHORT_WORDS, station

IDLE_S = 10.0
CHARGING_S = 10.0
BAR_MIB = 60.0


def main(argv: list[str]) -> int:
    """Measure, print the line; 1 below the bar."""
    del argv
    idle, charging = asyncio.run(_measure())
    worst = max(idle[0], charging[0])
    figures = (
        f"idle RSS {idle[0]:.1f} PSS {idle[1]:.1f} MiB; charging on two RSS {charging[0]:.1f} "
        f"PSS {charging[1]:.1f} MiB, a sample each second; {SHORT_WORDS}"
    )
    return tell("rss", figures, f"RSS < {BAR_MIB:.0f} MiB", met=worst < BAR_MIB)


async def _measure() -> tuple[tuple[float, float], tuple[float, float]]:
    options = (*SHORT, "ocpp.MeterValueSampleInterval=1")
    with short_directory() as directory:
        async with (
            central_system(directory / "c") as central,
            noting_bay(directory / "s") as bay,
            station(directory / "d", bay, central, "RSS", options=options) as at,
        ):
            for tag in CARDS.values():
                await central.accept_card(tag)
            await asyncio.sleep(IDLE_S)
            idle = memory_mib(at.process.pid)
            for connector in CARDS:
                await at.start(connector)
                await bay.connector_is(connector, status="Charging", contactor_closed=True)
            await asyncio.sleep(CHARGING_S)
            return idle, memory_mib(at.process.pid)


def memory_mib(pid: int) -> tuple[float, float]:
    """RSS and PSS of process *pid*."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kib = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return kib["Rss"] / 1024, kib["Pss"] / 1024
