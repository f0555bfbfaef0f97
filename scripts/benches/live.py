"""How long it takes from a charger's word to whoever watches: StatusNotification to SSE.

Five hundred chargers are connected and booted. One after the other, at an even pace, tells a new
status of its connector; a client that follows `/api/events` waits for each. The time runs from
before the charger's frame is written until the client has read the event: the charger's socket, the
commit, the change's number, the stream. The bar is two seconds at p99, the aim a tenth of one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

from scripts.benches.parts.callers import Caller, connected
from scripts.benches.parts.figures import percentile, spread, tell
from scripts.benches.parts.processes import TAPWATT, ready_process, short_directory

CHARGERS: Final = 500
CHANGES: Final = 1000
PER_S: Final = 50.0
BAR_S: Final = 2.0
LAST_WITHIN_S: Final = 30.0
BOOT: Final = '[2,"boot","BootNotification",{"chargePointVendor":"B","chargePointModel":"B"}]'


def main(argv: Sequence[str]) -> int:
    """Print one line; 1 when the bar is missed."""
    parser = argparse.ArgumentParser(prog="scripts/bench live")
    parser.add_argument("--chargers", type=int, default=CHARGERS)
    parser.add_argument("--changes", type=int, default=CHANGES)
    options = parser.parse_args(argv)
    took_s = asyncio.run(_measure(options.chargers, options.changes))
    missing = options.changes - len(took_s)
    figures = f"chargers={options.chargers} {spread(took_s)} missing={missing}"
    met = missing == 0 and percentile(took_s, 0.99) < BAR_S
    return tell("live", figures, f"p99 under {BAR_S:g} s", met=met)


async def _measure(chargers: int, changes: int) -> list[float]:
    with short_directory() as directory:
        words = ("csms", "run", "--ocpp-port", "0", "--http-port", "0", "--no-local-lists")
        command = (TAPWATT, *words, "--state-dir", str(directory))
        environment = os.environ | {"TAPWATT_CSMS_ACCEPT_UNKNOWN": "true"}
        async with ready_process(command, env=environment) as (_, told):
            callers = await connected([f"{told['ocpp']}/L-{one}" for one in range(chargers)])
            for caller in callers:
                await caller.call(BOOT)
            token = (directory / "token").read_text().strip()
            async with _followed(told["http"], token) as events:
                return await _change(callers, changes, events)


async def _change(
    callers: Sequence[Caller], changes: int, events: AsyncIterator[str]
) -> list[float]:
    """Tell one change after the other; gives the seconds of those that were seen."""
    said_at: dict[str, float] = {}
    took_s: list[float] = []

    async def watch() -> None:
        async for info in events:
            if info in said_at:
                took_s.append(time.perf_counter() - said_at.pop(info))
                if len(took_s) == changes:
                    return

    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch())
        for number in range(changes):
            await asyncio.sleep(began + number / PER_S - loop.time())
            said_at[f"change {number}"] = time.perf_counter()
            tasks.create_task(_tell(callers[number % len(callers)], number))
        await asyncio.wait({watching}, timeout=LAST_WITHIN_S)
        watching.cancel()
    return took_s


async def _tell(caller: Caller, number: int) -> None:
    status = "Preparing" if number % 2 else "Available"
    payload = {
        "connectorId": 1, "status": status, "errorCode": "NoError", "info": f"change {number}",
    }  # fmt: skip
    await caller.call(json.dumps([2, f"s-{number}", "StatusNotification", payload]))


@asynccontextmanager
async def _followed(http: str, token: str) -> AsyncIterator[AsyncIterator[str]]:
    """Follow the stream of events; gives the `info` of each change of a connector."""
    where = urlsplit(http)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(
        f"GET /api/events HTTP/1.1\r\nHost: {where.netloc}\r\n"
        f"Authorization: Bearer {token}\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise RuntimeError(f"the stream was refused: {head!r}")

    async def infos() -> AsyncIterator[str]:
        while line := await reader.readline():
            if line.startswith(b"data: "):
                yield str(json.loads(line[6:]).get("details", {}).get("info"))

    try:
        yield infos()
    finally:
        writer.close()
