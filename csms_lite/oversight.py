"""What looks on beside the way of money: the log, the changes, the webhooks, health and metrics.

`/health/…` is public: whoever watches over the process has no account, and is told no more than
which part is not well. `/metrics` needs a VIEWER's token, which Prometheus can send; an exception
for the loopback would let everybody in through a proxy on the same machine.
"""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy import Connection, func, or_, select

from csms_lite.certificates.vigil import Vigil
from csms_lite.chance import Chance
from csms_lite.clock import Clock
from csms_lite.errors import CsmsError
from csms_lite.gate import Gate, Viewer
from csms_lite.live.changes import Changes
from csms_lite.live.changes_api import change_routes
from csms_lite.live.service import ends
from csms_lite.messages.api import message_routes
from csms_lite.messages.keeper import Keeper, Retention
from csms_lite.messages.recorder import Recorder
from csms_lite.metrics import MEDIA_TYPE, Histogram, Metric, exposition
from csms_lite.settings import Settings
from csms_lite.stations.presence import Presence
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import sessions
from csms_lite.store.writer import COMMIT_BOUNDS_S, Store
from csms_lite.webhooks.api import webhook_routes
from csms_lite.webhooks.courier import Courier
from csms_lite.webhooks.post import Poster
from csms_lite.webhooks.service import counts as count_deliveries

READY_WITHIN_S: Final = 2.0
ROOM_MIN: Final = 64 * 1024 * 1024  # bytes: less, and the next commits may fail
TIDY_EVERY_S: Final = 30.0
OPEN: Final = ("running", "pending")

log = structlog.get_logger(__name__)

