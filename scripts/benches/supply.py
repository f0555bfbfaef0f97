"""`supply`: the power-good pin falls, and what a power cut must not take is on the disk.

The daemon with a session that charges, on the simulated bay: from the pin's level to the first word
to the central system, which is said behind the step's commit. The time that the mains must be gone
to count is in it. Words and bay are watched from this process.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from pathlib import Path
from typing import Any, Final

from edge.drivers.gpio_supply import GLITCH_S
from scripts.benches.parts.bay import noting_bay
from scripts.benches.parts.figures import spread, tell
from scripts.benches.parts.processes import Central, central_system, short_directory
from scripts.benches.parts.station import CARDS, SHORT, SHORT_WORDS, Station, station
from scripts.benches.parts.wiretap import Wiretap, wiretap

CUTS: Final = 20
STATIONS: Final = 2
SOON_AGAIN: Final = ("simulated.probe_s=0.5", "supervision.retry_most_s=1")
"""A meter that was dark is asked again at once; it has no part in what is measured."""

IDLE: Final = 2  # the connector that has no session: its word waits for nothing but the commit


def main(argv: list[str]) -> int:
    """Measure, print the line."""
    del argv
    taken = asyncio.run(_measure())
    figures = (
        f"power-good pin to the word behind the commit {spread(taken)},"
        f" {1000 * GLITCH_S:.0f} ms of it the time that a dip may last; {SHORT_WORDS}"
    )
    return tell("supply", figures, "none", met=True)


async def _measure() -> list[float]:
    taken: list[float] = []
    with short_directory() as directory:
        async with central_system(directory / "c") as central, asyncio.TaskGroup() as group:
            for tag in CARDS.values():
                await central.accept_card(tag)
            for number in range(STATIONS):
                group.create_task(_cuts(directory / f"S{number}", central, taken))
    return taken


async def _cuts(directory: Path, central: Central, taken: list[float]) -> None:
    """Add this station's share to *taken*."""
    async with (
        wiretap(central.ocpp) as tap,
        noting_bay(directory / "s") as bay,
        station(
            directory / "d",
            bay,
            dataclasses.replace(central, ocpp=tap.url),
            directory.name,
            options=(*SHORT, *SOON_AGAIN),
        ) as at,
    ):
        for _ in range(CUTS // STATIONS):
            await at.start(1)
            await bay.connector_is(1, status="Charging", contactor_closed=True)
            taken.append(await _cut(at, tap))
            await bay.connector_is(1, session=None)
            with bay.bay.touch() as world:
                world.restore_mains()
            await bay.connector_is(IDLE, status="Available")
            await at.leave(1)


async def _cut(at: Station, tap: Wiretap) -> float:
    """Let the grid fail; seconds until the idle connector is told to be out of service."""
    said: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def heard(action: str, payload: dict[str, Any]) -> None:
        told = action, payload.get("connectorId"), payload.get("status")
        if told == ("StatusNotification", IDLE, "Unavailable") and not said.done():
            said.set_result(time.monotonic())

    tap.called = heard
    began = time.monotonic()
    with at.bay.bay.touch() as world:
        world.fail_grid()
    return await asyncio.wait_for(said, 10) - began
