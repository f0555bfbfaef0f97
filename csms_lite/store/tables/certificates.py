"""Certificates that stations ask for."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from csms_lite.store.tables.metadata import metadata

signing_requests: Final = Table(
    "signing_requests",
    metadata,
    Column("request_id", Integer, primary_key=True),
    Column("station_id", ForeignKey("stations.station_id"), nullable=False),
    Column("csr", Text, nullable=False, comment="PEM, as it came"),
    Column("state", String(10), nullable=False, comment="see csms_lite.certificates.rules"),
    Column("problem", Text, comment="why it was refused, for people"),
    Column("came_at_ms", BigInteger, nullable=False),
    Column("ended_at_ms", BigInteger),
    Column("chain", Text, comment="PEM, station's certificate first"),
    Column("command_id", ForeignKey("commands.command_id"), comment="that brought it there"),
    Index(None, "station_id", "state"),
    sqlite_autoincrement=True,
)
