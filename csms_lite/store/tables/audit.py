"""The audit trail."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from csms_lite.store.tables.metadata import metadata

audit: Final = Table(
    "audit",
    metadata,
    Column("entry_id", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", String(100), nullable=False, comment="as the gate names who asked"),
    Column("actor_id", Integer, comment="the account, when it was one"),
    Column("address", String(45), comment="where the request came from"),
    Column("action", String(40), nullable=False, comment="past tense: role_changed"),
    Column("account_id", Integer, comment="whom it was done to"),
    Column("details_json", Text, nullable=False, comment="no secrets and nobody's name"),
    Index(None, "account_id", "entry_id"),
    sqlite_autoincrement=True,
)
