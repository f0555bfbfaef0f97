"""All that is known of a station at one moment: described, reported, commanded, and derived."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection

from csms_lite.stations import sql
from csms_lite.stations.liveness import (
    FREE,
    Line,
    Patience,
    State,
    derived_status,
    line_state,
    station_state,
)
from csms_lite.stations.presence import Presence
from csms_lite.stations.rules import Connector, Station
from csms_lite.stations.service import commanded_of, list_connectors, list_stations, station
from csms_lite.stations.site_service import every_plate, list_sites, plates_of, site
from csms_lite.stations.sites import Plate, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What is stored of a station."""

    station: Station
    site: Site | None
    connectors: tuple[Connector, ...]
    plates: tuple[Plate, ...]
    commanded: dict[int, str]
    """Availability by connector; 0 stands for those not named."""
    charging: frozenset[int]
    """Connectors with a running session."""

    def commanded_at(self, connector: int) -> str | None:
        """Give the availability last commanded of a connector."""
        return self.commanded.get(connector, self.commanded.get(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What follows from that and from the clock of life."""

    line: Line
    state: State
    silent_s: float | None

    def status(self, reported: str, patience: Patience) -> str:
        """Tell what the status of a connector is worth now."""
        return derived_status(reported, self.silent_s, patience)


def overview(db: Connection, charger: str) -> Overview:
    """Read all of one station; raises `NotFound`."""
    known = station(db, charger)
    charging = [place for place in sql.running.rows(db) if place[0] == known.station_id]
    return Overview(
        station=known,
        site=None if known.site_id is None else site(db, known.site_id),
        connectors=tuple(list_connectors(db, known.station_id)),
        plates=tuple(plates_of(db, known.station_id)),
        commanded=commanded_of(db, known.station_id),
        charging=frozenset(connector for _, connector in charging),
    )


def overviews(db: Connection) -> list[Overview]:
    """Read all of every station, by identity: six statements, however many there are."""
    sites = {one.site_id: one for one in list_sites(db)}
    plates = every_plate(db)
    connectors: defaultdict[int, list[Connector]] = defaultdict(list)
    for station_id, *connector in sql.every_connector.rows(db):
        connectors[station_id].append(Connector._make(connector))
    commanded: defaultdict[int, dict[int, str]] = defaultdict(dict)
    for station_id, connector, kind in sql.every_commanded.rows(db):
        commanded[station_id][connector] = kind
    charging: defaultdict[int, set[int]] = defaultdict(set)
    for station_id, connector in sql.running.rows(db):
        charging[station_id].add(connector)
    return [
        Overview(
            station=one,
            site=None if one.site_id is None else sites.get(one.site_id),
            connectors=tuple(connectors.get(one.station_id, ())),
            plates=tuple(plates.get(one.station_id, ())),
            commanded=commanded.get(one.station_id, {}),
            charging=frozenset(charging.get(one.station_id, ())),
        )
        for one in list_stations(db)
    ]


def derive(seen: Overview, presence: Presence, patience: Patience, now_ms: int) -> Derived:
    """Derive the line and the state of a station."""
    silent_s = silence_s(seen.station, presence, now_ms)
    return Derived(
        line=line_state(
            has_socket=presence.is_online(seen.station.station_id),
            silent_s=silent_s,
            patience=patience,
        ),
        state=station_state(
            is_dismissed=seen.station.dismissed_at_ms is not None,
            silent_s=silent_s,
            statuses=_statuses(seen),
            is_charging=bool(seen.charging),
            patience=patience,
        ),
        silent_s=silent_s,
    )


def _statuses(seen: Overview) -> list[str]:
    """Give the statuses of the connectors; where a session runs nothing is free."""
    return [
        "Charging" if one.connector in seen.charging and one.status in FREE else one.status
        for one in seen.connectors
        if one.connector > 0
    ]


def silence_s(of: Station, presence: Presence, now_ms: int) -> float | None:
    """Give how long a station has been silent; `None` when it was never heard."""
    heard_at_ms = presence.heard_at_ms(of.station_id) or of.heard_at_ms
    return None if heard_at_ms is None else max(0, now_ms - heard_at_ms) / 1000
