"""What chargers meet, put together on a store, and its housekeeping; nothing listens here yet."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from csms_lite.access.rules import AccessRules
from csms_lite.alerts.watch import Watch
from csms_lite.chance import Chance
from csms_lite.charging import service as charging
from csms_lite.clock import Clock
from csms_lite.commands import service as commands
from csms_lite.errors import CsmsError
from csms_lite.listening import is_loopback
from csms_lite.live.feed import Feed
from csms_lite.live.service import begin_epoch
from csms_lite.ocpp.endpoint import Endpoint
from csms_lite.ocpp.outgoing import Outgoing
from csms_lite.ocpp.service import forget_answers
from csms_lite.ocpp.session import Desk
from csms_lite.sessions.freshness import Freshness
from csms_lite.sessions.warnings import Limits
from csms_lite.settings import Settings
from csms_lite.stations.door import HouseRules
from csms_lite.stations.liveness import Patience
from csms_lite.stations.presence import Presence
from csms_lite.store.writer import Store

TIDY_EVERY_S: Final = 5.0  # how late an expired command may be told
NO_ANSWER_AFTER_MS: Final = 120_000  # well beyond the time a sender waits for one

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The parts that run, all but HTTP."""

    desk: Desk
    feed: Feed
    endpoint: Endpoint
    freshness: Freshness
    watch: Watch

    async def tidy_on(self, stopping: asyncio.Event, *, every_s: float = TIDY_EVERY_S) -> None:
        """End commands that were not sent in time, and forget very old answers."""
        store, clock = self.desk.store, self.desk.clock
        while not stopping.is_set():
            try:
                now_ms = clock.now_ms()
                ended = await store.do(commands.expire, now_ms)
                ended += await store.do(commands.abandon, now_ms - NO_ANSWER_AFTER_MS)
                await store.do(charging.settle, now_ms, self.desk.start_within_s * 1000)
                for command_id in ended:
                    self.desk.outgoing.settled(command_id)
                while await store.do(forget_answers, now_ms):
                    pass
                await self.watch.look()
            except CsmsError as failure:
                log.warning("tidying_failed", error=str(failure))
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await stopping.wait()

    async def close(self) -> None:
        """Close the sockets and the streams, in order."""
        await self.endpoint.close()
        self.feed.close()


async def furnish(settings: Settings, store: Store, clock: Clock, chance: Chance) -> House:
    """Put together on *store* what stations meet; nothing listens yet."""
    epoch = await store.do(begin_epoch, clock.now_ms())
    abandoned = await store.do(commands.abandon, clock.now_ms())
    if abandoned:
        log.warning("commands_without_answer", count=len(abandoned))
    presence = Presence(clock.now_ms())
    feed = Feed(store, clock, presence, epoch)
    desk = Desk(
        store=store,
        clock=clock,
        chance=chance,
        presence=presence,
        outgoing=Outgoing(),
        access=AccessRules(refuse_concurrent=settings.refuse_concurrent),
        heartbeat_s=settings.heartbeat_s,
        patience=patience_of(settings),
        touched=feed.touch,
        limits=Limits(nominal_v=settings.nominal_v, temperature_c=settings.temperature_limit_c),
        start_within_s=settings.start_within_s,
        expiry_ms=settings.session_expiry_h * 3_600_000,
    )
    rules = HouseRules(
        is_loopback=is_loopback(settings.host), accept_unknown=settings.accept_unknown
    )
    return House(
        desk=desk,
        feed=feed,
        endpoint=Endpoint(
            desk,
            house=rules,
            patience=desk.patience,
            strict_subprotocol=settings.strict_subprotocol,
        ),
        freshness=Freshness(
            store, clock, chance, presence, ring=desk.outgoing.ring, streamed=feed.watched
        ),
        watch=Watch(store, clock, presence, desk.patience, feed.touch),
    )


def patience_of(settings: Settings) -> Patience:
    """Gather how long a silence means what."""
    return Patience(
        beat_s=settings.heartbeat_s,
        ping_every_s=settings.ping_every_s,
        late_s=settings.stale_late_s,
        offline_after_s=settings.offline_after_s,
        broken_after_beats=settings.broken_after_beats,
        alert_after_s=settings.alert_offline_after_s,
    )
