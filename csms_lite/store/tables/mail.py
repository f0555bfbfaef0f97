"""Mails to be sent."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from csms_lite.store.tables.metadata import metadata

outbox: Final = Table(
    "outbox",
    metadata,
    Column("mail_id", Integer, primary_key=True),
    Column("address", String(254), nullable=False),
    Column("template", String(20), nullable=False),
    Column("language", String(8), nullable=False),
    Column("values_json", Text, comment="what is filled in; gone once the mail has an end"),
    Column("state", String(8), nullable=False, comment="see csms_lite.mail.rules"),
    Column("tries", Integer, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("due_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False, comment="not sent after this"),
    Column("reply", String(200), comment="what the server said last"),
    Index(None, "state", "due_at_ms"),
    Index(None, "address", "state"),
    sqlite_autoincrement=True,
)
