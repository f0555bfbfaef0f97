"""Plays a scenario from its first act to the quiet after the last, and judges what came of it."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from tests.world.bay import DAY_S
from tests.world.life import keep_lives
from tests.world.loop import VirtualLoop, elapse
from tests.world.nodes import live
from tests.world.scenario import Scenario
from tests.world.verdict import Verdict, judge
from tests.world.world import World

MEMORY: Final = Path("/dev/shm")
LOOK_S: Final = 300.0
REST_S: Final = 12 * 3600.0  # what has not been told by then never will be


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a history; *days* are those in which energy flowed at a connector at least."""

    breaches: tuple[str, ...]
    lost: int
    twice: int
    sessions: int
    messages: int
    cuts: int
    crashes: int
    days: int
    digest: str
    counts: Counter[str]


def play(scenario: Scenario, *, make: type[World] = World) -> Outcome:
    """Play *scenario* in virtual time and judge it."""
    with scratch() as directory, _quiet():
        loop = VirtualLoop()
        keep_lives(loop)
        try:
            world = loop.run_until_complete(_history(scenario, directory, make))
        finally:
            loop.close()
        verdict = judge(world, directory)
    return _outcome(world, verdict)


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory in memory, where there is one: a process that dies leaves the files as they are.

    What a power cut does to files is asked elsewhere, so nothing here needs a real disk.
    """
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="tapwatt-world-", dir=place) as directory:
        yield Path(directory)


@contextmanager
def _quiet() -> Iterator[None]:
    """Nobody reads a million log lines."""
    before = structlog.get_config()
    structlog.configure(processors=[_drop], wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        yield
    finally:
        structlog.configure(**before)


def _drop(_logger: object, _method: str, _event: Any) -> Any:
    raise structlog.DropEvent


async def _history(scenario: Scenario, directory: Path, make: type[World]) -> World:
    world = make(scenario, directory)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(world.slipped)
    world.happen()
    nodes = (world.central, world.edge)
    living = [loop.create_task(live(node, world.fell_over)) for node in nodes]
    await elapse(scenario.days * DAY_S)
    world.heal()
    waited_s = 0.0
    while waited_s < REST_S:
        await elapse(LOOK_S)
        waited_s += LOOK_S
        if world.edge.is_at_rest():
            break
    else:
        world.breaches.append("I2: there is still something to tell")
    await elapse(LOOK_S)
    for task in living:
        task.cancel()
    await asyncio.gather(*living, return_exceptions=True)
    for node in nodes:
        if node.life is not None:
            node.life.die()
            await node.life.bury()
    return world


def _outcome(world: World, verdict: Verdict) -> Outcome:
    counts = world.counts
    crashes = counts["killed"] + world.edge.disk.fell + world.central.disk.fell
    struck = world.network.struck
    return Outcome(
        breaches=tuple(verdict.breaches),
        lost=verdict.lost,
        twice=verdict.twice,
        sessions=verdict.sessions,
        messages=len(world.network.heard),
        cuts=struck.total() + counts["cut"] + counts["outage"] + counts["swallow"],
        crashes=crashes,
        days=len(set().union(*(outlet.days for outlet in world.outlets.values()))),
        digest=world.digest,
        counts=counts,
    )
