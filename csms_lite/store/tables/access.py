"""Who is let in at a station besides the cards we know."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Integer, String, Table

from csms_lite.store.tables.metadata import metadata

access_policies: Final = Table(
    "access_policies",
    metadata,
    Column("station_id", Integer, ForeignKey("stations.station_id"), primary_key=True),
    Column("policy", String(6), nullable=False, comment="closed, open or free"),
)
