"""Wear a journal in: `python -m … PATH` lets its WAL grow to the size that it keeps for ever.

A growing file costs the card more than a reused one (durability 1.2), and a daemon reaches the
other end of that in a day. Ends as by a power cut: an orderly end would take the WAL away.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

from edge.core.records import Alive
from edge.drivers.journal import open_journal
from edge.drivers.system_clock import SystemClock

COMMITS: Final = 2500  # of a page each; a checkpoint comes after 1000


async def wear(path: Path) -> None:
    """Write *COMMITS* signs of life."""
    clock = SystemClock()
    async with open_journal(path) as journal:
        for _ in range(COMMITS):
            await journal.commit([Alive(at=clock.now())])
        os._exit(0)


if __name__ == "__main__":
    asyncio.run(wear(Path(sys.argv[1])))
