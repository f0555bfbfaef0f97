"""What was asked of stations."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text, text

from csms_lite.store.tables.metadata import metadata

commands: Final = Table(
    "commands",
    metadata,
    Column("command_id", Integer, primary_key=True),
    Column("station_id", ForeignKey("stations.station_id"), nullable=False),
    Column("action", String(50), nullable=False),
    Column("payload_json", Text, nullable=False),
    Column("state", String(12), nullable=False, comment="see csms_lite.commands.rules"),
    Column("message_id", String(36), nullable=False, unique=True),
    Column("asked_at_ms", BigInteger, nullable=False),
    Column("deadline_ms", BigInteger, nullable=False, comment="not sent after this"),
    Column("sent_at_ms", BigInteger),
    Column("answered_at_ms", BigInteger),
    Column("result_json", Text, comment="the CALLRESULT's payload"),
    Column("problem", Text, comment="why there is no result, for people"),
    Column("observed_at_ms", BigInteger, comment="when the charger told what came of it, last"),
    Column("observed_json", Text, comment="the payload of that message"),
    Column("awaits", String(50), comment="the message that would tell what came of it"),
    Column("asked_by", String(100), comment="for the audit trail"),
    Column("batch", String(36), comment="shared by all that were asked in one request"),
    Column("idempotency_key", String(64), comment="the caller's name for it, per charger"),
    Index(None, "station_id", "state"),
    Index(None, "batch"),
    Index(None, "station_id", "idempotency_key", unique=True),
    Index(
        "ix_commands_awaiting",
        "station_id",
        "awaits",
        sqlite_where=text("awaits IS NOT NULL"),
    ),
    Index(None, "station_id", "action", "asked_at_ms"),
    sqlite_autoincrement=True,
)
