"""Prices."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, String, Table

from csms_lite.store.tables.metadata import metadata

tariffs: Final = Table(
    "tariffs",
    metadata,
    Column("tariff_id", Integer, primary_key=True),
    Column("currency", String(3), nullable=False),
    Column("per_kwh_minor", BigInteger, nullable=False),
    Column("from_ms", BigInteger, nullable=False, comment="the newest row is the price now"),
)
