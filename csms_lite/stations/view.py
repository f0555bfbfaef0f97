"""Chargers as JSON: described, reported, commanded and derived, each under its own name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from csms_lite.clock import Clock, maybe_rfc3339, rfc3339
from csms_lite.stations.liveness import Line, Patience, State
from csms_lite.stations.overview import Derived, Overview, derive
from csms_lite.stations.presence import Presence
from csms_lite.stations.rules import Connector
from csms_lite.stations.sheet import Sheet
from csms_lite.stations.sites import Plate, Site

PRIVATE = frozenset({State.DISMISSED, State.UNDEFINED})
"""What the public does not see (decision 23)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargerView:
    """What is needed besides the store to say how a charger is."""

    clock: Clock
    presence: Presence
    patience: Patience
    sheet: Sheet

    def charger(self, seen: Overview) -> dict[str, Any]:
        """Write a charger for staff."""
        station, presence = seen.station, self.presence
        now = derive(seen, presence, self.patience, self.clock.now_ms())
        heard_at_ms = presence.heard_at_ms(station.station_id) or station.heard_at_ms
        return {
            "id": station.identity,
            "code": station.code,
            "name": station.name,
            "site": None
            if seen.site is None
            else {"id": seen.site.site_id, "name": seen.site.name},
            "note": station.note,
            "description": station.description,
            "dismissed_at": maybe_rfc3339(station.dismissed_at_ms),
            "registration": station.registration,
            "security_profile": station.profile,
            "came_on_profile": station.came_profile,
            "connected": now.line is not Line.DISCONNECTED,
            "connection_state": now.line.value,
            "state": now.state.value,
            "silent_s": now.silent_s,
            "heard_at": maybe_rfc3339(heard_at_ms),
            "booted_at": maybe_rfc3339(station.booted_at_ms),
            "vendor": station.vendor,
            "model": station.model,
            "serial": station.serial,
            "firmware": station.firmware,
            "commanded": seen.commanded.get(0),
            "connectors": connectors(seen, now, self.patience),
        }


def connectors(seen: Overview, now: Derived, patience: Patience) -> list[dict[str, Any]]:
    """Write the connectors that the station told of, and those that staff described."""
    reported = {one.connector: one for one in seen.connectors}
    plates = {one.connector: one for one in seen.plates}
    return [
        {
            "connector": number,
            **_reported(reported.get(number)),
            "commanded": seen.commanded_at(number),
            "derived": now.status(reported[number].status if number in reported else "", patience)
            or None,
            "plate": plate(plates[number]) if number in plates else None,
        }
        for number in sorted(reported.keys() | plates.keys())
    ]


def public_station(seen: Overview, now: Derived, patience: Patience) -> dict[str, Any]:
    """Write a station for anybody: nothing of its id, of staff's notes or of who charges."""
    return {
        "code": seen.station.code,
        "name": seen.station.name,
        "description": seen.station.description,
        "state": now.state.value,
        "online": now.line is not Line.DISCONNECTED,
        "site": None if seen.site is None else public_site(seen.site),
        "connectors": [
            {
                "connector": one["connector"],
                "status": one["derived"],
                "plate": one["plate"],
            }
            for one in connectors(seen, now, patience)
            if one["connector"] > 0
        ],
    }


def site(of: Site) -> dict[str, Any]:
    """Write a site for staff."""
    return {"id": of.site_id, **public_site(of), "note": of.note}


def public_site(of: Site) -> dict[str, Any]:
    """Write a site for anybody."""
    return {
        "name": of.name,
        "address": of.address,
        "latitude": of.latitude,
        "longitude": of.longitude,
        "time_zone": of.time_zone,
        "description": of.description,
    }


def plate(of: Plate) -> dict[str, Any]:
    """Write what the plate of a connector says."""
    told = of._asdict()
    del told["connector"]
    return told


def _reported(one: Connector | None) -> dict[str, Any]:
    if one is None:
        return {"status": None, "error_code": None, "info": None, "since": None}
    return {
        "status": one.status,
        "error_code": one.error_code,
        "info": one.info,
        "since": rfc3339(one.since_ms),
    }
