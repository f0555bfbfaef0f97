"""Every output of the configuration to its safe level, and no daemon: for systemd's ExecStopPost.

A Raspberry Pi leaves the pins of a killed process as they were (devices.md, fact 2), and a
controller on a bus goes on with its last order. Opening a driver switches off, closing it too; in
between we wait until it shows the contactor open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import AsyncExitStack
from random import Random
from typing import Any, Final

from edge.app import Options, open_tables
from edge.app.daemon import Daemon
from edge.core.events import Event, EvseSeen
from edge.drivers.registry import Rig, choose, open_rig
from edge.drivers.system_clock import SystemClock
from edge.errors import DriverError, EdgeError
from edge.ports import Evse

WITHIN_S: Final = 4.0  # for each charging point; a unit that is stopped is given 90 s by systemd


def safe_off(options: Options) -> tuple[str, ...]:
    """Switch all off; a sentence for each charging point that was not seen open."""
    return asyncio.run(_safe_off(options))


async def _safe_off(options: Options) -> tuple[str, ...]:
    async with AsyncExitStack() as stack:
        tables = await stack.enter_async_context(open_tables(options, Daemon(options.state_dir)))
        random = Random(0)  # noqa: S311  a rig has one; nothing here is left to it
        rig = await stack.enter_async_context(
            open_rig(
                tables.buses, clock=SystemClock(), random=random, pin_factory=tables.pin_factory
            )
        )
        return await each_of(
            {
                number: _switch_off(rig, number, connector.evse)
                for number, connector in sorted(tables.connectors.items())
            }
        )


async def each_of(switching: Mapping[int, Awaitable[str | None]]) -> tuple[str, ...]:
    """What they say who fail, by connector; whatever one raises, the others are switched off."""
    found = await asyncio.gather(*switching.values(), return_exceptions=True)
    return tuple(
        why if isinstance(why, str) else f"connector {number} is not seen open: {why!r}"
        for number, why in zip(switching, found, strict=True)
        if why is not None
    )


async def _switch_off(rig: Rig, number: int, table: Mapping[str, Any]) -> str | None:
    """Why connector *number* may not be off, whatever keeps the others."""
    where = f"connectors.{number}.evse"
    try:
        async with choose("evse", table, where).open(rig, number) as evse:
            async with asyncio.timeout(WITHIN_S):
                await _until_open(evse)
    except EdgeError as error:
        return f"connector {number} is not seen open: {error}"
    except TimeoutError:
        return f"connector {number} is not seen open: its contactor shows closed after {WITHIN_S} s"
    return None


async def _until_open(evse: Evse) -> None:
    """Return when the driver shows the contactor open; raises its `DriverError`."""
    shown: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def post(event: Event) -> None:
        if isinstance(event, EvseSeen) and not event.contactor_closed and not shown.done():
            shown.set_result(None)

    async def run() -> None:
        try:
            await evse.run(post)
        except DriverError as error:
            if not shown.done():
                shown.set_exception(error)

    async with asyncio.TaskGroup() as tasks:
        runs = tasks.create_task(run(), name="evse")
        try:
            await shown
        finally:
            runs.cancel()
