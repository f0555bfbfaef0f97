"""Has questions about certificates answered, one after the other: `X509Answered` for each."""

from __future__ import annotations

import asyncio

import structlog

from edge.core.events import X509Answered
from edge.core.x509 import NotDone, Unfit, X509Question
from edge.ports import Clock, Notary, Post

log = structlog.get_logger()


class Inquiries:
    """Takes questions from the beats; the core's tickets bound how many wait."""

    def __init__(self, *, notary: Notary, clock: Clock) -> None:
        self._notary = notary
        self._clock = clock
        self._questions: asyncio.Queue[X509Question] = asyncio.Queue()

    def take(self, question: X509Question) -> None:
        """Put *question* behind those that wait; returns at once."""
        self._questions.put_nowait(question)

    async def run(self, post: Post) -> None:
        """Work until cancelled."""
        while True:
            question = await self._questions.get()
            answer = await self._notary.answer(question)
            kind = type(question).__name__
            if isinstance(answer, Unfit | NotDone):
                log.warning("certificate_refused", question=kind, why=answer.why)
            else:
                log.info("certificate_looked_at", question=kind, found=type(answer).__name__)
            post(X509Answered(at=self._clock.now(), ticket=question.ticket, answer=answer))
