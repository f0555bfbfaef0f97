"""From the source to the database: each station at most once a second, the latest wins.

Each station has a task that follows the source, and one that writes what is newest. Writes are
conditional on what stands there, so that a late one, or one of a second bridge, replaces nothing
newer. A pulse proves now and then that what stands there is still looked after.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from datetime import datetime
from typing import Final

import structlog

from edge.bridge.database import Database
from edge.bridge.document import Document, stored
from edge.bridge.pace import Pace, Troubles
from edge.bridge.rules import Standing, standing_of, supersedes
from edge.bridge.sessions import Sessions
from edge.bridge.source import QUIET_S, Listed, Source
from edge.errors import FeedLost, MirrorFailed, MirrorRefused

LOOK_AGAIN: Final = 15
"""Every so many pulses a station's place is read again: what was changed by hand is put right."""
TRIES: Final = 5  # against others who write the same station at the same time

NEWER: Final = "what stands there is newer: is there a second bridge, or a clock that was wrong?"

log = structlog.get_logger()


class Mirrored:
    """One station on its way to the database."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.bell = asyncio.Event()
        self.connection = 0
        self.heard_s: float | None = None
        self.newest: tuple[int, Document] | None = None
        """What is to be written, and by which connection it came."""
        self.told: tuple[int, Document] | None = None
        """What the source told last, written or not."""
        self.placed_by: int | None = None
        """The connection that what was written last came by."""
        self.is_ours = False
        """Whether what stands there is what was written last: else it is not vouched for."""
        self.is_begun = False
        self.is_over = False
        self.due_s = 0.0
        self.tag: str | None = None
        self.standing: Standing | None = None

    def offer(self, document: Document) -> None:
        """Leave a document; one not yet written is forgotten."""
        self.newest = self.told = (self.connection, document)
        self.bell.set()

    def look_again(self) -> None:
        """Have it found out what stands there now, and put right."""
        self.tag = None
        self.newest = self.newest or self.told
        self.bell.set()

    def end(self) -> None:
        """Have the station taken away."""
        self.is_over = True
        self.bell.set()


class Mirror:
    """Mirrors what *source* tells to *database*; *stations* is fixed, or `None`: ask the source."""

    def __init__(
        self,
        source: Source,
        database: Database,
        *,
        stations: Sequence[str] | None,
        secret: bytes,
        now: Callable[[], datetime],
        pace: Pace,
    ) -> None:
        self._pace = pace
        self._source = source
        self._database = database
        self._wanted = stations
        self._now = now
        self._stations: dict[str, Mirrored] = {}
        self._pulse_bell = asyncio.Event()
        self._listed: dict[str, Listed] = {}
        """By identity, where the source is asked."""
        self._troubles = Troubles()
        self._sessions = Sessions(database, secret=secret, pace=pace, troubles=self._troubles)

    async def run(self) -> None:
        """Mirror until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._list_on(group), name="stations")
            group.create_task(self._pulse_on(), name="pulse")
            group.create_task(self._sessions.keep_on(), name="sessions")
            if not self._wanted:
                catching_up = self._sessions.catch_up_on(self._source, self._in_service, self._now)
                group.create_task(catching_up, name="ended sessions")

    def _in_service(self) -> dict[str, Listed]:
        return self._listed

    async def _list_on(self, group: asyncio.TaskGroup) -> None:
        is_swept = False
        while True:
            try:
                codes = self._wanted or await self._ask()
                self._troubles.well("stations")
                self._want(codes, group)
                if not is_swept:
                    self._sweep(await self._database.begun(), codes, group)
                    self._troubles.well("database")
                    is_swept = True
                if self._wanted:
                    return
            except FeedLost as failure:
                self._troubles.note("stations", failure)
            except MirrorFailed as failure:
                self._troubles.note("database", failure)
            await asyncio.sleep(self._pace.list_s)

    async def _ask(self) -> list[str]:
        self._listed = {one.id: one for one in await self._source.stations()}
        return [one.code for one in self._listed.values()]

    def _want(self, codes: Sequence[str], group: asyncio.TaskGroup) -> None:
        """Mirror *codes* and no others; one that is on its way out comes back the next time."""
        for code in codes:
            if code not in self._stations:
                self._stations[code] = station = Mirrored(code)
                group.create_task(self._serve(station), name=f"station {code}")
        for code in self._stations.keys() - set(codes):
            self._stations[code].end()

    def _sweep(self, begun: Sequence[str], codes: Sequence[str], group: asyncio.TaskGroup) -> None:
        """Take away what an earlier run of this bridge mirrored and this one does not."""
        gone = [code for code in begun if code not in codes and code not in self._stations]
        self._want([*self._stations, *gone], group)
        for code in gone:
            self._stations[code].end()

    async def _serve(self, station: Mirrored) -> None:
        async with asyncio.TaskGroup() as group:
            following = group.create_task(self._follow(station), name=f"feed {station.code}")
            await self._write_on(station)
            following.cancel()
        del self._stations[station.code]

    async def _follow(self, station: Mirrored) -> None:
        pause_s = self._pace.first_s
        while True:
            station.connection += 1
            try:
                async with aclosing(self._source.follow(station.code)) as documents:
                    async for document in documents:
                        station.heard_s = asyncio.get_running_loop().time()
                        if document is not None:
                            pause_s = self._pace.first_s
                            self._troubles.well(station.code)
                            self._sessions.note(document)
                            station.offer(document)
            except FeedLost as failure:
                station.heard_s = None
                self._troubles.note(station.code, failure)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self._pace.longest_s)

    async def _write_on(self, station: Mirrored) -> None:
        pause_s = self._pace.first_s
        while True:
            await station.bell.wait()
            station.bell.clear()
            await asyncio.sleep(station.due_s - asyncio.get_running_loop().time())
            try:
                if station.is_over:
                    await self._database.forget(station.code)
                    log.info("station_taken_away", station=station.code)
                    return
                await self._write(station)
                self._troubles.well("database")
                self._troubles.well(f"place of {station.code}")
                pause_s = self._pace.first_s
            except MirrorFailed as failure:
                is_own = isinstance(failure, MirrorRefused)  # the others may be welcome
                self._troubles.note(f"place of {station.code}" if is_own else "database", failure)
                station.tag = None
                station.is_ours = False
                station.bell.set()
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, self._pace.longest_s)

    async def _write(self, station: Mirrored) -> None:
        """Write what is newest, unless what stands there is newer."""
        if not station.is_begun:
            await self._database.begin(station.code)
            station.is_begun = True
        for _ in range(TRIES):
            if station.newest is None:
                return
            taken = station.newest
            connection, document = taken
            if station.tag is None:
                value, station.tag = await self._database.status(station.code)
                station.standing = standing_of(value)
            is_first = station.placed_by != connection
            if not supersedes(document, station.standing, is_reconnected=is_first, now=self._now()):
                self._leave(station, taken)
                return
            if station.tag is None:
                raise MirrorFailed("the database told no tag of what stands there")
            station.due_s = asyncio.get_running_loop().time() + self._pace.between_s
            is_written, value, station.tag = await self._database.put_status(
                station.code, stored(document), station.tag
            )
            if is_written:
                station.placed_by = connection
                self._vouch(station, True)
                station.standing = _standing(document)
                station.newest = None if station.newest is taken else station.newest
                return
            station.standing = standing_of(value)
        raise MirrorFailed(f"others keep writing {station.code}: is there a second bridge?")

    def _leave(self, station: Mirrored, taken: tuple[int, Document]) -> None:
        """Leave what stands there, as it is the same or newer."""
        self._vouch(station, station.standing == _standing(taken[1]))
        if not station.is_ours:
            self._troubles.note(f"order of {station.code}", NEWER)
        if station.newest is taken:
            station.newest = None

    def _vouch(self, station: Mirrored, is_ours: bool) -> None:
        """Say whether what stands there is ours; the page waits for the first proof of it."""
        if is_ours and not station.is_ours:
            self._troubles.well(f"order of {station.code}")
            self._pulse_bell.set()
        station.is_ours = is_ours

    async def _pulse_on(self) -> None:
        loop = asyncio.get_running_loop()
        number = 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pace.pulse_s):
                    await self._pulse_bell.wait()
                    await asyncio.sleep(self._pace.between_s)  # for others that come with it
            self._pulse_bell.clear()
            number += 1
            for place, station in enumerate(list(self._stations.values())):
                if place % LOOK_AGAIN == number % LOOK_AGAIN:
                    station.look_again()
            heard_s = loop.time() - QUIET_S
            alive = [
                one
                for one in self._stations.values()
                if one.is_ours and not one.is_over and (one.heard_s or 0.0) >= heard_s
            ]
            if not alive:
                continue
            try:
                await self._database.pulse(one.code for one in alive)
            except MirrorRefused as failure:  # perhaps a station was deleted by hand
                self._troubles.note("pulse", failure)
                for one in alive:
                    one.look_again()
            except MirrorFailed as failure:
                self._troubles.note("database", failure)
            else:
                self._troubles.well("pulse")


def _standing(document: Document) -> Standing:
    return Standing(document.source, document.sequence, document.at)
