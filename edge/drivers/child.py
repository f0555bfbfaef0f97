"""A process of ours for work that may hang, leak or break: it speaks in lines, and ends with us."""

from __future__ import annotations

import os
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import msgspec

LINE_MAX: Final = 65_536  # bytes of a line that the child says


@asynccontextmanager
async def started(module: str, job: dict[str, Any]) -> AsyncIterator[Process]:
    """Run `python -m module` with *job* as its first line; it is gone when the block ends.

    Its standard input stays open: by that it knows that we live.
    """
    process = await create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        limit=LINE_MAX,
        env=_environment(),
    )
    try:
        assert process.stdin is not None  # pipes were asked for
        process.stdin.write(msgspec.json.encode(job) + b"\n")
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def next_line(process: Process) -> dict[str, Any] | None:
    """Return what it says next, `None` when it has ended; raises OSError for what is no line."""
    assert process.stdout is not None  # a pipe was asked for
    try:
        line = await process.stdout.readline()
        return msgspec.json.decode(line, type=dict[str, Any]) if line else None
    except ValueError as error:  # no JSON, or longer than LINE_MAX
        raise ChildProcessError(f"what it said is no line of ours: {error}") from error


def _environment() -> dict[str, str]:
    """Nothing of ours but where Python finds this package: no proxies, no secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(Path(__file__).parents[2])}
