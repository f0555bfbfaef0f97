"""Keeps the local list of each connected charger in step with the cards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

import structlog

from csms_lite.chance import Chance
from csms_lite.clock import Clock
from csms_lite.errors import CsmsError
from csms_lite.local_list import service
from csms_lite.store.writer import Store

LOOK_EVERY_S: Final = 5.0  # how late a window that opens, or a wait that ends, may be seen
AT_ONCE: Final = 4  # lists; their commits are shared, and pages still get a reader in between
STEPS_AT_ONCE: Final = 4  # settle, then ask; more only when others meddle

log = structlog.get_logger(__name__)


class Connected(Protocol):
    """Who knows which stations have a socket."""

    def is_online(self, station_id: int) -> bool:
        """Say whether the station has a socket."""
        ...


class Follower:
    """Looks at a charger's list whenever something happened that may concern it.

    All is found from rows each time, so that a look too many costs a query and a look too few is
    made up for by the next; nothing here has to survive the process.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        chance: Chance,
        connected: Connected,
        ring: Callable[[int], None],
        *,
        by_setting: bool,
    ) -> None:
        self.by_setting = by_setting
        self._store = store
        self._clock = clock
        self._chance = chance
        self._connected = connected
        self._ring = ring
        self._arrived: set[int] = set()
        self._touched: set[int] = set()
        self._ended: set[int] = set()
        self._failed: set[int] = set()
        self._last_change = (-1, -1)
        self._looked_at_ms = clock.now_ms()
        self._bell = asyncio.Event()
        self._closing = False

    def arrived(self, station_id: int) -> None:
        """Look at the list of a station that came, or booted."""
        self._arrived.add(station_id)
        self.touch(station_id)

    def touch(self, station_id: int) -> None:
        """Look at the list of one station."""
        self._touched.add(station_id)
        self._bell.set()

    def cards_changed(self) -> None:
        """Look at all lists, once the change of the cards is found in the rows."""
        self._bell.set()

    def command_ended(self, command_id: int) -> None:
        """Look at the list of a station whose command has ended, if it concerns lists."""
        self._ended.add(command_id)
        self._bell.set()

    def close(self) -> None:
        """End `follow_on`."""
        self._closing = True
        self._bell.set()

    async def follow_on(self) -> None:
        """Follow until `close`."""
        while not self._closing:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._bell.wait()
            self._bell.clear()
            try:
                await self.look()
            except CsmsError as failure:
                log.warning("local_lists_not_followed", error=str(failure))

    async def look(self) -> None:
        """Look once at every list that something happened to; raises `StoreFailed`."""
        now_ms = self._clock.now_ms()
        ended = frozenset(self._ended)
        news = await self._store.read(service.news, self._looked_at_ms, now_ms)
        self._touched |= news.due
        if ended:
            self._touched |= await self._store.read(service.stations_of, ended)
            self._ended -= ended
        if news.newest_change != self._last_change or news.became_valid:
            self._arrived = {one for one in self._arrived if self._connected.is_online(one)}
            self._touched |= self._arrived
        self._last_change, self._looked_at_ms = news.newest_change, now_ms
        while self._touched and not self._closing:
            some = [self._touched.pop() for _ in range(min(AT_ONCE, len(self._touched)))]
            online = [one for one in some if self._connected.is_online(one)]
            await asyncio.gather(*map(self._follow_one, online))
        self._touched |= self._failed
        self._failed.clear()

    async def _follow_one(self, station_id: int) -> None:
        """Follow one list; a failure is not the others', and is tried again at the next look."""
        try:
            await self._follow(station_id)
        except CsmsError as failure:
            log.warning("local_list_not_followed", station=station_id, error=str(failure))
            self._failed.add(station_id)

    async def _follow(self, station_id: int) -> None:
        if not await self._store.read(service.can_take, station_id):
            return
        for _ in range(STEPS_AT_ONCE):
            now_ms = self._clock.now_ms()
            plan = await self._store.read(
                service.plan, station_id, now_ms, by_setting=self.by_setting
            )
            if plan.is_over:
                await self._store.do(service.settle, station_id, now_ms)
                continue
            step = plan.step
            if step.action is None and not (step.state == "in_step" and plan.known.is_late):
                return
            message_id = self._chance.message_id()
            if await self._store.do(
                service.carry_out, station_id, plan, message_id=message_id, now_ms=now_ms
            ):
                self._ring(station_id)
                return
            if step.state == "in_step":
                return
        self._failed.add(station_id)
        log.warning("local_list_kept_changing", station=station_id)  # the next look goes on
