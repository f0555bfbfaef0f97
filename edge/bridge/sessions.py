"""Sessions that have ended, each kept once: as the status tells, and as csms_lite remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from edge.bridge.database import Database
from edge.bridge.document import Document, finished, summary, summary_of_ended
from edge.bridge.pace import Pace, Troubles
from edge.bridge.rules import session_id
from edge.bridge.source import Listed, Source
from edge.errors import FeedLost, MirrorFailed

WAITING_MAX: Final = 1000  # for the database: a busy day of a hundred chargers
KEPT_MAX: Final = 5000  # names that are not asked for again
LOOK_BACK: Final = timedelta(days=7)
"""How long the bridge may be away without a session lost, as far as `ENDED_MAX` reaches."""

log = structlog.get_logger()


class Sessions:
    """Keeps sessions under names that only the holder of *secret* can make."""

    def __init__(
        self, database: Database, *, secret: bytes, pace: Pace, troubles: Troubles
    ) -> None:
        self._database = database
        self._secret = secret
        self._pace = pace
        self._troubles = troubles
        self._waiting: dict[str, dict[str, Any]] = {}
        self._kept: dict[str, None] = {}
        self._bell = asyncio.Event()

    def note(self, document: Document) -> None:
        """Have the sessions of a document kept that have ended."""
        code = document.station.id
        for connector, session in finished(document):
            name = session_id(self._secret, code, connector, session.started_at)
            self._add(name, summary(document, connector, session))

    async def catch_up_on(
        self,
        source: Source,
        listed: Callable[[], Mapping[str, Listed]],
        now: Callable[[], datetime],
    ) -> None:
        """Ask csms_lite now and then for sessions that ended while nobody looked."""
        while True:
            stations = listed()
            pause_s = self._pace.catch_up_s if stations else self._pace.list_s
            try:
                for one in await source.ended(now() - LOOK_BACK) if stations else ():
                    station = stations.get(one.charger)
                    if station is None or one.started_at is None:
                        continue
                    name = session_id(self._secret, station.code, one.connector, one.started_at)
                    self._add(name, summary_of_ended(one, station.code, station.name))
                self._troubles.well("ended sessions")
            except FeedLost as failure:
                self._troubles.note("ended sessions", failure)
                pause_s = self._pace.list_s
            await asyncio.sleep(pause_s)

    async def keep_on(self) -> None:
        """Write what waits, one after the other, until cancelled."""
        pause_s = self._pace.first_s
        while True:
            await self._bell.wait()
            if not self._waiting:
                self._bell.clear()
                continue
            name, told = next(iter(self._waiting.items()))
            try:
                await self._database.keep_session(name, told)
            except MirrorFailed as failure:
                self._troubles.note("sessions", failure)
                if name in self._waiting:  # one that is refused does not hold up the others
                    self._waiting[name] = self._waiting.pop(name)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, self._pace.longest_s)
                continue
            self._troubles.well("sessions")
            pause_s = self._pace.first_s
            self._waiting.pop(name, None)
            self._kept[name] = None
            while len(self._kept) > KEPT_MAX:
                self._kept.pop(next(iter(self._kept)))

    def _add(self, name: str, told: dict[str, Any]) -> None:
        if name in self._kept or name in self._waiting:
            return
        self._waiting[name] = told
        self._bell.set()
        if len(self._waiting) > WAITING_MAX:
            self._waiting.pop(next(iter(self._waiting)))
            log.warning("session_not_kept", why="too many wait for the database")