_sessions_by_state: Final = Prepared(
    select(sessions.c.state, func.count())
    .where(or_(*(sessions.c.state == state for state in OPEN)))
    .group_by(sessions.c.state)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Oversight:
    """The parts that look on; made by `oversee`."""

    settings: Settings
    store: Store
    log_store: Store
    clock: Clock
    chance: Chance
    presence: Presence
    changes: Changes
    recorder: Recorder
    keeper: Keeper
    courier: Courier
    vigil: Vigil

    async def look_on(self, stopping: asyncio.Event) -> None:
        """Run all parts until `close`."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.recorder.write_on(), name="log")
            tasks.create_task(self.keeper.keep_on(stopping), name="log-keeper")
            tasks.create_task(self.changes.tell_on(), name="changes")
            tasks.create_task(self.courier.carry_on(), name="webhooks")
            tasks.create_task(self._tidy_on(stopping), name="oversight-tidy")
            tasks.create_task(self.vigil.watch_on(stopping), name="certificates")

    def end_streams(self) -> None:
        """End what would hold up the end of HTTP."""
        self.changes.close()

    def close(self) -> None:
        """Write the log to its end, send nothing more."""
        self.courier.close()
        self.recorder.close()

    def routers(self, gate: Gate) -> tuple[APIRouter, ...]:
        """Give the routes of all parts."""
        settings = self.settings
        return (
            message_routes(self.log_store),
            change_routes(self.changes, gate, self.clock, frozenset(settings.event_origins)),
            webhook_routes(
                self.store, self.clock, self.chance, is_http_allowed=settings.webhook_http
            ),
            self._own_routes(),
        )

    def _own_routes(self) -> APIRouter:
        router = APIRouter(tags=["health"])

        @router.get("/health/live")
        async def live() -> dict[str, str]:
            """Say that the process turns; it is to be started again when this does not answer."""
            return {"status": "live"}

        @router.get("/health/ready", responses={503: {"content": {"application/json": {}}}})
        async def ready() -> JSONResponse:
            """Say whether work can be done: the databases answer, and the disk has room."""
            troubles = await self._troubles()
            body: dict[str, Any] = {"status": "not ready" if troubles else "ready"}
            return JSONResponse({**body, "not_well": troubles}, 503 if troubles else 200)

        @router.get("/metrics", response_class=PlainTextResponse)
        async def metrics(_who: Viewer) -> PlainTextResponse:
            """Give numbers for Prometheus."""
            found = await self.store.read(_counted)
            return PlainTextResponse(exposition(self._metrics(*found)), media_type=MEDIA_TYPE)

        return router

    async def _troubles(self) -> list[str]:
        troubles = []
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await self.store.read(ends)  # cheap: anybody may ask
        except (CsmsError, TimeoutError):
            troubles.append("database")
        if shutil.disk_usage(self.settings.state_dir).free < ROOM_MIN:
            troubles.append("disk")
        if not self.store.is_open:
            troubles.append("shutting down")
        return troubles

    def _metrics(
        self, running: dict[str, int], deliveries: dict[str, int]
    ) -> Iterable[Metric | Histogram]:
        recorder = self.recorder
        frames = [
            ({"direction": direction, "type": kind, "action": action}, float(count))
            for (direction, kind, action), count in sorted(recorder.counts.items())
        ]
        states = [({"state": state}, running.get(state, 0)) for state in OPEN]
        yield _gauge("sockets", "Stations connected now.", self.presence.count)
        yield Metric("tapwatt_sessions", "gauge", "Sessions that have not ended.", states)
        yield Metric("tapwatt_frames_total", "counter", "Frames logged since the start.", frames)
        yield Metric(
            "tapwatt_log_lost_total",
            "counter",
            "Frames not logged since the start: the log could not keep up.",
            [({}, recorder.lost)],
        )
        yield _gauge("log_waiting", "Frames not in the log yet.", recorder.waiting)
        yield _gauge("followers", "Streams of changes that are open.", self.changes.followers)
        waiting = [({"state": state}, count) for state, count in sorted(deliveries.items())]
        yield Metric("tapwatt_deliveries", "gauge", "Messages of webhooks that are kept.", waiting)
        yield Metric(
            "tapwatt_certificate_not_after_seconds",
            "gauge",
            "When a certificate of ours ends, in seconds since 1970.",
            [({"certificate": one.name}, one.not_after_ms / 1000) for one in self.vigil.found],
        )
        yield Metric(
            "tapwatt_station_certificate_not_after_seconds",
            "gauge",
            "When the first of the certificates ends that chargers came with, since the start.",
            [({}, ends_ms / 1000) for ends_ms in self.presence.first_end_ms()],
        )
        yield from _of_stores({"money": self.store, "log": self.log_store})

    async def _tidy_on(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                await self.changes.tidy()
                await self.courier.tidy()
            except CsmsError as failure:
                log.warning("not_tidied", error=str(failure))
            with suppress(TimeoutError):
                async with asyncio.timeout(TIDY_EVERY_S):
                    await stopping.wait()


def oversee(
    settings: Settings,
    store: Store,
    log_store: Store,
    *,
    clock: Clock,
    chance: Chance,
    presence: Presence,
    contexts: Sequence[ssl.SSLContext] = (),
) -> Oversight:
    """Put the parts together; nothing runs yet. *contexts* are the TLS of what listens."""
    changes = Changes(store, clock, presence)

    async def say_lost(count: int) -> None:
        await changes.note("log", {"lost_frames": count})

    recorder = Recorder(log_store, clock, slow_ms=settings.log_slow_ms, say_lost=say_lost)
    retention = Retention(
        days=settings.log_days,
        transaction_days=settings.log_transaction_days,
        max_mb=settings.log_max_mb,
    )
    return Oversight(
        settings=settings,
        store=store,
        log_store=log_store,
        clock=clock,
        chance=chance,
        presence=presence,
        changes=changes,
        recorder=recorder,
        keeper=Keeper(log_store, clock, recorder, Path(settings.state_dir), retention),
        courier=Courier(store, clock, Poster(is_private_allowed=settings.webhook_private)),
        vigil=Vigil(settings, store, clock, contexts),
    )


def _counted(db: Connection) -> tuple[dict[str, int], dict[str, int]]:
    """Count what the database knows: open sessions, and deliveries, by state."""
    running = {str(state): int(count) for state, count in _sessions_by_state.rows(db)}
    return running, count_deliveries(db)


def _gauge(name: str, told: str, value: float) -> Metric:
    return Metric(f"tapwatt_{name}", "gauge", told, [({}, value)])


def _of_stores(stores: dict[str, Store]) -> Iterable[Metric | Histogram]:
    named = [({"store": name}, store) for name, store in stores.items()]
    yield Metric(
        "tapwatt_verbs_total",
        "counter",
        "Transactions stored since the start.",
        [(labels, store.counts.verbs) for labels, store in named],
    )
    yield Metric(
        "tapwatt_failed_commits_total",
        "counter",
        "Commits that the disk did not take.",
        [(labels, store.counts.failed_commits) for labels, store in named],
    )
    yield Metric(
        "tapwatt_verbs_waiting",
        "gauge",
        "Transactions that wait for the disk.",
        [(labels, store.waiting) for labels, store in named],
    )
    for labels, store in named:
        counts = store.counts
        yield Histogram(
            "tapwatt_commit_seconds",
            "How long commits took.",
            labels,
            COMMIT_BOUNDS_S,
            counts.by_time,
            counts.commit_s,
            counts.commits,
        )
