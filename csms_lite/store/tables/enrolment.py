"""Tags that nobody knows, and windows in which the next one becomes a card."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table

from csms_lite.store.tables.metadata import metadata

unknown_tags: Final = Table(
    "unknown_tags",
    metadata,
    Column("tag_key", String(20), primary_key=True),
    Column("tag", String(20), nullable=False, comment="as it was last presented"),
    Column("station_id", ForeignKey("stations.station_id"), nullable=False, comment="the last"),
    Column("connector", Integer, comment="the last; none when only asked for by Authorize"),
    Column("presented", Integer, nullable=False, comment="how often"),
    Column("first_at_ms", BigInteger, nullable=False),
    Column("last_at_ms", BigInteger, nullable=False),
    Index(None, "last_at_ms"),
)

enrolments: Final = Table(
    "enrolments",
    metadata,
    Column("enrolment_id", Integer, primary_key=True),
    Column("station_id", ForeignKey("stations.station_id"), nullable=False),
    Column("state", String(9), nullable=False, comment="open, done or cancelled"),
    Column("opened_at_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False, comment="open and past this is lapsed"),
    Column("who", String(200), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("label", String(50)),
    Column("user_id", ForeignKey("accounts.account_id")),
    Column("parent", String(20)),
    Column("expires_at_ms", BigInteger),
    Column("tag", String(20), comment="the card that came of it"),
    Index(None, "station_id", "enrolment_id"),
    sqlite_autoincrement=True,
)
