"""Transactions and what was measured in them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    func,
    text,
)

from csms_lite.store.tables.metadata import metadata

sessions: Final = Table(
    "sessions",
    metadata,
    Column("transaction_id", Integer, primary_key=True, comment="OCPP transactionId, > 0"),
    Column("station_id", ForeignKey("stations.station_id"), nullable=False),
    Column("connector", Integer, nullable=False),
    Column("id_tag", String(20), nullable=False),
    Column("verdict", String(12), nullable=False, comment="idTagInfo.status of the answer"),
    Column("state", String(14), nullable=False, comment="see csms_lite.sessions.rules"),
    Column("message_id", String(36), comment="of the StartTransaction"),
    Column("reservation_id", BigInteger),
    Column("meter_start_wh", BigInteger, comment="none while it has not begun"),
    Column("started_at_ms", BigInteger, nullable=False, comment="as told; before that as asked"),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("meter_stop_wh", BigInteger),
    Column("stopped_at_ms", BigInteger, comment="as told"),
    Column("stop_reason", String(20)),
    Column("stop_tag", String(20)),
    Column("stop_received_at_ms", BigInteger),
    Column("cable_out_at_ms", BigInteger, comment="first status after the end that shows it"),
    Column("register_wh", BigInteger, comment="newest energy register seen"),
    Column("power_w", Integer, comment="newest active power seen"),
    Column("measured_at_ms", BigInteger, comment="when both were measured"),
    Column("currency", String(3), comment="price when it was asked for, or began"),
    Column("per_kwh_minor", BigInteger),
    Column("user_id", ForeignKey("accounts.account_id"), comment="whose it is, if anybody's"),
    Column("reference", String(64), comment="the caller's own name of it"),
    Column("asked_at_ms", BigInteger, comment="when a driver asked for it"),
    Column("start_command_id", ForeignKey("commands.command_id"), comment="that caused it"),
    Column("stop_command_id", ForeignKey("commands.command_id"), comment="the last that ends it"),
    Column("stop_asked_at_ms", BigInteger, comment="asked before it began"),
    Column("goal_wh", BigInteger, comment="what the driver wants"),
    Column("goal_soc_percent", Integer),
    Column("problem", Text, comment="why it was rejected or failed, for people"),
    Column("closed_at_ms", BigInteger, comment="by an operator, without the charger's word"),
    Column("closed_by", String(100)),
    Column("close_reason", String(500)),
    Column("power_derived", Integer, comment="1 when power_w was not told but reckoned"),
    Column("soc_percent", Integer, comment="newest state of charge seen"),
    Index(None, "station_id", "connector", "started_at_ms"),
    Index(None, "started_at_ms"),
    Index(None, "state"),
    Index(None, "user_id", "transaction_id"),
    Index(None, "station_id", "reference", unique=True),
    Index(None, "start_command_id", unique=True),
    Index("ix_sessions_running", "station_id", sqlite_where=text("state = 'running'")),
    sqlite_autoincrement=True,
)
Index("ix_sessions_tag_key", func.upper(sessions.c.id_tag), sessions.c.started_at_ms)

samples: Final = Table(
    "samples",
    metadata,
    Column("sample_id", Integer, primary_key=True),
    Column("station_id", Integer, nullable=False),
    Column("connector", Integer, nullable=False),
    Column("transaction_id", BigInteger, comment="as the station told it, known or not"),
    Column("at_ms", BigInteger, nullable=False),
    Column("energy_wh", BigInteger, comment="register, converted"),
    Column("power_w", Integer, comment="active import, converted"),
    Column("values_json", Text, nullable=False, comment="sampledValue as it came, keys in order"),
    Column("soc_percent", Integer),
    Column("fingerprint", BigInteger, nullable=False, comment="of values_json, for repeats"),
    Index("ix_samples_name", "station_id", "transaction_id", "at_ms", "fingerprint"),
)
