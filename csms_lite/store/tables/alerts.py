"""What is wrong somewhere and wants somebody to look."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text, text

from csms_lite.store.tables.metadata import metadata

alerts: Final = Table(
    "alerts",
    metadata,
    Column("alert_id", Integer, primary_key=True),
    Column("station_id", ForeignKey("stations.station_id"), comment="NULL: our own"),
    Column("connector", Integer, nullable=False, comment="0: the station"),
    Column("kind", String(40), nullable=False, comment="offline, fault, over_voltage, …"),
    Column("details_json", Text, nullable=False),
    Column("opened_at_ms", BigInteger, nullable=False),
    Column("closed_at_ms", BigInteger, comment="when it was gone by itself"),
    Column("acknowledged_at_ms", BigInteger),
    Column("acknowledged_by", String(100)),
    Column("subject", String(40), comment="of our own: what it is about"),
    Index(
        "uq_alerts_open",
        "station_id",
        "connector",
        "kind",
        unique=True,
        sqlite_where=text("closed_at_ms IS NULL"),
        postgresql_where=text("closed_at_ms IS NULL"),
    ),
    Index(
        "uq_alerts_open_own",
        "kind",
        "subject",
        unique=True,
        sqlite_where=text("closed_at_ms IS NULL AND station_id IS NULL"),
        postgresql_where=text("closed_at_ms IS NULL AND station_id IS NULL"),
    ),
    sqlite_autoincrement=True,
)
