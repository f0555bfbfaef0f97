"""Processes of a benchmark: the central system and daemons, as a user starts them."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
import urllib.request
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
TAPWATT = Path(sys.executable).parent / "tapwatt"
READY_S = 20.0
LEAVE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Central:
    """A running csms_lite."""

    ocpp: str
    http: str
    token: str

    async def accept_card(self, tag: str) -> None:
        """Let *tag* charge."""
        await self._ask(f"/api/cards/{tag}", "PUT", b'{"status": "Accepted"}')

    async def samples(self) -> int:
        """How many samples it has, of all sessions."""
        sessions = await self._ask("/api/sessions")
        numbers = [session["transaction_id"] for session in sessions]
        whole = [await self._ask(f"/api/sessions/{number}") for number in numbers]
        return sum(len(session["samples"]) for session in whole)

    async def _ask(self, path: str, method: str = "GET", body: bytes | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(  # noqa: S310  our own server on the loopback
            f"{self.http}{path}", data=body, method=method, headers=headers
        )

        def ask() -> Any:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  as above
                return json.load(answer)

        return await asyncio.to_thread(ask)


@contextmanager
def short_directory() -> Iterator[Path]:
    """A directory whose sockets fit into 107 bytes, on a real disk; gone afterwards."""
    made = Path(tempfile.mkdtemp(prefix="tb"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


async def started(command: Sequence[str | Path], **more: Any) -> Process:
    """Start *command*; its log goes nowhere unless BENCH_LOG names a file."""
    log = os.environ.get("BENCH_LOG")
    err = await asyncio.to_thread(open, log, "ab") if log else None
    try:
        return await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stderr=err or DEVNULL, cwd=ROOT, **more
        )
    finally:
        if err is not None:
            err.close()


async def ended(process: Process) -> None:
    """End *process* by SIGTERM, in the end by SIGKILL."""
    with suppress(ProcessLookupError):
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), LEAVE_S)
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def central_system(directory: Path) -> AsyncIterator[Central]:
    """Run csms_lite on free ports."""
    ports = ("--ocpp-port", "0", "--http-port", "0")
    words = ("csms", "run", "--accept-unknown", *ports, "--state-dir", str(directory))
    async with ready_process((TAPWATT, *words)) as (_, told):
        token = (directory / "token").read_text().strip()
        yield Central(ocpp=told["ocpp"], http=told["http"], token=token)


@asynccontextmanager
async def ready_process(
    command: Sequence[str | Path], **more: Any
) -> AsyncIterator[tuple[Process, dict[str, Any]]]:
    """Run *command* while the block lasts, from when it says that it is ready."""
    read, write = os.pipe()
    fds = (write, *more.pop("pass_fds", ()))
    process = await started((*command, "--ready-fd", str(write)), pass_fds=fds, **more)
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            line = await asyncio.wait_for(asyncio.to_thread(pipe.readline), READY_S)
        if not line:
            raise RuntimeError(f"{command[1]} ended with {await process.wait()}, not ready")
        yield process, json.loads(line)
    finally:
        await ended(process)


def edge_words(
    directory: Path, socket: Path, central: Central, options: Sequence[str], *, station: str
) -> list[str]:
    """`edge run …` on the bay at *socket*, told to *central*."""
    words = ["edge", "run", "--state-dir", str(directory), "--sim-socket", str(socket)]
    for option in (f"csms.url={central.ocpp}", f"station.id={station}", *options):
        words += ["-o", option]
    return words
