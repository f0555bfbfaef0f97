"""Starts of the process, which number the live documents."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, Table

from csms_lite.store.tables.metadata import metadata

epochs: Final = Table(
    "epochs",
    metadata,
    Column("epoch", Integer, primary_key=True, comment="one row per start of the process"),
    Column("started_at_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
