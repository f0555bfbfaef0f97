"""`wear`: what a day of charging writes to the card, measured at the block device.

The whole daemon as a user starts it, its state directory on an ext4 of its own (noatime) in a file,
its journal worn in. Two connectors charge at the default interval, a sample each minute each, half
a minute apart: in real time, because ext4 adds a commit of its own 5 s after each of ours, which
hides when they follow faster. Then sessions begin and end, then nobody comes. What SQLite writes
back of its WAL, 14 kB each 170 samples, may fall between: 0.3 MB a day. Needs root.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.drivers.disk_use import written_bytes
from scripts.benches.parts.bay import noting_bay
from scripts.benches.parts.figures import tell
from scripts.benches.parts.loop_disk import Disk, NoDisk, open_disk
from scripts.benches.parts.processes import ROOT, central_system, started
from scripts.benches.parts.station import CARDS, SHORT, Station, station

BAR_MB: Final = 30.0
SESSIONS: Final = 20  # of a day; the share of their begins and ends
MEASURED_SESSIONS: Final = 3
APART_S: Final = 8.0  # more than ext4 waits before it writes what we did not ask for
DAY_S: Final = 24 * 3600
MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worn:
    """Bytes at the device: per minute of charging, per session's edges, per minute of nothing.

    *counted* is what the daemon itself counts of *charging*.
    """

    charging: float
    counted: float
    session: float
    idle: float
    samples: int

    @property
    def of_a_day(self) -> float:
        """24 h of charging on both connectors, in *SESSIONS* sessions."""
        return self.charging * DAY_S / MINUTE_S + self.session * SESSIONS


def main(argv: list[str]) -> int:
    """Measure, print the line; 1 above the bar, or where there can be no disk."""
    parser = argparse.ArgumentParser(prog="scripts/bench wear")
    parser.add_argument("--minutes", type=int, default=6, help="of charging (default: %(default)s)")
    minutes = parser.parse_args(argv).minutes
    try:
        with tempfile.TemporaryDirectory(prefix="tb") as made:
            place = Path(made) / "d"
            place.mkdir()
            with open_disk(place) as disk:
                worn = asyncio.run(_measure(Path(made), disk, minutes))
    except NoDisk as why:
        print(f"wear: cannot be measured here: {why}")
        return 1
    print(
        f"wear: {worn.charging / 1000:.1f} kB per minute of charging on two connectors x 1440"
        f" + {worn.session / 1000:.1f} kB per begin and end of a session x {SESSIONS}"
        f" = {worn.of_a_day / 1e6:.1f} MB; a day without a car:"
        f" {worn.idle * DAY_S / MINUTE_S / 1e6:.1f} MB;"
        f" the device wrote {worn.charging / worn.counted:.1f} times what the daemon counts"
    )
    figures = (
        f"device_mb_per_24h={worn.of_a_day / 1e6:.1f} samples={worn.samples} sessions={SESSIONS}"
    )
    return tell("wear", figures, f"< {BAR_MB:.0f}", met=worn.of_a_day / 1e6 < BAR_MB)


async def _measure(directory: Path, disk: Disk, minutes: int) -> Worn:
    await _wear_in(disk.place / "journal.sqlite3")
    async with (
        central_system(directory / "c") as central,
        noting_bay(directory / "s") as bay,
        station(disk.place, bay, central, "WEAR", options=SHORT) as at,
    ):
        for tag in CARDS.values():
            await central.accept_card(tag)
        for connector in CARDS:
            await at.start(connector)
            await asyncio.sleep(MINUTE_S / len(CARDS))
        pid = at.process.pid
        before, counted = disk.written(), written_bytes(pid) or 0
        samples = await central.samples()
        await asyncio.sleep(minutes * MINUTE_S)
        charging = (disk.written() - before) / minutes
        counted = (written_bytes(pid) or 0) - counted
        samples = await central.samples() - samples
        for connector in CARDS:
            await at.leave(connector)
        session = await _per_session(at, disk)
        before = disk.written()
        await asyncio.sleep(MINUTE_S)
        idle = disk.written() - before
    return Worn(
        charging=charging, counted=counted / minutes, session=session, idle=idle, samples=samples
    )


async def _per_session(at: Station, disk: Disk) -> float:
    await asyncio.sleep(APART_S)
    before = disk.written()
    for _ in range(MEASURED_SESSIONS):
        await at.start(1)
        await asyncio.sleep(APART_S)
        await at.leave(1)
        await asyncio.sleep(APART_S)
    return (disk.written() - before) / MEASURED_SESSIONS


async def _wear_in(path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    program = (sys.executable, "-m", "scripts.benches.parts.worn_journal", path)
    process = await started(program, env=environment)
    if await process.wait() != 0:
        raise RuntimeError("the journal could not be worn in")
