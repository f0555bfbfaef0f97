"""The station of `fuzz`: the real link and the real core in a process of their own, no hardware.

What the core wants written counts as written. `python -m … URL` runs until it is ended; it ends by
itself with a traceback when anything in link or core fails.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import deque
from dataclasses import replace
from random import Random

import structlog

from edge.core.deadlines import next_deadline
from edge.core.effects import Ask, Effect, Refuse, Reply, Restart, Send, Store
from edge.core.events import Event, LinkUp, Started, Stored, Ticked
from edge.core.messages import BootNotification
from edge.core.restore import restore
from edge.core.saved import Saved
from edge.core.setup import EvseTraits, Setup
from edge.core.state import ChargePoint
from edge.core.step import step
from edge.core.x509 import CheckChain, InspectRoot, MakeSigningRequest
from edge.drivers.notary import ChildNotary
from edge.drivers.ocpp_link import Settings, open_link
from edge.drivers.system_clock import SystemClock, new_nonce
from edge.runtime.inquiries import Inquiries

TICK_S = 0.05
SETTLED = {"HeartbeatInterval": "86400", "TransactionMessageRetryInterval": "1"}
"""Keys that the central system cannot turn against the bench."""


class Station:
    """The core at the end of the link."""

    def __init__(self, url: str) -> None:
        self._clock = SystemClock()
        settings = Settings(url=url, backoff_first_s=0.01, backoff_max_s=0.01)
        jitter = Random(1)  # noqa: S311  needs no secrecy
        self._link = open_link(settings, station="FUZZ", clock=self._clock, random=jitter)
        self._inquiries = Inquiries(notary=ChildNotary(), clock=self._clock)
        self._inbox: deque[Event] = deque()
        self._state = self._fresh()

    async def run(self) -> None:
        """Work until cancelled."""
        self._post(Started(at=self._clock.now()))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._link.run(self._post))
            group.create_task(self._inquiries.run(self._post))
            group.create_task(self._tick())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now, due = self._clock.now(), next_deadline(self._state)
            if due is not None and due <= now.monotonic:
                self._post(Ticked(at=now))

    def _fresh(self) -> ChargePoint:
        traits = EvseTraits(has_pilot=True)
        setup = Setup(
            identity=BootNotification(charge_point_vendor="Tapwatt", charge_point_model="Fuzz"),
            traits=(traits, traits),
            nonce=new_nonce(),
            kernel_boot="fuzz",
            overrides=SETTLED,
        )
        return restore(Saved(), setup, self._clock.now())

    def _post(self, event: Event) -> None:
        self._inbox.append(event)
        if len(self._inbox) > 1:
            return  # posted by an effect: its turn comes below
        while self._inbox:
            self._state, effects = step(self._state, self._inbox[0])
            for effect in effects:
                self._perform(effect)
            self._inbox.popleft()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Reply(call_id=call_id, answer=answer) | Refuse(call_id=call_id, answer=answer):
                self._link.reply(call_id, answer)
            case Ask() | Send():
                behind = effect.behind if isinstance(effect, Send) else None
                self._link.send(
                    effect.ticket, effect.message_id, effect.message, effect.within_s, behind
                )
            case Store(ticket=ticket):
                self._post(Stored(at=self._clock.now(), ticket=ticket))
            case InspectRoot() | CheckChain() | MakeSigningRequest():
                self._inquiries.take(effect)
            case Restart():
                # The link lives on, where a real one dies with its process: what it still owes to
                # the life before must not find its ticket taken by something else.
                self._state = replace(self._fresh(), last_ticket=self._state.last_ticket)
                self._inbox += (Started(at=self._clock.now()), LinkUp(at=self._clock.now()))
            case _:
                pass


async def main(url: str) -> None:
    """Run a station against *url*, silently, until it is ended."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    await Station(url).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
