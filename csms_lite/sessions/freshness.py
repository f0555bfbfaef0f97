"""Asks chargers for readings while somebody watches: a shown value is seldom older than 20 s.

Stations sample once a minute or less. While a running session is watched and its newest reading
is old, MeterValues are triggered; never faster than every 20 s, never where the charger refused,
and not at all where the setting says so, for each message may cost on a metered link.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, NamedTuple

import structlog
from sqlalchemy import Connection

from csms_lite.chance import Chance
from csms_lite.clock import Clock
from csms_lite.commands import service as commands
from csms_lite.commands.rules import Command
from csms_lite.errors import CsmsError, Refused
from csms_lite.jsontext import loads
from csms_lite.sessions import service
from csms_lite.sessions.progress import FRESH_S
from csms_lite.sessions.rules import Session, State
from csms_lite.stations.presence import Presence
from csms_lite.store.writer import Store

LOOK_EVERY_S: Final = 2.0
WATCHED_FOR_S: Final = 30.0  # after somebody asked; who watches asks again
MOST_WATCHED: Final = 1000  # connectors; as many as there may be streams
UNDER_WAY: Final = ("asked", "sent")

Place = tuple[int, int]
"""Station and connector."""

log = structlog.get_logger(__name__)


class _Asked(NamedTuple):
    at: float
    command_id: int
    connection: int | None


class Freshness:
    """Keeps what is watched fresh; *streamed* gives the stations whose live page is open."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        chance: Chance,
        presence: Presence,
        *,
        ring: Callable[[int], None],
        streamed: Callable[[], Iterable[int]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance
        self._presence = presence
        self._ring = ring
        self._streamed = streamed
        self._watched: dict[Place, float] = {}
        self._asked: dict[Place, _Asked] = {}
        self._refused: dict[int, int | None] = {}

    def look(self, session: Session) -> None:
        """Note that somebody looks at a session now; of too many, the newest are left out."""
        place = session.station_id, session.connector
        if session.state == State.RUNNING and (
            place in self._watched or len(self._watched) < MOST_WATCHED
        ):
            self._watched[place] = self._clock.monotonic() + WATCHED_FOR_S

    async def refresh_on(self, stopping: asyncio.Event, *, every_s: float = LOOK_EVERY_S) -> None:
        """Look after what is watched until *stopping* is set."""
        while not stopping.is_set():
            try:
                await self.refresh()
            except CsmsError as failure:
                log.warning("not_refreshed", error=str(failure))
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await stopping.wait()

    async def refresh(self) -> None:
        """Ask once for what is watched and old; raises `StoreFailed`."""
        now = self._clock.monotonic()
        self._watched = {place: until for place, until in self._watched.items() if until > now}
        self._asked = {
            place: asked for place, asked in self._asked.items() if asked.at + 2 * FRESH_S > now
        }
        streamed = frozenset(self._streamed())
        for station_id in sorted(streamed.union(station for station, _ in self._watched)):
            connection = self._presence.connection(station_id)
            if connection is None or self._refused.get(station_id) == connection:
                continue
            before_ms = self._clock.now_ms() - FRESH_S * 1000
            for session in await self._store.read(service.list_stale, station_id, before_ms):
                place = station_id, session.connector
                if place in self._watched or station_id in streamed:
                    with suppress(Refused):  # one that may be asked nothing is not the others' loss
                        await self._ask(session, place, connection, now)

    async def _ask(self, session: Session, place: Place, connection: int, now: float) -> None:
        before = self._asked.get(place)
        if before is not None:
            if before.at + FRESH_S > now:
                return
            command = await self._store.read(commands.command, before.command_id)
            if command.state in UNDER_WAY:
                return
            if before.connection == connection and _is_refused(command):
                self._refused[place[0]] = connection
                return
        command = await self._store.do(
            trigger_sample,
            session,
            message_id=self._chance.message_id(),
            now_ms=self._clock.now_ms(),
        )
        self._asked[place] = _Asked(now, command.command_id, connection)
        self._ring(session.station_id)


def trigger_sample(db: Connection, session: Session, *, message_id: str, now_ms: int) -> Command:
    """Ask a charger for a reading of one connector now."""
    return commands.ask(
        db,
        session.charger,
        "TriggerMessage",
        {"requestedMessage": "MeterValues", "connectorId": session.connector},
        message_id=message_id,
        now_ms=now_ms,
    )


def _is_refused(command: Command) -> bool:
    if command.state == "answered" and command.result_json is not None:
        return bool(loads(command.result_json).get("status") != "Accepted")
    return command.state == "failed" and "CALLERROR" in (command.problem or "")
