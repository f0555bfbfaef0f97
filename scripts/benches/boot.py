"""`boot`: start of the process to BootNotification accepted, beside a stock script.

`tapwatt edge run` as a user starts it, on the simulated bay, against csms_lite; accepted is when
the daemon's state says so. The peer is the least that boots with stock `ocpp` and `websockets`: no
hardware, no journal. Starts alternate.
"""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path

from scripts.benches.parts.bay import NotingBay, noting_bay
from scripts.benches.parts.figures import percentile, spread, tell
from scripts.benches.parts.processes import (
    TAPWATT,
    Central,
    central_system,
    edge_words,
    ended,
    short_directory,
    started,
)

STOCK = Path(__file__).parent / "parts" / "stock.py"
RUNS = 20
BAR_S = 1.0


def main(argv: list[str]) -> int:
    """Measure, print the line; 1 below the bar."""
    del argv
    ours, stocks = asyncio.run(_measure())
    p99 = percentile(ours, 0.99)
    ratio = percentile(ours, 0.5) / percentile(stocks, 0.5)
    figures = f"start to accepted {spread(ours)}; stock script {spread(stocks)}; ratio {ratio:.2f}"
    return tell("boot", figures, f"p99 < {BAR_S} s", met=p99 < BAR_S)


async def _measure() -> tuple[list[float], list[float]]:
    ours, stocks = [], []
    with short_directory() as directory:
        async with (
            central_system(directory / "c") as central,
            noting_bay(directory / "s") as bay,
        ):
            for run in range(RUNS + 1):
                ours_s = await _boot(directory / "d", bay, central)
                stock_s = await _boot_stock(central)
                if run:  # the first writes byte code and makes the journal
                    ours.append(ours_s)
                    stocks.append(stock_s)
    return ours, stocks


async def _boot(state_dir: Path, bay: NotingBay, central: Central) -> float:
    bay.snapshot = {}
    words = edge_words(state_dir, bay.socket, central, (), station="BOOT")
    began = time.monotonic()
    process = await started((TAPWATT, *words))
    try:
        await bay.until(lambda: bay.snapshot.get("boot") == "Accepted")
        return bay.snapshot_at - began
    finally:
        await ended(process)


async def _boot_stock(central: Central) -> float:
    began = time.monotonic()
    process = await started((sys.executable, STOCK, f"{central.ocpp}/STOCK"), stdout=PIPE)
    try:
        assert process.stdout is not None
        if await process.stdout.read(1) != b"A":
            raise RuntimeError("the stock script was not accepted")
        return time.monotonic() - began
    finally:
        await ended(process)
