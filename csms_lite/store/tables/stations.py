"""Stations, their connectors, and what was noted on them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from csms_lite.store.tables.metadata import metadata

stations: Final = Table(
    "stations",
    metadata,
    Column("station_id", Integer, primary_key=True),
    Column("identity", String(48), nullable=False, unique=True, comment="OCPP id, exact"),
    Column("code", String(48), nullable=False, unique=True, comment="public name in addresses"),
    Column("name", String(100), nullable=False),
    Column("registration", String(10), nullable=False, comment="Accepted, Pending, Rejected"),
    Column("connection", Integer, nullable=False, comment="rises with every socket: a fence"),
    Column("vendor", String(50)),
    Column("model", String(50)),
    Column("serial", String(50)),
    Column("firmware", String(50)),
    Column("boot_json", Text, comment="the last BootNotification whole"),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("booted_at_ms", BigInteger, comment="last accepted boot"),
    Column("heard_at_ms", BigInteger, comment="as of the last boot, heartbeat or disconnect"),
    Column("site_id", ForeignKey("sites.site_id")),
    Column("note", Text, comment="for staff"),
    Column("description", Text, comment="for drivers"),
    Column("dismissed_at_ms", BigInteger, comment="out of use; hidden, history kept"),
    Column("profile", Integer, comment="least security profile; none: by where we listen"),
    Column("came_profile", Integer, nullable=False, server_default="0", comment="highest shown"),
)

connectors: Final = Table(
    "connectors",
    metadata,
    Column("station_id", ForeignKey("stations.station_id"), primary_key=True),
    Column("connector", Integer, primary_key=True),
    Column("status", String(20), nullable=False),
    Column("error_code", String(50), nullable=False),
    Column("info", String(50)),
    Column("vendor_id", String(255)),
    Column("vendor_error_code", String(50)),
    Column("since_ms", BigInteger, nullable=False, comment="when the status began, as told"),
    Column("received_at_ms", BigInteger, nullable=False),
)

availabilities: Final = Table(
    "availabilities",
    metadata,
    Column("station_id", ForeignKey("stations.station_id"), primary_key=True),
    Column("connector", Integer, primary_key=True, comment="0: all of them"),
    Column("type", String(12), nullable=False, comment="as last commanded and accepted"),
    Column("at_ms", BigInteger, nullable=False),
)

derivations: Final = Table(
    "derivations",
    metadata,
    Column("station_id", ForeignKey("stations.station_id"), primary_key=True),
    Column("line", String(12), nullable=False, comment="CONNECTED, STALE, DISCONNECTED"),
    Column("state", String(12), nullable=False, comment="see csms_lite.stations.liveness"),
    Column("since_ms", BigInteger, nullable=False, comment="of the newest change of either"),
)

events: Final = Table(
    "events",
    metadata,
    Column("event_id", Integer, primary_key=True),
    Column("station_id", ForeignKey("stations.station_id"), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", String(40), nullable=False, comment="conflict_*, firmware_status, …"),
    Column("connector", Integer),
    Column("transaction_id", BigInteger, comment="as the station told it"),
    Column("details_json", Text, nullable=False),
    Index(None, "station_id", "at_ms"),
    Index(None, "transaction_id"),
)
