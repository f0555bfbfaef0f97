"""Files that stations bring and fetch, and the addresses at which they do."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table

from csms_lite.store.tables.metadata import metadata

files: Final = Table(
    "files",
    metadata,
    Column("file_id", Integer, primary_key=True, comment="also its name on the disk"),
    Column("kind", String(12), nullable=False, comment="firmware or upload"),
    Column("name", String(100), nullable=False, comment="as it was given, for people only"),
    Column("state", String(12), nullable=False, comment="arriving, stored, deleted"),
    Column("station_id", ForeignKey("stations.station_id"), comment="that brought it"),
    Column("brought_by", String(100), comment="who stored it, when it was no station"),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64)),
    Column("began_at_ms", BigInteger, nullable=False),
    Column("stored_at_ms", BigInteger),
    Index(None, "state", "stored_at_ms"),
    sqlite_autoincrement=True,
)

addresses: Final = Table(
    "addresses",
    metadata,
    Column("address_id", Integer, primary_key=True),
    Column("token_digest", String(64), nullable=False, unique=True, comment="SHA-256 of it"),
    Column("direction", String(4), nullable=False, comment="up or down"),
    Column("station_id", ForeignKey("stations.station_id")),
    Column("file_id", ForeignKey("files.file_id"), comment="that is fetched, or was brought"),
    Column("command_id", ForeignKey("commands.command_id"), comment="in which it was sent"),
    Column("made_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("uses_left", Integer, nullable=False),
    Column("used_at_ms", BigInteger, comment="last"),
    Index(None, "expires_at_ms"),
    Index(None, "file_id"),
    sqlite_autoincrement=True,
)
