"""The whole examination: its parts by name, and what goes on at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from edge.doctor import bus, computer, contactor, line, pins, reader, unknowable
from edge.doctor.finding import Finding
from edge.doctor.site import Site
from edge.drivers.registry import Rig, open_rig
from edge.errors import ConfigError, meant

Examine = Callable[[Site, Rig, Sequence[Finding]], Awaitable[list[Finding]]]
"""One part: what it finds at a site, given what its lane has found before."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the examination, as `--only` names it."""

    summary: str
    examine: Examine


PARTS: Final[Mapping[str, Part]] = {
    "reader": Part("whether each card reader answers", reader.examine),
    "bus": Part("whether each meter answers, and where it is if it does not", bus.examine),
    "pins": Part("whether the pins can be had, and what the inputs say at rest", pins.examine),
    "contactor": Part("each contactor closed once: feedback and meters", contactor.examine),
    "computer": Part("clock, disk, and the 5 V", computer.examine),
    "line": Part("the ladder to the central system, up to BootNotification", line.examine),
    "safety": Part("what no software can know", unknowable.examine),
}
LANES: Final = (
    ("reader",),
    ("bus", "pins", "contactor"),  # the meters are needed where the contactor is clicked
    ("computer",),
    ("line",),
    ("safety",),
)
"""Parts that share a wire go one after the other, lanes beside each other."""

FIRST: Final[Mapping[str, str]] = {"contactor": "pins"}
"""What a part is not safe without: nothing is closed onto a plug that nobody looked for."""


def parts_of(named: Collection[str] | None) -> Collection[str]:
    """The parts that `--only` names, all of them without it; raises `ConfigError`."""
    for name in named or ():
        if name not in PARTS:
            raise ConfigError(f'there is no part "{name}"{meant(name, PARTS)}: {", ".join(PARTS)}')
    return named or tuple(PARTS)


async def examine(site: Site, parts: Collection[str] = tuple(PARTS)) -> list[Finding]:
    """Every finding of *parts*, lane by lane; raises `ConfigError` for what no driver takes."""
    wanted = {*parts, *(FIRST[part] for part in parts if part in FIRST)}
    async with (
        open_rig(
            site.tables.buses,
            clock=site.clock,
            random=site.random,
            pin_factory=site.tables.pin_factory,
        ) as rig,
        asyncio.TaskGroup() as group,
    ):
        tasks = [
            group.create_task(
                _lane(site, rig, [p for p in lane if p in wanted]), name=f"doctor-{lane[0]}"
            )
            for lane in LANES
        ]
    return [found for task in tasks for found in task.result()]


async def _lane(site: Site, rig: Rig, parts: Sequence[str]) -> list[Finding]:
    found: list[Finding] = []
    for part in parts:
        found += await PARTS[part].examine(site, rig, found)
    return found
