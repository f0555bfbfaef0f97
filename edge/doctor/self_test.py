"""The doctor examines simulated bays with one fault each, and must name it, and nothing else.

The faults are planted on the wires below the real drivers, in the tables that the drivers are
given, in a made-up computer, and in a real server on loopback. A bay without any fault comes first:
what is named there is no finding.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.doctor.examination import examine
from edge.doctor.finding import Finding, Level
from edge.doctor.planted import Fault
from edge.doctor.planting import planted

AT_ONCE: Final = 6  # bays beside each other: with more, their clocks get in each other's way
NAMED: Final = (Level.FAULT, Level.NOTICE)
"""What has a remedy that somebody would follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the doctor named with *fault* planted, without what it names in every bay."""

    fault: Fault
    named: tuple[Finding, ...]

    @property
    def is_right(self) -> bool:
        """Whether it was named, at its place, and no other remedy with it."""
        wanted = (self.fault.expects, self.fault.where)
        return [(found.code, found.where) for found in self.named] == [wanted]


async def control(folder: Path) -> tuple[Finding, ...]:
    """What is named where nothing is planted; a fault among it is the doctor's own."""
    return await _named(Fault(name="nothing", expects="", where=""), folder)


async def outcomes(faults: Sequence[Fault], folder: Path) -> AsyncIterator[Outcome]:
    """What comes of each of *faults*, in their order, as soon as it is known."""
    usual = {(found.code, found.where) for found in await control(_own(folder, "control"))}
    places = asyncio.Semaphore(AT_ONCE)

    async def outcome(number: int, fault: Fault) -> Outcome:
        async with places:
            named = await _named(fault, _own(folder, str(number)))
        new = (found for found in named if (found.code, found.where) not in usual)
        return Outcome(fault=fault, named=tuple(new))

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(outcome(number, fault), name=f"self-test-{number}")
            for number, fault in enumerate(faults)
        ]
        for task in tasks:
            yield await task


def _own(folder: Path, name: str) -> Path:
    own = folder / name
    own.mkdir()
    return own


async def _named(fault: Fault, folder: Path) -> tuple[Finding, ...]:
    async with planted(fault, folder) as site:
        return tuple(found for found in await examine(site) if found.level in NAMED)
