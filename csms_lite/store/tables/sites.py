"""Where stations stand, and what the plates on their connectors say."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Integer, String, Table, Text

from csms_lite.store.tables.metadata import metadata

sites: Final = Table(
    "sites",
    metadata,
    Column("site_id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("address", String(200)),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("time_zone", String(64), nullable=False, comment="IANA name"),
    Column("note", Text, comment="for staff"),
    Column("description", Text, comment="for drivers"),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
)

plates: Final = Table(
    "plates",
    metadata,
    Column("station_id", ForeignKey("stations.station_id"), primary_key=True),
    Column("connector", Integer, primary_key=True),
    Column("type", String(40), nullable=False, comment="of the catalogue, or free text"),
    Column("name", String(100)),
    Column("power_w", Integer, comment="as given, never computed"),
    Column("voltage_v", Integer),
    Column("current_a", Float),
    Column("phases", Integer, comment="1 to 3; none for direct current or unknown"),
    Column("changed_at_ms", BigInteger, nullable=False),
)
