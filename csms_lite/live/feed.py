"""Status documents to whoever watches: at most one a second per station, the latest wins."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final

import structlog

from csms_lite.clock import Clock
from csms_lite.errors import CsmsError, Refused
from csms_lite.live.rules import document, sequence
from csms_lite.live.service import snapshot
from csms_lite.stations.presence import Presence
from csms_lite.store.writer import Store
from csms_lite.supervise import endure
from edge.hmi.watcher import Watcher

BETWEEN_S: Final = 1.0
MAX_WATCHERS: Final = 1000  # each is an open connection

Document = dict[str, Any]

log = structlog.get_logger(__name__)


class Feed:
    """Makes documents and hands them to the watchers; *epoch* is the number of this start."""

    def __init__(self, store: Store, clock: Clock, presence: Presence, epoch: int) -> None:
        self._store = store
        self._clock = clock
        self._presence = presence
        self._epoch = epoch
        self._counts: Counter[int] = Counter()
        self._watchers: dict[int, set[Watcher[Document]]] = {}
        self._due: dict[int, float] = {}
        self._published: dict[int, float] = {}
        self._bell = asyncio.Event()
        self._is_over = False

    async def current(self, station_id: int) -> Document:
        """Make a station's document as it is now; raises `NotFound`, `StoreFailed`."""
        seen = await self._store.read(snapshot, station_id)
        self._counts[station_id] += 1
        return document(
            seen,
            sequence=sequence(self._epoch, self._counts[station_id]),
            now_ms=self._clock.now_ms(),
            is_online=self._presence.is_online(station_id),
            heard_at_ms=self._presence.heard_at_ms(station_id),
        )

    def touch(self, station_id: int) -> None:
        """Say that a station's document may have changed."""
        if station_id in self._watchers and station_id not in self._due:
            last = self._published.get(station_id)
            now = self._clock.monotonic()
            self._due[station_id] = now if last is None else max(now, last + BETWEEN_S)
            self._bell.set()

    def watched(self) -> tuple[int, ...]:
        """Give the stations that somebody watches."""
        return tuple(self._watchers)

    def touch_all(self) -> None:
        """Say that something changed which every document shows, such as the price."""
        for station_id in self._watchers:
            self.touch(station_id)

    @contextmanager
    def watch(self, station_id: int) -> Iterator[Watcher[Document]]:
        """Watch a station while the block lasts; raises `Refused` when too many do."""
        if self._is_over or sum(map(len, self._watchers.values())) >= MAX_WATCHERS:
            raise Refused("too many watch already: ask for the status now and then instead")
        watcher = Watcher[Document]()
        watchers = self._watchers.setdefault(station_id, set())
        watchers.add(watcher)
        try:
            yield watcher
        finally:
            watchers.discard(watcher)
            if not watchers and self._watchers.get(station_id) is watchers:
                del self._watchers[station_id]

    def close(self) -> None:
        """End every stream, and the publishing."""
        self._is_over = True
        self._bell.set()
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.end()

    async def publish_on(self) -> None:
        """Publish what was touched, each station at most once a second, until `close`.

        A document that cannot be made costs its station one telling, not the others theirs.
        """
        while not self._is_over:
            self._bell.clear()
            now = self._clock.monotonic()
            for station_id in [station for station, due in self._due.items() if due <= now]:
                del self._due[station_id]
                self._published[station_id] = now
                await endure(
                    partial(self._publish, station_id), "status_not_made", station=station_id
                )
            with suppress(TimeoutError):
                async with asyncio.timeout(self._until_next()):
                    await self._bell.wait()

    def _until_next(self) -> float | None:
        if not self._due:
            return None
        return max(0.0, min(self._due.values()) - self._clock.monotonic())

    async def _publish(self, station_id: int) -> None:
        try:
            newest = await self.current(station_id)
        except CsmsError as failure:
            log.warning("status_not_published", station=station_id, error=str(failure))
            return
        for watcher in tuple(self._watchers.get(station_id, ())):
            watcher.offer(newest)
