"""A daemon on a noting bay, and what a driver does there: plug, tap, leave."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from scripts.benches.parts.bay import NotingBay
from scripts.benches.parts.processes import ROOT, TAPWATT, Central, edge_words, ready_process

CARDS = {1: "04A2B1C3D4E580", 2: "04B3C2D4E5F681"}
SHORT = (
    "ocpp.LocalPreAuthorize=true",
    "policy.start_stop_dead_time_s=0",
    "policy.stop_start_dead_time_s=0",
    "policy.reclose_delay_s=0.5",
)
SHORT_WORDS = "dead times 0 s by [policy]"
CARD_AWAY_S = 0.5  # until the reader has missed a card twice
BENCH_DAEMON = (sys.executable, "-m", "scripts.benches.parts.bench_daemon")


@dataclass
class Station:
    """A daemon at work and its bay."""

    bay: NotingBay
    process: Process
    random: Random
    stalled: asyncio.StreamReader | None = None

    async def start(self, connector: int) -> float:
        """Plug in and tap; seconds from the card's frame on the wire to the offer at the bay."""
        bay = self.bay
        bay.plug(connector)
        await bay.connector_is(connector, status="Preparing", plugged=True)
        await asyncio.sleep(CARD_AWAY_S * (1 + self.random.random()))  # in no step with any poll
        bay.moves.clear()
        bay.tap(CARDS[connector])
        offered_at = await bay.moved(connector, "pilot_pwm", _is_offer, 0.0)
        return offered_at - bay.card_at

    async def leave(self, connector: int) -> None:
        """Unplug, and wait until the session is closed."""
        self.bay.unplug(connector)
        await self.bay.connector_is(connector, status="Available", session=None)

    async def stall(self) -> None:
        """Stall the journal's thread; returns when it stands."""
        self.process.send_signal(signal.SIGUSR1)
        await self._says(b"S")

    async def flow(self) -> None:
        """Wait until the stall is over."""
        await self._says(b"E")

    async def _says(self, what: bytes) -> None:
        assert self.stalled is not None
        async with asyncio.timeout(10):
            if await self.stalled.readexactly(1) != what:
                raise RuntimeError("the stall began or ended out of turn")


def _is_offer(duty: float) -> bool:
    return 0.0 < duty < 1.0


@asynccontextmanager
async def station(
    directory: Path,
    bay: NotingBay,
    central: Central,
    name: str,
    *,
    options: Sequence[str] = SHORT,
    program: Sequence[str | Path] = (TAPWATT,),
    driver_path: Path | None = None,
    can_stall: bool = False,
) -> AsyncIterator[Station]:
    """Run *program* as the daemon *name* until the block ends; it is booted when it begins."""
    words = edge_words(directory, bay.socket, central, options, station=name)
    python_path = os.pathsep.join(str(path) for path in (driver_path, ROOT) if path)
    environment = os.environ | {"PYTHONPATH": python_path}
    read, write = os.pipe()
    stalled = await _reader(read) if can_stall else None
    more = {"env": environment, "pass_fds": (write,) if can_stall else ()}
    stall_words = ("--stalled-fd", str(write)) if can_stall else ()
    try:
        async with ready_process((*program, *stall_words, *words), **more) as (process, _):
            await bay.until(lambda: bay.snapshot.get("boot") == "Accepted")
            await bay.connector_is(1, status="Available")
            random = Random(name)  # noqa: S311  jitter needs no secrecy
            yield Station(bay=bay, process=process, random=random, stalled=stalled)
    finally:
        os.close(write)


async def _reader(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    pipe = os.fdopen(descriptor, "rb")
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader
