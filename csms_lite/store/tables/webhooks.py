"""Outgoing webhooks and their deliveries."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from csms_lite.store.tables.metadata import metadata

webhooks: Final = Table(
    "webhooks",
    metadata,
    Column("webhook_id", Integer, primary_key=True),
    Column("url", String(500), nullable=False),
    Column("kinds_json", Text, nullable=False, comment="of changes; an empty list is all"),
    Column("secret", String(80), nullable=False, comment="in clear: it signs"),
    Column("state", String(8), nullable=False, comment="active or paused"),
    Column("told", Integer, nullable=False, comment="number of the last change looked at"),
    Column("created_at_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

deliveries: Final = Table(
    "deliveries",
    metadata,
    Column("delivery_id", Integer, primary_key=True),
    Column("webhook_id", ForeignKey("webhooks.webhook_id"), nullable=False),
    Column("number", Integer, nullable=False, comment="of the change"),
    Column("kind", String(20), nullable=False),
    Column("body", Text, nullable=False, comment="sent as it stands here, each time the same"),
    Column("state", String(9), nullable=False, comment="pending, delivered or dead"),
    Column("attempts", Integer, nullable=False),
    Column(
        "due_at_ms", BigInteger, nullable=False, comment="next attempt; a lease while under way"
    ),
    Column("status", Integer, comment="HTTP status of the last answer"),
    Column("problem", String(300), comment="why the last attempt failed"),
    Column("ended_at_ms", BigInteger),
    Index(None, "webhook_id", "number", unique=True),
    Index(None, "state", "due_at_ms"),
    sqlite_autoincrement=True,
)
