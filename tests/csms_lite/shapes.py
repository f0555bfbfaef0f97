"""A station and a session as rules are given them; a test changes what it is about."""

from __future__ import annotations

from typing import Any

from csms_lite.sessions.rules import Session
from csms_lite.stations.rules import Station

STATION = Station(
    station_id=1,
    identity="CP-1",
    code="ABCD2345",
    name="Court",
    registration="Accepted",
    connection=3,
    vendor=None,
    model=None,
    serial=None,
    firmware=None,
    created_at_ms=0,
    booted_at_ms=0,
    heard_at_ms=None,
)


def session(**changed: Any) -> Session:
    """One that runs at connector 1 of the station, has a price and was measured once."""
    running = Session(
        transaction_id=7,
        station_id=1,
        charger="CP-1",
        connector=1,
        id_tag="04A2B1C3D4E580",
        verdict="Accepted",
        state="running",
        meter_start_wh=1000,
        started_at_ms=60_000,
        received_at_ms=61_000,
        meter_stop_wh=None,
        stopped_at_ms=None,
        stop_reason=None,
        cable_out_at_ms=None,
        register_wh=2500,
        power_w=7400,
        measured_at_ms=120_000,
        currency="EUR",
        per_kwh_minor=45,
    )
    return running._replace(**changed)
