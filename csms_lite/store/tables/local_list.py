"""What is known of the local list on each charger."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, Text

from csms_lite.store.tables.metadata import metadata

local_lists: Final = Table(
    "local_lists",
    metadata,
    Column("station_id", Integer, ForeignKey("stations.station_id"), primary_key=True),
    Column("wish", String(3), comment="on or off; none is as the setting says"),
    Column("version", BigInteger, comment="of the entries kept here; none: a Full is needed"),
    Column("highest", BigInteger, nullable=False, comment="version ever sent or told"),
    Column("doubts", Integer, nullable=False, comment="boots and lost answers, counted"),
    Column("cleared", Integer, nullable=False, comment="doubts when the list was last sure"),
    Column("command_id", Integer, comment="the command under way"),
    Column("asked_in_doubt", Integer, nullable=False, comment="doubts when that was asked"),
    Column("lost_command_id", Integer, comment="a SendLocalList whose outcome is unknown"),
    Column("seen_command_id", Integer, nullable=False, comment="newest SendLocalList looked at"),
    Column("unsupported", String(200), comment="why this charger takes no list"),
    Column("knows_limits", Integer, nullable=False, comment="1: GetConfiguration was answered"),
    Column("longest", Integer, comment="LocalAuthListMaxLength"),
    Column("per_message", Integer, comment="SendLocalListMaxLength"),
    Column("failures", Integer, nullable=False, comment="in a row, since it was last in step"),
    Column("retry_at_ms", BigInteger, comment="not before this, after failures"),
    Column("problem", Text, comment="the last failure, for people"),
    Column("in_step_at_ms", BigInteger, comment="when it was last as wanted"),
)

local_list_entries: Final = Table(
    "local_list_entries",
    metadata,
    Column("station_id", Integer, ForeignKey("stations.station_id"), primary_key=True),
    Column("tag_key", String(20), primary_key=True),
    Column("entry_json", Text, nullable=False, comment="AuthorizationData as it was taken"),
    sqlite_with_rowid=False,
)
