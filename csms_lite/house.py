"""What chargers meet, put together on a store, and its housekeeping; nothing listens here yet."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from csms_lite.access.rules import AccessRules
from csms_lite.alerts.watch import Watch
from csms_lite.certificates.notary import Notary
from csms_lite.certificates.rules import Signing
from csms_lite.chance import Chance
from csms_lite.charging import service as charging
from csms_lite.clock import Clock
from csms_lite.commands import service as commands
from csms_lite.errors import CsmsError, SettingsError
from csms_lite.files.rules import Bounds
from csms_lite.files.shelf import Shelf
from csms_lite.listening import Ports, is_loopback
from csms_lite.live.feed import Feed
from csms_lite.live.service import begin_epoch
from csms_lite.local_list.follower import Follower
from csms_lite.ocpp.endpoint import Endpoint
from csms_lite.ocpp.object_endpoint import ObjectEndpoint
from csms_lite.ocpp.outgoing import Outgoing
from csms_lite.ocpp.service import forget_answers
from csms_lite.ocpp.session import Desk
from csms_lite.ocpp.wire import untapped
from csms_lite.oversight import Oversight
from csms_lite.sessions.freshness import Freshness
from csms_lite.sessions.lingering import Asking, Grace
from csms_lite.sessions.lingering import look as linger
from csms_lite.sessions.warnings import Limits
from csms_lite.settings import Settings
from csms_lite.stations.door import HouseRules
from csms_lite.stations.liveness import Patience
from csms_lite.stations.presence import Presence
from csms_lite.store.writer import Store

TIDY_EVERY_S: Final = 5.0  # how late an expired command may be told
MIB: Final = 1024 * 1024
DAY_MS: Final = 86_400_000
NO_ANSWER_AFTER_MS: Final = 120_000  # well beyond the time a sender waits for one

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The parts that run, all but HTTP."""

    desk: Desk
    feed: Feed
    endpoint: Endpoint
    objects: ObjectEndpoint
    freshness: Freshness
    refreshes: bool
    """Chargers are asked for readings while somebody watches."""
    watch: Watch
    notary: Notary | None
    grace: Grace
    public_url: str | None
    """Where chargers reach the HTTP port, if it is another than people do."""

    def run(self, tasks: asyncio.TaskGroup, stopping: asyncio.Event) -> list[asyncio.Task[None]]:
        """Begin what runs beside the sockets; gives what has to be cancelled at the end."""
        tasks.create_task(self.feed.publish_on(), name="feed")
        tasks.create_task(self.tidy_on(stopping), name="tidy")
        tasks.create_task(self.desk.lists.follow_on(), name="local-lists")
        if self.refreshes:
            tasks.create_task(self.freshness.refresh_on(stopping), name="freshness")
        if self.notary is None:
            return []
        return [tasks.create_task(self.notary.sign_on(), name="notary")]

    async def listen(self, ports: Ports, tls: ssl.SSLContext | None) -> None:
        """Let chargers in at all ports that are theirs."""
        await self.endpoint.listen(ports.ocpp, tls)
        if ports.ocpp_plain is not None:
            await self.endpoint.listen(ports.ocpp_plain)
        if ports.legacy_json is not None:
            await self.objects.listen(ports.legacy_json)

    async def tidy_on(self, stopping: asyncio.Event, *, every_s: float = TIDY_EVERY_S) -> None:
        """Do what time brings, each as well as the others can be done."""
        while not stopping.is_set():
            for step in (self._end_commands, self._see_lingering, self._forget, self.watch.look):
                try:
                    await step()
                except CsmsError as failure:
                    log.warning("tidying_failed", step=step.__qualname__, error=str(failure))
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await stopping.wait()

    async def _end_commands(self) -> None:
        """End commands that were not sent or not answered in time, and starts that came to none."""
        desk, now_ms = self.desk, self.desk.clock.now_ms()
        ended = await desk.store.do(commands.expire, now_ms)
        ended += await desk.store.do(commands.abandon, now_ms - NO_ANSWER_AFTER_MS)
        await desk.store.do(charging.settle, now_ms, desk.start_within_s * 1000)
        for command_id in ended:
            desk.outgoing.settled(command_id)

    async def _see_lingering(self) -> None:
        desk = self.desk
        asking = Asking(desk.presence.is_online, desk.chance.message_id)
        for station_id in await desk.store.do(linger, self.grace, asking, desk.clock.now_ms()):
            desk.outgoing.ring(station_id)

    async def _forget(self) -> None:
        """Forget very old answers, and files that have had their time."""
        now_ms = self.desk.clock.now_ms()
        while await self.desk.store.do(forget_answers, now_ms):
            pass
        await self.desk.shelf.tidy(now_ms)

    async def close(self) -> None:
        """Close the sockets and the streams, in order."""
        await self.objects.close()
        await self.endpoint.close()
        self.feed.close()
        self.desk.lists.close()


