"""Looks after the journal while nobody charges: all of it is checked once a week (durability 1.3).

A start checks it too, but quickly, and a station runs for months. The check holds up a commit for
as long as it reads the file (0.2 s for a year of sessions), hence never during a session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from edge.errors import JournalFailed
from edge.ports import Clock

WEEK_S: Final = 7 * 24 * 3600.0
LOOK_S: Final = 600.0
SOUND: Final = "ok"

log = structlog.get_logger()


class Upkeep:
    """Asks *check* for its verdict, `ok` if all is well, when *is_idle*."""

    def __init__(
        self, *, check: Callable[[], Awaitable[str]], is_idle: Callable[[], bool], clock: Clock
    ) -> None:
        self._check = check
        self._is_idle = is_idle
        self._clock = clock
        self._checked_at = clock.now().monotonic  # by the start
        self._verdict = SOUND

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self._age_s() >= WEEK_S and self._is_idle():
                await self._look()

    def report(self) -> dict[str, Any]:
        """How the last check went, and how long ago it was."""
        return {"verdict": self._verdict, "age_s": round(self._age_s())}

    async def _look(self) -> None:
        try:
            self._verdict = await self._check()
        except JournalFailed as failure:
            log.warning("journal_unchecked", why=str(failure))
            return  # it is due again at the next look
        self._checked_at = self._clock.now().monotonic
        if self._verdict == SOUND:
            log.info("journal_checked")
        else:
            log.critical("journal_unsound", why=self._verdict, do="restart the daemon")

    def _age_s(self) -> float:
        return self._clock.now().monotonic - self._checked_at


async def keep_purged(purge: Callable[[], Awaitable[bool]], is_idle: Callable[[], bool]) -> None:
    """Have the journal let go of erased names that were still to be billed, until cancelled.

    While nobody charges: the file is written anew, and commits wait for it.
    """
    while True:
        await asyncio.sleep(LOOK_S)
        if not is_idle():
            continue
        try:
            if await purge():
                log.info("journal_purged")
        except JournalFailed as failure:
            log.warning("journal_unpurged", why=str(failure))
