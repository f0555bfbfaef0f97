"""File transfers for the daemon: each in a child process, bounded in size and in time.

The child, `edge.drivers.carrier`, brings its libraries and leaves with them: at rest a transfer
costs the controller nothing, at work it cannot block it.

Quality: tested against real local HTTP(S) and FTP servers; no field record yet.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from edge.errors import TransferFailed
from edge.ports import Progress

LINE_MAX: Final = 65_536
KINDS: Final = ("malformed", "denied", "unsupported")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """[transfer] of edge.toml: which protocols and addresses, and how much of them.

    *private_addresses* opens our own networks to the locations that the central system names.
    *ca_file* is trusted besides nothing else; without it the computer's own authorities are.
    """

    protocols: tuple[Literal["FTP", "FTPS", "HTTP", "HTTPS"], ...] = ("HTTPS", "FTPS")
    private_addresses: bool = False
    size_max_mib: int = 512
    within_s: float = 3500.0
    stall_s: float = 60.0
    ca_file: str | None = None


class ChildTransfer:
    """Implements `edge.ports.Transfer`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def fetch(self, location: str, target: Path, progress: Progress) -> None:
        """Download; raises `TransferFailed`."""
        await self._carry({"op": "fetch", "location": location, "path": str(target)}, progress)

    async def deliver(self, source: Path, location: str, name: str, progress: Progress) -> None:
        """Upload; raises `TransferFailed`."""
        job = {"op": "deliver", "location": location, "path": str(source), "name": name}
        await self._carry(job, progress)

    async def _carry(self, job: dict[str, Any], progress: Progress) -> None:
        settings = self._settings
        full = {
            **job,
            "protocols": settings.protocols,
            "private_addresses": settings.private_addresses,
            "size_max": settings.size_max_mib * 2**20,
            "stall_s": settings.stall_s,
            "ca_file": settings.ca_file,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "edge.drivers.carrier",
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=LINE_MAX,
            env=_environment(),
        )
        try:
            async with asyncio.timeout(settings.within_s):
                await _follow(process, full, progress)
        except TimeoutError:
            why = f"the transfer was not done in {settings.within_s} s"
            raise TransferFailed("other", why) from None
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _follow(process: Process, job: dict[str, Any], progress: Progress) -> None:
    """Give the child its job and listen until its last word."""
    assert process.stdin is not None  # pipes were asked for
    assert process.stdout is not None  # as above
    process.stdin.write(json.dumps(job).encode() + b"\n")
    while line := await process.stdout.readline():
        word = json.loads(line)
        if "done" in word:
            progress(word["done"])
        elif "ok" in word:
            return
        else:
            kind = word["error"] if word["error"] in KINDS else "other"
            raise TransferFailed(kind, word["why"])
    raise TransferFailed("other", "the transfer's process died")


def _environment() -> dict[str, str]:
    """Nothing of ours but where Python finds this package: no proxies, no secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(Path(__file__).parents[2])}
