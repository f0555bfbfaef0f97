"""What stations told of themselves over time; never changed, only thinned."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from csms_lite.store.tables.metadata import metadata

statuses: Final = Table(
    "statuses",
    metadata,
    Column("status_id", Integer, primary_key=True),
    Column("station_id", ForeignKey("stations.station_id"), nullable=False),
    Column("connector", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Column("error_code", String(50), nullable=False),
    Column("info", String(50)),
    Column("vendor_id", String(255)),
    Column("vendor_error_code", String(50)),
    Column("told_at_ms", BigInteger, comment="the station's own time of it"),
    Column("at_ms", BigInteger, nullable=False, comment="when it came"),
    Index(None, "station_id", "status_id"),
    Index(None, "at_ms"),
)

boots: Final = Table(
    "boots",
    metadata,
    Column("boot_id", Integer, primary_key=True),
    Column("station_id", ForeignKey("stations.station_id"), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("answer", String(10), nullable=False, comment="Accepted, Pending, Rejected"),
    Column("vendor", String(50), nullable=False),
    Column("model", String(50), nullable=False),
    Column("serial", String(50)),
    Column("firmware", String(50)),
    Column("iccid", String(20), comment="of the modem's card"),
    Column("imsi", String(20)),
    Column("boot_json", Text, nullable=False, comment="the BootNotification whole"),
    Index(None, "station_id", "boot_id"),
    Index(None, "at_ms"),
)

beats: Final = Table(
    "beats",
    metadata,
    Column("beat_id", Integer, primary_key=True),
    Column("station_id", ForeignKey("stations.station_id"), nullable=False),
    Column("at_ms", BigInteger, nullable=False, comment="of the first heartbeat it stands for"),
    Column("last_at_ms", BigInteger, nullable=False),
    Column("beats", Integer, nullable=False, comment="how many it stands for"),
    Index(None, "station_id", "at_ms"),
)
