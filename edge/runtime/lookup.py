"""Answers `ReadOutbox` from the journal, after the rows of all steps before the question."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from edge.core.effects import ReadOutbox
from edge.core.events import OutboxRead
from edge.errors import JournalFailed
from edge.ports import Clock, Journal, Post

RETRY_S: Final = 1.0

log = structlog.get_logger()


class Lookup:
    """Reads the outbox's next stretch when the core asks for it."""

    def __init__(
        self, *, journal: Journal, clock: Clock, caught_up: Callable[[], Awaitable[None]]
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._caught_up = caught_up
        self._questions: deque[ReadOutbox] = deque()
        self._asked = asyncio.Event()

    def ask(self, question: ReadOutbox) -> None:
        """Take a question; the core has at most one open."""
        self._questions.append(question)
        self._asked.set()

    async def run(self, post: Post) -> None:
        """Answer until cancelled."""
        while True:
            while not self._questions:
                self._asked.clear()
                await self._asked.wait()
            question = self._questions[0]
            # A message queued by an earlier step may still be on its way to the disk.
            await self._caught_up()
            try:
                messages = await self._journal.read_outbox(question.after_seq, question.limit)
            except JournalFailed as failure:
                log.warning("outbox_unread", why=str(failure))
                await asyncio.sleep(RETRY_S)
                continue
            self._questions.popleft()
            post(OutboxRead(at=self._clock.now(), ticket=question.ticket, messages=messages))
