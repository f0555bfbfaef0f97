"""File transfers for the daemon: each in a child process, bounded in size and in time.

The child, `edge.drivers.carrier`, brings its libraries and leaves with them: at rest a transfer
costs the controller nothing, at work it cannot block it.

Quality: tested against real local HTTP(S) and FTP servers; no field record yet.
"""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from edge.drivers.child import next_line, started
from edge.errors import TransferFailed
from edge.ports import Progress

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
        try:
            async with (
                asyncio.timeout(settings.within_s),
                started("edge.drivers.carrier", full) as process,
            ):
                await _follow(process, progress)
        except TimeoutError:
            why = f"the transfer was not done in {settings.within_s} s"
            raise TransferFailed("other", why) from None


async def _follow(process: Process, progress: Progress) -> None:
    """Listen until its last word."""
    while word := await next_line(process):
        if "done" in word:
            progress(word["done"])
        elif "ok" in word:
            return
        else:
            kind = word["error"] if word["error"] in KINDS else "other"
            raise TransferFailed(kind, word["why"])
    raise TransferFailed("other", "the transfer's process died")
