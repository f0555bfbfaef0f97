"""Cards and groups: who may charge, where, how much, and who said so."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from csms_lite.store.tables.metadata import metadata

cards: Final = Table(
    "cards",
    metadata,
    Column("tag_key", String(20), primary_key=True, comment="upper case: tags compare so"),
    Column("tag", String(20), nullable=False, comment="as it was given"),
    Column("kind", String(8), nullable=False, server_default="rfid", comment="or virtual, guest"),
    Column("label", String(50)),
    Column("user_id", ForeignKey("accounts.account_id"), comment="the account that owns it"),
    Column("status", String(12), nullable=False, comment="Accepted or Blocked"),
    Column("reason", String(200), comment="why it is blocked"),
    Column("parent", String(20), comment="its group, as it was given"),
    Column("parent_key", String(20), comment="upper case"),
    Column("valid_from_ms", BigInteger),
    Column("expires_at_ms", BigInteger),
    Column("is_limited", Integer, nullable=False, server_default="0", comment="1: see rights"),
    Column("has_budget", Integer, nullable=False, server_default="0", comment="1: see budgets"),
    Column("changed_at_ms", BigInteger, nullable=False),
    Index(None, "parent_key"),
    Index(None, "user_id"),
    Index(None, "valid_from_ms"),
)

card_groups: Final = Table(
    "card_groups",
    metadata,
    Column("group_key", String(20), primary_key=True, comment="upper case parent idTag"),
    Column("name", String(20), nullable=False, comment="parent idTag as it was given"),
    Column("label", String(50)),
    Column("status", String(12), nullable=False, comment="Accepted or Blocked"),
    Column("reason", String(200), comment="why it is blocked"),
    Column("is_limited", Integer, nullable=False, comment="1: see rights"),
    Column("has_budget", Integer, nullable=False, comment="1: see budgets"),
    Column("changed_at_ms", BigInteger, nullable=False),
)

rights: Final = Table(
    "rights",
    metadata,
    Column("holder", String(5), primary_key=True, comment="card or group"),
    Column("holder_key", String(20), primary_key=True),
    Column("station_id", ForeignKey("stations.station_id"), primary_key=True),
)

budgets: Final = Table(
    "budgets",
    metadata,
    Column("holder", String(5), primary_key=True, comment="card or group"),
    Column("holder_key", String(20), primary_key=True),
    Column("period", String(5), primary_key=True, comment="day, week or month"),
    Column("energy_wh", BigInteger),
    Column("sessions", Integer),
)

card_changes: Final = Table(
    "card_changes",
    metadata,
    Column("change_id", Integer, primary_key=True),
    Column("holder", String(5), nullable=False, comment="card or group"),
    Column("holder_key", String(20), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("who", String(200), nullable=False),
    Column("details_json", Text, nullable=False, comment="each changed field: [before, after]"),
    Index(None, "holder", "holder_key", "change_id"),
    sqlite_autoincrement=True,
)