async def furnish(
    settings: Settings,
    store: Store,
    clock: Clock,
    chance: Chance,
    oversight: Oversight | None = None,
) -> House:
    """Put together on *store* what stations meet; nothing listens yet, *oversight* looks on."""
    epoch = await store.do(begin_epoch, clock.now_ms())
    abandoned = await store.do(commands.abandon, clock.now_ms())
    if abandoned:
        log.warning("commands_without_answer", count=len(abandoned))
    shelf = Shelf(settings.state_dir / "files", store, clock, _bounds(settings))
    await shelf.open()
    outgoing = Outgoing()
    signing, notary = _signers(settings, store, clock, chance, outgoing)
    presence = Presence(clock.now_ms()) if oversight is None else oversight.presence
    feed = Feed(store, clock, presence, epoch)
    lists = Follower(store, clock, chance, presence, outgoing.ring, by_setting=settings.local_lists)
    outgoing.listen(lists.command_ended)
    desk = Desk(
        store=store,
        clock=clock,
        chance=chance,
        presence=presence,
        outgoing=outgoing,
        access=_access_rules(settings),
        lists=lists,
        heartbeat_s=settings.heartbeat_s,
        patience=patience_of(settings),
        touched=feed.touch if oversight is None else _both(feed.touch, oversight.changes.touch),
        tap=untapped if oversight is None else oversight.recorder.tap,
        shelf=shelf,
        signing=signing,
        asked_to_sign=notary.wake if notary is not None else lambda: None,
        limits=Limits(nominal_v=settings.nominal_v, temperature_c=settings.temperature_limit_c),
        start_within_s=settings.start_within_s,
        expiry_ms=settings.session_expiry_h * 3_600_000,
    )
    rules = _house_rules(settings)
    endpoint = Endpoint(
        desk,
        house=rules,
        patience=desk.patience,
        strict_subprotocol=settings.strict_subprotocol,
    )
    return House(
        desk=desk,
        feed=feed,
        endpoint=endpoint,
        objects=ObjectEndpoint(desk, endpoint, rules),
        freshness=Freshness(
            store, clock, chance, presence, ring=desk.outgoing.ring, streamed=feed.watched
        ),
        refreshes=settings.trigger_when_watched,
        watch=Watch(store, clock, presence, desk.patience, feed.touch),
        notary=notary,
        grace=_grace(settings),
        public_url=settings.public_url,
    )


def _access_rules(settings: Settings) -> AccessRules:
    return AccessRules(
        refuse_concurrent=settings.refuse_concurrent,
        policy=settings.access_policy,
        zone=ZoneInfo(settings.timezone),
    )


def _signers(
    settings: Settings, store: Store, clock: Clock, chance: Chance, outgoing: Outgoing
) -> tuple[Signing, Notary | None]:
    """Give who signs what stations ask for; raises `SettingsError` for files of no use."""
    certificate, key = settings.station_ca_cert, settings.station_ca_key
    if certificate is None and key is None:
        return Signing(by_hand=settings.sign_by_hand), None
    if certificate is None or key is None:
        raise SettingsError("station_ca_cert and station_ca_key belong together: set both")
    from csms_lite.certificates.authority import Authority, fault_of_request

    authority = Authority.load(certificate, key, settings.station_cert_days)
    notary = Notary(store, clock, chance, authority, outgoing.ring)
    return Signing(fault=fault_of_request), notary


def _house_rules(settings: Settings) -> HouseRules:
    is_local = is_loopback(settings.host)
    return HouseRules(is_loopback=is_local, accept_unknown=settings.accept_unknown)


def _grace(settings: Settings) -> Grace:
    return Grace(
        settings.not_charging_after_s * 1000 or None, settings.overstay_after_min * 60_000 or None
    )


def _bounds(settings: Settings) -> Bounds:
    return Bounds(
        file_most=settings.file_mib * MIB,
        total_most=settings.files_mib * MIB,
        uploads_kept_ms=settings.uploads_kept_days * DAY_MS,
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


def _both(one: Callable[[int], None], other: Callable[[int], None]) -> Callable[[int], None]:
    def touched(station_id: int) -> None:
        one(station_id)
        other(station_id)

    return touched
