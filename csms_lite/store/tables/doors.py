"""How stations prove who they are, and who knocked without being known."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table

from csms_lite.store.tables.metadata import metadata

station_keys: Final = Table(
    "station_keys",
    metadata,
    Column("station_id", ForeignKey("stations.station_id"), primary_key=True),
    Column("number", Integer, primary_key=True, comment="rises; lower ones die when one is used"),
    Column("salt", String(32), nullable=False, comment="hexadecimal"),
    Column("digest", String(64), nullable=False, comment="SHA-256 of salt and key, hexadecimal"),
    Column("made_at_ms", BigInteger, nullable=False),
    Column("message_id", String(36), comment="of the command that took it to the station"),
)

inbox: Final = Table(
    "inbox",
    metadata,
    Column("identity", String(48), primary_key=True, comment="OCPP id, exact; nobody we know"),
    Column("address", String(64), nullable=False, comment="where it last came from"),
    Column("knocks", Integer, nullable=False),
    Column("first_at_ms", BigInteger, nullable=False),
    Column("last_at_ms", BigInteger, nullable=False, index=True),
    Column("vendor", String(50)),
    Column("model", String(50)),
    Column("serial", String(50)),
    Column("firmware", String(50)),
)
