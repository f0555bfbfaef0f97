"""Cards: who may charge."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, String, Table

from csms_lite.store.tables.metadata import metadata

cards: Final = Table(
    "cards",
    metadata,
    Column("tag_key", String(20), primary_key=True, comment="upper case: tags compare so"),
    Column("tag", String(20), nullable=False, comment="as it was given"),
    Column("status", String(12), nullable=False, comment="Accepted or Blocked"),
    Column("parent", String(20)),
    Column("expires_at_ms", BigInteger),
    Column("changed_at_ms", BigInteger, nullable=False),
)
