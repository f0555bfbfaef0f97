"""A world as a child process: for a daemon that finds none running at its socket.

The child holds the reading end of a pipe whose other end is ours: however we end, it ends too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

from edge.errors import DriverError

READY_S: Final = 10.0
LEAVE_S: Final = 1.0
WORLD_COMMAND: Final = (sys.executable, "-m", "edge.cli.sim", "serve")
READY_BYTES: Final = 65536


@contextlib.asynccontextmanager
async def own_world(path: str | Path, arguments: Sequence[str]) -> AsyncIterator[None]:
    """Run `sim serve` at *path* while the block lasts; `DriverError` if it does not start."""
    ready_read, ready_write = os.pipe()
    life_read, life_write = os.pipe()
    command = [*WORLD_COMMAND, "--socket", str(path), *arguments]
    command += ["--ready-fd", str(ready_write), "--until-closed-fd", str(life_read)]
    try:
        try:
            child = await asyncio.create_subprocess_exec(
                *command,
                pass_fds=(ready_write, life_read),
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for us: the world stays until we are done
            )
        finally:
            os.close(ready_write)
            os.close(life_read)
        await _until_ready(ready_read, path)
        yield
    finally:
        os.close(ready_read)
        os.close(life_write)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(child.wait(), LEAVE_S)


async def _until_ready(fd: int, path: str | Path) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(fd, readable.set)
    try:
        await asyncio.wait_for(readable.wait(), READY_S)
    except TimeoutError as problem:
        raise DriverError(f"the simulated bay at {path} did not start in {READY_S} s") from problem
    finally:
        loop.remove_reader(fd)
    if not os.read(fd, READY_BYTES):
        raise DriverError(f"the simulated bay at {path} ended while starting: see its message")
