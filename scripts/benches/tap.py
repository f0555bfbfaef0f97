"""`tap`: a card's frame on the wire to the offer at the output, and the same on a slow disk.

Plugged, tag known to the cache with LocalPreAuthorize, real PN532 frames, a meter at 9600 baud line
timing with a second, dead meter on its bus, the transaction durable before the offer. Several
stations share the work; each sample is one whole session. The slow disk is the same daemon with
every commit's fsync taking 200 ms longer: a figure, no bar.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from edge.sim.outlet import MeterFault
from scripts.benches.parts.bay import noting_bay
from scripts.benches.parts.figures import percentile, spread, tell
from scripts.benches.parts.processes import TAPWATT, Central, central_system, short_directory
from scripts.benches.parts.station import BENCH_DAEMON, CARDS, SHORT_WORDS, station

TAPS = 200
STATIONS = 4
FSYNC_DELAY_S = 0.2
BAR_S = 0.25


def main(argv: list[str]) -> int:
    """Measure, print the line; 1 below the bar."""
    del argv
    slow_program = (*BENCH_DAEMON, "--commit-delay-s", str(FSYNC_DELAY_S), "--")
    plain, slow = asyncio.run(_measure((TAPWATT,), slow_program))
    p99 = percentile(plain, 0.99)
    figures = (
        f"card frame to offer {spread(plain)}; every fsync {FSYNC_DELAY_S * 1000:.0f} ms later "
        f"{spread(slow)} (no bar); {SHORT_WORDS}"
    )
    return tell("tap", figures, f"p99 < {BAR_S * 1000:.0f} ms", met=p99 < BAR_S)


async def _measure(*programs: Sequence[str | Path]) -> list[list[float]]:
    """The taps of each program, *TAPS* of each, all at the same time."""
    taken: list[list[float]] = [[] for _ in programs]
    with short_directory() as directory:
        async with central_system(directory / "c") as central, asyncio.TaskGroup() as group:
            for tag in CARDS.values():
                await central.accept_card(tag)
            for number, (program, times) in enumerate(zip(programs, taken, strict=True)):
                for station_number in range(STATIONS):
                    name = f"TAP-{number}-{station_number}"
                    group.create_task(_taps(directory / name, central, name, program, times))
    return taken


async def _taps(
    directory: Path, central: Central, name: str, program: Sequence[str | Path], times: list[float]
) -> None:
    """Add taps of one station to *times* until there are enough."""
    async with noting_bay(directory / "s", baud_timing=True) as bay:
        bay.bay.world.meter_faults[2] = MeterFault.TIMEOUT
        async with station(directory / "d", bay, central, name, program=program) as at:
            await at.start(1)  # this one asks the central system and fills the cache
            await at.leave(1)
            while len(times) < TAPS:
                taken_s = await at.start(1)
                if len(times) < TAPS:
                    times.append(taken_s)
                await at.leave(1)
