"""`stop`: the emergency input to the open coil while the journal's thread is stalled for 5 s.

Two sorts of daemon: as it is, where the driver's reflex opens the coil in the input's own thread,
and one whose reflex does not reach the coil, so that only the loop's step can open it. Both have
two connectors charging; each stall gives one stop of each. Ways and bay are included: from the
level put on the wire by one process to the coil's level back from the other.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from scripts.benches.parts.bay import noting_bay
from scripts.benches.parts.by_loop import KIND, by_loop_driver
from scripts.benches.parts.figures import percentile, spread, tell
from scripts.benches.parts.processes import Central, central_system, short_directory
from scripts.benches.parts.station import BENCH_DAEMON, CARDS, SHORT_WORDS, Station, station

STOPS = 54
STATIONS = 3
SETTLED_S = 0.3
STALL_SURE_S = 4.0
BAR_REFLEX_S = 0.02
BAR_LOOP_S = 0.05


def main(argv: list[str]) -> int:
    """Measure, print the line; 1 below a bar."""
    del argv
    reflex, loop = asyncio.run(_measure())
    met = percentile(reflex, 0.99) < BAR_REFLEX_S and percentile(loop, 0.99) < BAR_LOOP_S
    figures = (
        f"journal stalled 5 s, emergency to coil open by the reflex {spread(reflex)}, by the loop "
        f"alone {spread(loop)}; {SHORT_WORDS}"
    )
    bars = f"p99 < {BAR_REFLEX_S * 1000:.0f} ms and < {BAR_LOOP_S * 1000:.0f} ms"
    return tell("stop", figures, bars, met=met)


async def _measure() -> tuple[list[float], list[float]]:
    reflex: list[float] = []
    loop: list[float] = []
    with short_directory() as directory:
        driver = by_loop_driver(directory / "p")
        async with central_system(directory / "c") as central, asyncio.TaskGroup() as group:
            for tag in CARDS.values():
                await central.accept_card(tag)
            for number in range(STATIONS):
                for kind, times in (("gpio", reflex), (KIND, loop)):
                    place = directory / f"{kind}-{number}"
                    group.create_task(_stops(place, central, kind, driver, times))
    return reflex, loop


async def _stops(
    directory: Path, central: Central, kind: str, driver: Path, times: list[float]
) -> None:
    """Add this station's stops to *times*."""
    async with (
        noting_bay(directory / "s", evse_kind=kind) as bay,
        station(
            directory / "d",
            bay,
            central,
            directory.name,
            program=BENCH_DAEMON,
            driver_path=driver,
            can_stall=True,
        ) as at,
    ):
        for _ in range(STOPS // STATIONS // len(CARDS)):
            for connector in CARDS:
                await at.start(connector)
            for connector in CARDS:
                await bay.connector_is(connector, status="Charging", contactor_closed=True)
            await at.stall()
            async with asyncio.timeout(STALL_SURE_S):  # a stop after the stall would prove nothing
                times += [await _stop(at, connector) for connector in CARDS]
            await at.flow()
            for connector in CARDS:
                bay.emergency(connector, on=False)
            for connector in CARDS:
                await at.leave(connector)


async def _stop(at: Station, connector: int) -> float:
    """Seconds from the emergency input of *connector* to its coil's level at the bay."""
    await asyncio.sleep(SETTLED_S * (1 + at.random.random()))
    pressed_at = at.bay.emergency(connector, on=True)
    opened_at = await at.bay.moved(connector, "coil", lambda level: not level, pressed_at)
    return opened_at - pressed_at
