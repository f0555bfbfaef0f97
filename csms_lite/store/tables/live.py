"""The live view: starts of the process, and what changed, numbered."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from csms_lite.store.tables.metadata import metadata

epochs: Final = Table(
    "epochs",
    metadata,
    Column("epoch", Integer, primary_key=True, comment="one row per start of the process"),
    Column("started_at_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

changes: Final = Table(
    "changes",
    metadata,
    Column("number", Integer, primary_key=True, comment="rises in the order of commits"),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", String(20), nullable=False, comment="station, connector, session, command, …"),
    Column("station_id", Integer, comment="no foreign key: a change outlives what changed"),
    Column("connector", Integer),
    Column("transaction_id", BigInteger),
    Column("user_id", Integer, comment="whose own thing it is; none: of staff only"),
    Column("details", Text, nullable=False, comment="JSON, or columns as `live.triggers` tells"),
    Index(None, "user_id", "number"),
    sqlite_autoincrement=True,
)
