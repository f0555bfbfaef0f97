"""Behind the disk: pages in order, one commit for all that wait, then energy, then words.

Nothing is energised or told before its rows, and those of every step before it, are durable. A
commit that fails keeps its pages and is tried again; a crash loses only pages that nobody was told
of and that never switched anything on. What was to be stored or given up (`Store`) is given up at
the first failure, so that it does not stand in the way of rows that must be kept.

A row that may wait (`Delivered.may_wait`) makes no commit of its own: it goes with the next one,
before its rows. Each commit that a card is spared halves what a sample costs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog

from edge.core.effects import Effect, Store
from edge.core.events import JournalHealed, JournalLost, Stored
from edge.core.records import Record
from edge.errors import JournalFailed
from edge.ports import Clock, Journal, Post
from edge.runtime.pages import Page, Probe, thinned

RETRY_FIRST_S: Final = 0.1
RETRY_MOST_S: Final = 10.0
"""A card that is full or read-only wants an operator; asking it more often wears it out."""

PAGES: Final = 256
"""Waiting pages from which on samples between begin and end may be lost."""

OWED: Final = 64
"""Rows that may wait, at most: as many messages would go out again after a power cut."""

OWED_S: Final = 65.0
"""How long they may: a session writes each minute, so only its last ones ever wait so long."""

Permits = Callable[[int, Effect], bool]

log = structlog.get_logger()


class Recorder:
    """Takes pages from the loop; the only one that commits."""

    def __init__(
        self,
        *,
        journal: Journal,
        perform: Callable[[Effect], None],
        clock: Clock,
        probe: Probe | None = None,
    ) -> None:
        self._journal = journal
        self._perform = perform
        self._clock = clock
        self._probe = probe or _unobserved
        self._pages: list[Page] = []
        self._owed: list[Record] = []
        self._owed_until: float | None = None
        self._in_flight = 0
        self._arrived = asyncio.Event()
        self._newest = 0
        self._awaiting: list[tuple[int, asyncio.Future[None]]] = []

    @property
    def waiting(self) -> int:
        """How many pages are not yet carried out."""
        return len(self._pages)

    @property
    def owed(self) -> tuple[Record, ...]:
        """Rows that wait for the next commit, though what they allow was carried out."""
        return tuple(self._owed)

    def append(self, page: Page) -> None:
        """Take the page of the newest step."""
        if len(self._pages) == PAGES:
            self._thin_waiting()
        if len(self._pages) >= PAGES:
            page = thinned(page)
            if page.is_blank:
                return
        self._newest = page.turn
        self._pages.append(page)
        self._arrived.set()

    async def caught_up(self) -> None:
        """Return when every page appended so far is written and carried out."""
        if not self._pages and not self._owed:
            return
        reached = asyncio.get_running_loop().create_future()
        self._awaiting.append((self._newest, reached))
        self._arrived.set()
        await reached

    async def run(self, post: Post, permits: Permits) -> None:
        """Work until cancelled."""
        while True:
            await self._work_to_do()
            batch = self._at_once() or await self._written(post)
            for page in batch:
                self._carry_out(page, permits)
            self._leave_behind(len(batch))

    async def _work_to_do(self) -> None:
        """Return when there are pages, or rows that have waited long enough."""
        while not self._pages and not (self._owed and self._awaiting):
            self._arrived.clear()
            try:
                async with asyncio.timeout_at(self._owed_until):
                    await self._arrived.wait()
            except TimeoutError:
                return

    def _at_once(self) -> tuple[Page, ...]:
        """Leading pages that wait for no row of their own or before them; theirs are owed."""
        batch: list[Page] = []
        for page in self._pages:
            owed = [*self._owed, *page.rows]
            if owed and (self._awaiting or len(owed) > OWED or not page.is_patient):
                break
            if owed and self._owed_until is None:
                self._owed_until = asyncio.get_running_loop().time() + OWED_S
            self._owed = owed
            batch.append(page)
        return tuple(batch)

    async def _written(self, post: Post) -> tuple[Page, ...]:
        """Commit what is owed and the rows of all waiting pages, however long it takes; those."""
        failed: str | None = None
        delay_s = RETRY_FIRST_S
        while True:
            batch = tuple(self._pages)
            self._in_flight = len(batch)
            self._probe("before_commit")
            rows = [*self._owed, *(row for page in batch for row in page.rows)]
            try:
                if rows:
                    await self._journal.commit(rows)
            except JournalFailed as failure:
                self._in_flight = 0
                if self._give_up_stores(batch, failure.kind, post) and failed is None:
                    continue  # without them it may well go through
                if failure.kind != failed:
                    failed = failure.kind
                    log.warning("journal_lost", kind=failed, why=str(failure), pages=len(batch))
                    post(JournalLost(at=self._clock.now(), kind=failure.kind))
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, RETRY_MOST_S)
                continue
            self._owed, self._owed_until = [], None
            self._probe("after_commit")
            if failed is not None:
                log.info("journal_healed", pages=len(batch))
                post(JournalHealed(at=self._clock.now()))
            for store in _stores(batch):
                post(Stored(at=self._clock.now(), ticket=store.ticket))
            return batch

    def _give_up_stores(self, batch: tuple[Page, ...], kind: str, post: Post) -> bool:
        """Take what need not be stored out of the pages, for good; whether there was any."""
        given_up = _stores(batch)
        self._pages[: len(batch)] = [replace(page, stores=()) for page in batch]
        for store in given_up:
            log.warning("store_given_up", record=type(store.record).__name__, kind=kind)
            post(Stored(at=self._clock.now(), ticket=store.ticket, failure=kind))
        return bool(given_up)

    def _carry_out(self, page: Page, permits: Permits) -> None:
        for effect in page.energise:
            if permits(page.turn, effect):
                self._perform(effect)
            else:
                log.info("effect_withdrawn", effect=type(effect).__name__, turn=page.turn)
        if page.energise:
            self._probe("after_energise")
        for effect in page.tell:
            self._probe("before_tell")
            self._perform(effect)

    def _leave_behind(self, count: int) -> None:
        del self._pages[:count]
        self._in_flight = 0
        oldest = self._pages[0].turn if self._pages else self._newest + 1
        if self._owed:
            return  # who waits for all to be written waits for these too
        for turn, reached in self._awaiting:
            if turn < oldest and not reached.done():
                reached.set_result(None)
        self._awaiting = [(turn, reached) for turn, reached in self._awaiting if turn >= oldest]

    def _thin_waiting(self) -> None:
        """Let go of spare samples; pages already with the disk stay as they are."""
        settled, loose = self._pages[: self._in_flight], self._pages[self._in_flight :]
        kept = [page for page in map(thinned, loose) if not page.is_blank]
        self._pages = settled + kept
        log.warning("samples_thinned", pages_before=len(settled) + len(loose), pages=self.waiting)


def _stores(pages: tuple[Page, ...]) -> tuple[Store, ...]:
    return tuple(store for page in pages for store in page.stores)


def _unobserved(_point: str) -> None:
    """No probe: nobody watches the crash points."""
