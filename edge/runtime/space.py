"""Looks how much room the journal has left, on a slow beat."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import structlog

from edge.core.events import SpaceSeen
from edge.errors import JournalFailed
from edge.ports import Clock, Post

EVERY_S: Final = 600.0  # samples of that long are some KB; what fills faster fails a commit

log = structlog.get_logger()


class Roomy(Protocol):
    """What has a place on a disk."""

    async def free_bytes(self) -> int:
        """How much it can still grow; raises `JournalFailed`."""
        ...


async def watch_space(journal: Roomy, clock: Clock, post: Post) -> None:
    """Post what is left until cancelled."""
    while True:
        try:
            post(SpaceSeen(at=clock.now(), free_bytes=await journal.free_bytes()))
        except JournalFailed as failure:
            log.warning("space_unknown", why=str(failure))
        await asyncio.sleep(EVERY_S)
