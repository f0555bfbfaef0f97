"""A station, a session and people as rules are given them; a test changes what it is about."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from csms_lite.accounts import service as accounts
from csms_lite.accounts.rules import Person
from csms_lite.gate import Role
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


def add_accounts(db: Connection, count: int) -> None:
    """Add accounts, numbered from 1: whoever owns something has one."""
    for number in range(1, count + 1):
        person = Person(f"p{number}@example.org", "N", "S")
        accounts.add(db, person, None, role=Role.USER, is_verified=True, who=None, now_ms=0)


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
