"""Questions about certificates are answered one after the other, each once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from structlog.testing import capture_logs

from edge.core.events import Event, X509Answered
from edge.core.instant import Instant
from edge.core.x509 import KeyMade, MakeSigningRequest, NotDone, Unfit, X509Answer, X509Question
from edge.runtime.inquiries import Inquiries
from tests.waiting import until

AT = Instant(wall=datetime(2026, 3, 1, tzinfo=UTC), monotonic=1.0)


class StillClock:
    def now(self) -> Instant:
        return AT

    def learn(self, wall_at: Instant) -> None:
        raise AssertionError(wall_at)


class Notary:
    """Answers when it is told to, and counts how many it was asked at a time."""

    def __init__(self, *answers: X509Answer) -> None:
        self.answers = list(answers)
        self.may = asyncio.Semaphore(0)
        self.asked: list[X509Question] = []

    async def answer(self, question: X509Question) -> X509Answer:
        self.asked.append(question)
        await self.may.acquire()
        return self.answers.pop(0)


def question(ticket: int) -> MakeSigningRequest:
    return MakeSigningRequest(ticket=ticket, common_name="n", organisation="o")


async def test_each_question_is_answered_once_and_in_turn() -> None:
    """Limits: one child at a time; its keys and its refusals are told without secrets."""
    key = KeyMade(key="SECRET", key_id="i", csr="c")
    answers: tuple[X509Answer, ...] = (key, Unfit(why="bad"), NotDone(why="dead"))
    notary = Notary(*answers)
    inquiries = Inquiries(notary=notary, clock=StillClock())
    posted: asyncio.Queue[Event] = asyncio.Queue()
    with capture_logs() as logs:
        work = asyncio.ensure_future(inquiries.run(posted.put_nowait))
        for ticket in (1, 2, 3):
            inquiries.take(question(ticket))
        for ticket, answer in zip((1, 2, 3), answers, strict=True):
            await until(lambda: notary.asked)
            assert notary.asked.pop() == question(ticket)
            assert not notary.asked
            notary.may.release()
            async with asyncio.timeout(3):
                told = await posted.get()
            assert told == X509Answered(at=AT, ticket=ticket, answer=answer)
        work.cancel()
    assert [entry["event"] for entry in logs] == [
        "certificate_looked_at",
        "certificate_refused",
        "certificate_refused",
    ]
    assert "SECRET" not in str(logs)
