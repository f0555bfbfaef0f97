"""Answers `ReadOutbox` from the journal; asked behind the disk, so earlier rows are there."""

from __future__ import annotations

import asyncio
from collections import deque
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

    def __init__(self, *, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
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
            try:
                messages = await self._journal.read_outbox(question.after_seq, question.limit)
            except JournalFailed as failure:
                log.warning("outbox_unread", why=str(failure))
                await asyncio.sleep(RETRY_S)
                continue
            self._questions.popleft()
            post(OutboxRead(at=self._clock.now(), ticket=question.ticket, messages=messages))
