"""Carries deliveries to their receivers: one attempt at a time to each, none waits for another."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import Final

import structlog

from csms_lite.clock import Clock
from csms_lite.errors import CsmsError
from csms_lite.live.service import ends
from csms_lite.store.writer import Store
from csms_lite.supervise import endure
from csms_lite.webhooks import service
from csms_lite.webhooks.post import Poster
from csms_lite.webhooks.rules import Due, signature

EVERY_S: Final = 5.0  # how late a repeat may be
BETWEEN_S: Final = 0.2  # changes come in bursts: one look finds all of one
REST_S: Final = 5.0
AGENT: Final = "tapwatt-csms"

log = structlog.get_logger(__name__)


class Courier:
    """Makes rows of what changed, and sends them."""

    def __init__(self, store: Store, clock: Clock, poster: Poster) -> None:
        self._store = store
        self._clock = clock
        self._poster = poster
        self._bell = asyncio.Event()
        self._over = asyncio.Event()
        self._under_way: dict[int, asyncio.Task[None]] = {}
        store.after_commit(self._bell.set)

    def close(self) -> None:
        """Begin nothing new; what is under way is sent again after the next start."""
        self._over.set()
        self._bell.set()

    async def carry_on(self) -> None:
        """Send what is due until `close`."""
        async with asyncio.TaskGroup() as tasks:
            while not self._over.is_set():
                self._bell.clear()
                await endure(partial(self._look, tasks), "webhooks_not_looked_at")
                await _wait(self._over, BETWEEN_S)
                await _wait(self._bell, EVERY_S)
            for task in self._under_way.values():
                task.cancel()

    async def tidy(self) -> None:
        """Forget old deliveries; raises `StoreFailed`."""
        while (
            not self._over.is_set()
            and await self._store.do(service.forget, self._clock.now_ms()) > 0
        ):
            pass

    async def _look(self, tasks: asyncio.TaskGroup) -> None:
        try:
            known = await self._store.read(service.list_webhooks)
            newest = (await self._store.read(ends))[1] if known else 0
            for webhook in known:
                while (
                    webhook.state == "active"
                    and webhook.told < newest
                    and await self._store.do(
                        service.enqueue, webhook.webhook_id, self._clock.now_ms()
                    )
                ):
                    pass
            due = (
                await self._store.read(service.receivers_due, self._clock.now_ms()) if known else []
            )
        except CsmsError as failure:
            log.warning("webhooks_not_looked_at", error=str(failure))
            return
        for webhook_id in due:
            if webhook_id not in self._under_way:
                work = partial(self._serve, webhook_id)
                self._under_way[webhook_id] = tasks.create_task(
                    endure(work, "webhook_failed", webhook=webhook_id),
                    name=f"webhook-{webhook_id}",
                )

    async def _serve(self, webhook_id: int) -> None:
        """Send all that is due to one receiver, in order, until one fails.

        Then it is let alone for a while: one that is down is not asked a thousand times.
        """
        try:
            while not self._over.is_set():
                due = await self._store.do(service.take_due, webhook_id, self._clock.now_ms())
                if due is None:
                    return
                if not await self._send(due):
                    await _wait(self._over, REST_S)
                    return
        except CsmsError as failure:
            log.warning("delivery_not_kept", webhook=webhook_id, error=str(failure))
        finally:
            del self._under_way[webhook_id]

    async def _send(self, due: Due) -> bool:
        delivery_id, at_s = f"delivery-{due.delivery_id}", self._clock.now_ms() // 1000
        headers = {
            "content-type": "application/json",
            "user-agent": AGENT,
            "webhook-id": delivery_id,
            "webhook-timestamp": str(at_s),
            "webhook-signature": signature(due.secret, delivery_id, at_s, due.body),
        }
        status, problem = await self._poster.post(due.url, due.body.encode(), headers)
        now_ms = self._clock.now_ms()
        if problem is None:
            await self._store.do(service.delivered, due.delivery_id, status or 0, now_ms)
            return True
        log.warning("webhook_not_delivered", delivery=due.delivery_id, problem=problem)
        await self._store.do(service.failed, due, status, problem, now_ms)
        return False


async def _wait(bell: asyncio.Event, within_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await bell.wait()
