"""What changed, to whoever follows: every change in order, gaps replayed from the table.

The table is the truth, and a bell after each commit says that there may be more in it. Each
follower has a bounded queue; one that does not keep up is cut off, and goes on from the number
that it saw last when it comes again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, NamedTuple

import structlog

from csms_lite.clock import Clock
from csms_lite.errors import CsmsError, Refused
from csms_lite.live.rules import Change, change_document
from csms_lite.live.service import changes_after, ends, forget_changes, note_change
from csms_lite.stations.presence import Presence
from csms_lite.store.writer import Store
from csms_lite.supervise import endure

BETWEEN_S: Final = 0.05  # twenty looks a second find all, and leave the readers to people
QUEUE_MAX: Final = 1000  # changes per follower: about 300 kB
MAX_FOLLOWERS: Final = 200  # each is an open connection
MAX_OF_ACCOUNTS: Final = 150  # the rest is for staff
MAX_OF_ONE: Final = 10  # of one account
PAGE: Final = 500
QUIET_S: Final = 10.0  # a word now and then lets both ends see a dead line
RETRY_S: Final = 1.0

log = structlog.get_logger(__name__)


class Wanted(NamedTuple):
    """Which changes a follower wants to hear of; an empty set wants all."""

    chargers: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()

    def takes(self, change: Change) -> bool:
        """Say whether a change is among them."""
        is_there = not self.chargers or change.charger in self.chargers
        return is_there and (not self.kinds or change.kind in self.kinds)


ALL: Final = Wanted()


class Told(NamedTuple):
    """What a follower is told: a change, or `hello`, `gap`, `cut` and `quiet` of the stream itself.

    `hello` says from which number on, `gap` that changes before its number are forgotten.
    """

    kind: str
    number: int
    document: dict[str, Any]


class Follower:
    """One who follows the changes of all, or of one account; of those the ones *wanted*."""

    def __init__(self, user_id: int | None, wanted: Wanted = ALL) -> None:
        self.user_id = user_id
        self.wanted = wanted
        self.is_cut = False
        self.is_over = False
        self._queue: deque[Change] = deque()
        self._bell = asyncio.Event()

    def offer(self, change: Change) -> None:
        """Leave a change, or cut the follower off when it left too many lying."""
        if len(self._queue) >= QUEUE_MAX:
            self._queue.clear()
            self.is_cut = True
        if not self.is_cut:
            self._queue.append(change)
        self._bell.set()

    def end(self) -> None:
        """Say that there will be no more."""
        self.is_over = True
        self._bell.set()

    async def take(self, within_s: float) -> Change | None:
        """Wait for the next change; `None` when time runs out, or at the end."""
        if not self._queue and not self.is_over and not self.is_cut:
            self._bell.clear()
            await _wait(self._bell, within_s)
        return self._queue.popleft() if self._queue else None


class Changes:
    """Reads what changed once, and hands it to all who follow."""

    def __init__(self, store: Store, clock: Clock, presence: Presence) -> None:
        self._store = store
        self._clock = clock
        self._presence = presence
        self._followers: set[Follower] = set()
        self._handed: int | None = None
        """Number of the last change handed out; none while nobody follows."""
        self._online: set[int] = set()
        self._moved: dict[int, bool] = {}
        """Stations that came or went, which no row tells."""
        self._bell = asyncio.Event()
        self._over = asyncio.Event()
        store.after_commit(self._bell.set)

    @property
    def followers(self) -> int:
        """How many follow."""
        return len(self._followers)

    def touch(self, station_id: int) -> None:
        """Say that a station may have come or gone."""
        is_online = self._presence.is_online(station_id)
        if is_online != (station_id in self._online):
            (self._online.add if is_online else self._online.discard)(station_id)
            self._moved[station_id] = is_online
            self._bell.set()

    async def note(self, kind: str, details: dict[str, Any]) -> None:
        """Number a change that concerns the central system itself; raises `StoreFailed`."""
        await self._store.do(note_change, kind, None, details, self._clock.now_ms())

    def close(self) -> None:
        """End every stream, and the telling."""
        self._over.set()
        self._bell.set()
        for follower in self._followers:
            follower.end()

    async def tell_on(self) -> None:
        """Hand out what changes until `close`."""
        while not self._over.is_set():
            await self._bell.wait()
            self._bell.clear()
            await endure(self._look, "changes_not_told")
            await _wait(self._over, BETWEEN_S)

    async def tidy(self) -> None:
        """Forget old changes; raises `StoreFailed`."""
        while not self._over.is_set() and await self._store.do(forget_changes) > 0:
            pass

    @contextmanager
    def _following(self, user_id: int | None, wanted: Wanted) -> Iterator[Follower]:
        follower = Follower(user_id, wanted)
        self._followers.add(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)

    def follow(
        self, user_id: int | None, after: int | None, wanted: Wanted = ALL
    ) -> AsyncGenerator[Told, None]:
        """Tell what changes from now on, or from a number that was told before.

        Raises `Refused` at once when too many follow, and `StoreFailed` while telling.
        """
        if self._over.is_set() or self._is_full_for(user_id):
            raise Refused("too many follow already: ask for what you need now and then instead")
        return self._tell(user_id, after, wanted)

    def _is_full_for(self, user_id: int | None) -> bool:
        if user_id is None:
            return len(self._followers) >= MAX_FOLLOWERS
        accounts = [one.user_id for one in self._followers if one.user_id is not None]
        return len(accounts) >= MAX_OF_ACCOUNTS or accounts.count(user_id) >= MAX_OF_ONE

    async def _tell(
        self, user_id: int | None, after: int | None, wanted: Wanted
    ) -> AsyncGenerator[Told, None]:
        with self._following(user_id, wanted) as follower:
            if self._handed is None:
                newest = (await self._store.read(ends))[1]
                if self._handed is None:  # who came at the same time has set it: it stands
                    self._handed = newest
            oldest, newest = await self._store.read(ends)
            last = newest if after is None else after
            if after is None:
                yield Told("hello", newest, {"number": newest})
            elif not oldest - 1 <= after <= newest:
                last = oldest - 1 if after < oldest else newest
                yield Told("gap", last, {"asked_after": after, "number": last})
            async for told in self._missed(follower, last):
                last = told.number
                yield told
            while not follower.is_over:
                change = await follower.take(QUIET_S)
                if follower.is_cut:
                    yield Told("cut", last, {"number": last})
                    return
                if change is not None and change.number > last:
                    last = change.number
                    yield _told(change)
                elif change is None and not follower.is_over:
                    last = max(last, self._handed or 0)  # none of those before was wanted
                    yield Told("quiet", last, {"number": last})

    async def _missed(self, follower: Follower, last: int) -> AsyncIterator[Told]:
        """Tell what is in the table; what comes meanwhile waits in the follower's queue."""
        while not follower.is_over and not follower.is_cut:
            page = await self._store.read(changes_after, last, follower.user_id, PAGE)
            for change in page:
                last = change.number
                if follower.wanted.takes(change):
                    yield _told(change)
            if len(page) < PAGE:
                return

    async def _look(self) -> None:
        await self._tell_moves()
        if not self._followers:
            self._handed = None
            return
        while self._handed is not None:
            try:
                page = await self._store.read(changes_after, self._handed, None, PAGE)
            except CsmsError as failure:
                log.warning("changes_not_read", error=str(failure))
                self._bell.set()
                await _wait(self._over, RETRY_S)
                return
            for change in page:
                self._hand(change)
            if page:
                self._handed = page[-1].number
            if len(page) < PAGE:
                return

    def _hand(self, change: Change) -> None:
        for follower in self._followers:
            is_seen = follower.user_id is None or follower.user_id == change.user_id
            if is_seen and follower.wanted.takes(change):
                follower.offer(change)

    async def _tell_moves(self) -> None:
        while self._moved:
            station_id, is_online = next(iter(self._moved.items()))
            try:
                await self._store.do(
                    note_change,
                    "station",
                    station_id,
                    {"online": is_online},
                    self._clock.now_ms(),
                )
            except CsmsError as failure:
                log.warning("change_not_kept", station=station_id, error=str(failure))
                self._bell.set()
                await _wait(self._over, RETRY_S)
                return
            if self._moved.get(station_id) == is_online:
                del self._moved[station_id]


def _told(change: Change) -> Told:
    return Told(change.kind, change.number, change_document(change))


async def _wait(bell: asyncio.Event, within_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await bell.wait()
