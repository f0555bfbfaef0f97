"""Bugs planted on purpose; the sweep must find each: a test that cannot fail proves nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from edge.core import outbox
from edge.core.effects import Ask, Energise, Send
from edge.core.messages import (
    MeterValues,
    SecurityEventNotification,
    StartTransaction,
    StopTransaction,
)
from edge.core.outbox import UNNUMBERED
from edge.core.records import Delivered, Parked, Queued, Record, TransactionBound
from edge.core.security_log import SecurityEventTold
from edge.core.state import Outbox
from edge.runtime.pages import Page
from tests.crash.histories import STORIES, Fall, MakeWorld, play
from tests.crash.life import Life
from tests.crash.memory import MemoryJournal
from tests.crash.world import World

TRANSACTION = (StartTransaction, StopTransaction, MeterValues)


class TellsBeforeRecording(World):
    """The step's words go out at once, the rows behind them."""

    def _born(self, state: object) -> Life:
        life = super()._born(state)
        append = life.loop._append

        def hasty(page: Page) -> None:
            for effect in page.tell:
                self._perform(life, effect)
            append(Page(turn=page.turn, records=page.records, energise=page.energise))

        life.loop._append = hasty
        return life


class EnergisesBeforeRecording(World):
    """The contactor closes at once, the transaction is written behind it."""

    def _born(self, state: object) -> Life:
        life = super()._born(state)
        append = life.loop._append

        def hasty(page: Page) -> None:
            for effect in page.energise:
                if not isinstance(effect, Energise) or life.loop.permits(page.turn, effect):
                    self._perform(life, effect)
            append(Page(turn=page.turn, records=page.records, tell=page.tell))

        life.loop._append = hasty
        return life


class DequeuesBeforeReply(World):
    """A message leaves the outbox when it is sent."""

    def _send(self, life: Life, request: Ask | Send) -> None:
        if isinstance(request.message, TRANSACTION):
            seq = self.journal.rows.seqs[request.message_id]
            self.journal.rows.take(Delivered(seq=seq))
        super()._send(life, request)


class Forgetful(MemoryJournal):
    """Does not write the central system's number."""

    async def commit(self, records: Sequence[Record]) -> None:
        await super().commit([one for one in records if not isinstance(one, TransactionBound)])


class ForgetsTheNumber(World):
    """The transaction id lives in memory only."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.journal = Forgetful(self.journal.latency_s)


class NumbersAnew(World):
    """A resend gets a new message id, so that no receiver can tell it from a new message."""

    def _send(self, life: Life, request: Ask | Send) -> None:
        count = len(self.sent)
        fresh = replace(request, message_id=f"{life.number}-{count}")
        if request.message_id in self.journal.rows.seqs:
            self.journal.rows.seqs[fresh.message_id] = self.journal.rows.seqs[request.message_id]
        super()._send(life, fresh)


class Overtakes(World):
    """What follows a message goes out whatever becomes of that."""

    def _send(self, life: Life, request: Ask | Send) -> None:
        if isinstance(request, Send):
            request = replace(request, behind=None)
        super()._send(life, request)


class WarnsOnce(World):
    """A security event counts as heard when it is sent."""

    def _send(self, life: Life, request: Ask | Send) -> None:
        if isinstance(request.message, SecurityEventNotification):
            untold = [row.seq for row in self.journal.rows.security_log.values() if row.untold]
            for seq in untold[:1]:
                self.journal.rows.take(SecurityEventTold(seq=seq))
        super()._send(life, request)


class Lenient(MemoryJournal):
    """Takes the answer to a StopTransaction without a number for the end of the matter."""

    async def commit(self, records: Sequence[Record]) -> None:
        await super().commit(
            [
                Delivered(seq=one.seq)
                if isinstance(one, Parked) and one.code == UNNUMBERED
                else one
                for one in records
            ]
        )


class LosesTheUnnumberedStop(World):
    """A resent session stays open over there for ever."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.journal = Lenient(self.journal.latency_s)


def _breaches(make: MakeWorld) -> Iterator[str]:
    for latency_s in (0.0, 0.3):
        for story in STORIES.values():
            points = play(story, latency_s=latency_s, make=make).points
            for point in range(1, points + 1):
                fall = Fall(point=point)
                yield from play(story, fall=fall, latency_s=latency_s, make=make).breaches


@pytest.mark.sweep
@pytest.mark.parametrize(
    "make",
    [
        TellsBeforeRecording,
        EnergisesBeforeRecording,
        DequeuesBeforeReply,
        ForgetsTheNumber,
        NumbersAnew,
        Overtakes,
        WarnsOnce,
        LosesTheUnnumberedStop,
    ],
)
def test_the_sweep_finds_the_planted_bug(make: MakeWorld) -> None:
    """The rule that each of them breaks has a test that notices."""
    assert next(_breaches(make), None) is not None


def test_the_sweep_finds_dependants_that_go_before_their_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """I4: what follows a StartTransaction on the line does not belong to it."""

    def hasty(handed: Outbox) -> Queued | None:
        is_first = len(handed.flights) == 1 and handed.head[0].seq == handed.flights[0]
        return handed.head[1] if is_first and len(handed.head) > 1 else None

    monkeypatch.setattr(outbox, "_follower", hasty)
    assert next(_breaches(World), None) is not None
