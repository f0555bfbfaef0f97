"""Keeps the log within its age, its size and its disk, in short verbs between those that write."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from csms_lite.clock import Clock
from csms_lite.errors import CsmsError
from csms_lite.messages import service
from csms_lite.messages.recorder import Recorder
from csms_lite.store.writer import Store

EVERY_S: Final = 30.0
ROOM_MIN: Final = 256 * 1024 * 1024  # bytes; what is left below it is for money
MEGABYTE: Final = 1_000_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How much is kept; see the settings of the same names."""

    days: int
    transaction_days: int
    max_mb: int


class Keeper:
    """Forgets what is too old or too much, and pauses the recorder while the disk is full."""

    def __init__(
        self, store: Store, clock: Clock, recorder: Recorder, folder: Path, retention: Retention
    ) -> None:
        self._store = store
        self._clock = clock
        self._recorder = recorder
        self._folder = folder
        self._retention = retention

    async def keep_on(self, stopping: asyncio.Event, *, every_s: float = EVERY_S) -> None:
        """Look after the log until *stopping* is set."""
        while not stopping.is_set():
            try:
                await self.tidy(stopping)
            except (CsmsError, OSError) as failure:
                log.warning("log_not_tidied", error=str(failure))
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await stopping.wait()

    async def tidy(self, stopping: asyncio.Event) -> None:
        """Do all that is due now."""
        now_ms, kept = self._clock.now_ms(), self._retention
        forget = partial(
            service.forget, now_ms=now_ms, days=kept.days, transaction_days=kept.transaction_days
        )
        for verb in (
            partial(service.thin_beats, now_ms=now_ms),
            forget,
            partial(service.forget_beyond, most_bytes=kept.max_mb * MEGABYTE),
        ):
            while not stopping.is_set() and await self._store.do(verb) > 0:
                pass
        self._mind_room()

    def _mind_room(self) -> None:
        is_short = shutil.disk_usage(self._folder).free < ROOM_MIN
        if is_short != self._recorder.is_paused:
            self._recorder.is_paused = is_short
            log.error("log_paused" if is_short else "log_resumed", room_min=ROOM_MIN)
