"""The line between a life and the central system: up or cut, one call in flight."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from edge.core.effects import Ask, Send
from edge.core.events import DialPostponed, Event, LinkDown, LinkUp, Settled
from edge.core.instant import Instant
from edge.core.messages import CallError, NoAnswer, Request
from tests.crash.central import Central
from tests.crash.life import Life

LINE_S = 0.05  # each way
WITHHELD = NoAnswer(timed_out=False, withheld=True)


class Line:
    """A part of `World`: it does to requests what `drivers.ocpp_link` does."""

    host: asyncio.AbstractEventLoop
    central: Central
    chance: random.Random
    cut_share: float
    line_up: bool
    life: Life | None
    sent: dict[str, list[Request]]

    def now(self) -> Instant:
        """What the clocks show."""
        raise NotImplementedError

    def post(self, event: Event) -> None:
        """Reaches the process if there is one."""
        raise NotImplementedError

    def cut_line(self, for_s: float | None = None) -> None:
        """The internet is gone, for *for_s* or until `mend_line`."""
        self.line_up = False
        life = self.life
        if life is not None and life.linked:
            life.linked = False
            open_requests = ([life.flying] if life.flying else []) + list(life.queue)
            life.flying = None
            life.queue.clear()
            for request in open_requests:
                self._settle(life, request, NoAnswer(timed_out=False))
            while life.followers:
                self._settle(life, life.followers.popleft(), WITHHELD)
            self.post(LinkDown(at=self.now(), why="cut"))
            self.post(DialPostponed(at=self.now(), failures=2))
        if for_s is not None:
            self.host.call_later(for_s, self.mend_line)

    def mend_line(self) -> None:
        """The internet is back."""
        self.line_up = True
        if self.life is not None:
            self.host.call_later(1.0, self._link, self.life)

    def _link(self, life: Life) -> None:
        if self.life is life and self.line_up and not life.linked:
            life.linked = True
            self.post(LinkUp(at=self.now()))

    def _send(self, life: Life, request: Ask | Send) -> None:
        self.sent.setdefault(request.message_id, []).append(request.message)
        if not life.linked:
            self._settle(life, request, NoAnswer(timed_out=False))
            return
        if isinstance(request, Send) and request.behind is not None:
            life.followers.append(request)
        else:
            life.queue.append(request)
        self._fly(life)

    def _fly(self, life: Life) -> None:
        """The next one, as `drivers.ocpp_link` has it: a follower when nothing else waits."""
        while life.flying is None and (life.queue or life.followers):
            if life.queue:
                life.flying = life.queue.popleft()
            elif (follower := life.followers.popleft()).behind in life.confirmed:
                life.flying = follower
            else:
                self._settle(life, follower, WITHHELD)
            if life.flying is not None:
                self.host.call_later(LINE_S, self._arrive, life, life.flying)

    def _arrive(self, life: Life, request: Ask | Send) -> None:
        if life.flying is not request:
            return  # the line went first
        fate = self.chance.random()
        if fate < self.cut_share / 2:
            self.cut_line(5.0)
            return
        answer = self.central.hear(request.message_id, request.message)
        if fate < self.cut_share:
            self.cut_line(5.0)  # processed, but the reply is lost
            return
        self.host.call_later(LINE_S, self._return, life, request, answer)

    def _return(self, life: Life, request: Ask | Send, answer: Any) -> None:
        if life.flying is request:
            life.flying = None
            if not isinstance(answer, CallError):
                life.confirmed.add(request.ticket)
            self._settle(life, request, answer)
            self._fly(life)

    def _settle(self, life: Life, request: Ask | Send, answer: Any) -> None:
        if self.life is life:
            self.post(Settled(at=self.now(), ticket=request.ticket, answer=answer))
