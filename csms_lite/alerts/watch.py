"""Looks after all stations every few seconds: what changed is noted, who is silent is told of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import structlog
from sqlalchemy import Connection

from csms_lite.alerts.rules import CERTIFICATE, OFFLINE
from csms_lite.alerts.service import close, raise_alert, stations_with
from csms_lite.clock import Clock, rfc3339
from csms_lite.ending import days_left, stage
from csms_lite.stations.liveness import Patience
from csms_lite.stations.overview import Overview, derive, overviews, silence_s
from csms_lite.stations.presence import Presence
from csms_lite.stations.rules import Station
from csms_lite.stations.service import derivations, derived
from csms_lite.store.writer import Store

AT_ONCE: Final = 32  # stations per verb: keeps it within its budget when a whole yard drops out

log = structlog.get_logger(__name__)


class Ending(NamedTuple):
    """The certificate that a station shows, if any: when it ends, and the warning that is due."""

    ends_at_ms: int | None
    due: int | None
    is_next: bool
    """Another warning was due before."""


class Finding(NamedTuple):
    """What is not as it was of one station; `None` where nothing has changed."""

    station_id: int
    now: tuple[str, str] | None
    before: tuple[str, str] | None
    is_offline: bool | None
    heard_at_ms: int
    certificate: Ending | None


class Watch:
    """Compares what follows now with what was told last; *touched* hears which changed."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        presence: Presence,
        patience: Patience,
        touched: Callable[[int], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._presence = presence
        self._patience = patience
        self._touched = touched
        self._told: dict[int, int | None] = {}
        """The warning that was raised last for each station's certificate."""

    async def look(self) -> None:
        """Look once; raises `StoreFailed`."""
        now_ms = self._clock.now_ms()
        seen, told, alerted = await self._store.read(_snapshot)
        found = [
            finding
            for one in seen
            if (finding := self._finding(one, told, alerted, now_ms)) is not None
        ]
        for first in range(0, len(found), AT_ONCE):
            await self._store.do(_keep, found[first : first + AT_ONCE], now_ms)
        for one in found:
            if one.now is not None:
                self._touched(one.station_id)
            if one.certificate is not None:
                self._told[one.station_id] = one.certificate.due
                _log(one)

    def _finding(
        self,
        seen: Overview,
        told: dict[int, tuple[str, str]],
        alerted: set[int],
        now_ms: int,
    ) -> Finding | None:
        station = seen.station
        follows = derive(seen, self._presence, self._patience, now_ms)
        now = (follows.line.value, follows.state.value)
        before = told.get(station.station_id)
        is_offline = self._is_offline(station, now_ms)
        has_alert = station.station_id in alerted
        certificate = self._ending(station.station_id, now_ms)
        if now == before and is_offline == has_alert and certificate is None:
            return None
        heard_at_ms = self._presence.heard_at_ms(station.station_id) or station.heard_at_ms
        return Finding(
            station_id=station.station_id,
            now=None if now == before else now,
            before=before,
            is_offline=None if is_offline == has_alert else is_offline,
            heard_at_ms=heard_at_ms or 0,
            certificate=certificate,
        )

    def _ending(self, station_id: int, now_ms: int) -> Ending | None:
        """What is news of a station's certificate, `None` for nothing."""
        if not self._presence.has_shown(station_id):
            return None
        ends_at_ms = self._presence.certificate_ends_at_ms(station_id)
        due = None if ends_at_ms is None else stage(ends_at_ms, now_ms)
        if station_id in self._told and self._told[station_id] == due:
            return None
        return Ending(ends_at_ms, due, station_id in self._told)

    def _is_offline(self, station: Station, now_ms: int) -> bool:
        """Say whether a station in service has been silent too long, since we have listened."""
        silent_s = silence_s(station, self._presence, now_ms)
        if silent_s is None or station.dismissed_at_ms is not None:
            return False
        listened_s = (now_ms - self._presence.started_at_ms) / 1000
        is_silent = min(silent_s, listened_s) > self._patience.alert_after_s
        return is_silent and station.registration == "Accepted"


def _snapshot(db: Connection) -> tuple[list[Overview], dict[int, tuple[str, str]], set[int]]:
    return overviews(db), derivations(db), stations_with(db, OFFLINE)


def _keep(db: Connection, found: Sequence[Finding], now_ms: int) -> None:
    for one in found:
        if one.now is not None:
            derived(db, one.station_id, one.now, one.before, now_ms)
        if one.is_offline:
            details = {"heard_at": rfc3339(one.heard_at_ms)}
            raise_alert(db, one.station_id, OFFLINE, details, now_ms=now_ms)
        elif one.is_offline is not None:
            close(db, one.station_id, OFFLINE, now_ms=now_ms)
        if one.certificate is not None:
            _keep_certificate(db, one.station_id, one.certificate, now_ms)


def _keep_certificate(db: Connection, station_id: int, shown: Ending, now_ms: int) -> None:
    """Raise anew at each warning, so that it is told again; close it when a later one came."""
    if shown.due is None or shown.is_next:
        close(db, station_id, CERTIFICATE, now_ms=now_ms)
    if shown.due is not None and shown.ends_at_ms is not None:
        left = days_left(shown.ends_at_ms, now_ms)
        details = {"not_after": rfc3339(shown.ends_at_ms), "days_left": left}
        raise_alert(db, station_id, CERTIFICATE, details, now_ms=now_ms)


def _log(one: Finding) -> None:
    shown = one.certificate
    if shown is not None and shown.due is not None and shown.ends_at_ms is not None:
        ends = rfc3339(shown.ends_at_ms)
        log.warning("station_certificate_ends", station_id=one.station_id, not_after=ends)
