"""All tables of the central system; each is written by one capability only.

Moments are `*_at_ms` (see `csms_lite.clock`), energy is whole Wh, money whole minor units.
Text columns that end in `_json` hold compact JSON. Nothing here is ever deleted but old answers.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

epochs: Final = Table(
    "epochs",
    metadata,
    Column("epoch", Integer, primary_key=True, comment="one row per start of the process"),
    Column("started_at_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

stations: Final = Table(
    "stations",
    metadata,
    Column("station_id", Integer, primary_key=True),
    Column("identity", String(48), nullable=False, unique=True, comment="OCPP id, exact"),
    Column("code", String(48), nullable=False, unique=True, comment="public name in addresses"),
    Column("name", String(100), nullable=False),
    Column("registration", String(10), nullable=False, comment="Accepted, Pending, Rejected"),
    Column("connection", Integer, nullable=False, comment="rises with every socket: a fence"),
    Column("vendor", String(50)),
    Column("model", String(50)),
    Column("serial", String(50)),
    Column("firmware", String(50)),
    Column("boot_json", Text, comment="the last BootNotification whole"),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("booted_at_ms", BigInteger, comment="last accepted boot"),
    Column("heard_at_ms", BigInteger, comment="as of the last boot, heartbeat or disconnect"),
)

connectors: Final = Table(
    "connectors",
    metadata,
    Column("station_id", ForeignKey("stations.station_id"), primary_key=True),
    Column("connector", Integer, primary_key=True),
    Column("status", String(20), nullable=False),
    Column("error_code", String(50), nullable=False),
    Column("info", String(50)),
    Column("vendor_id", String(255)),
    Column("vendor_error_code", String(50)),
    Column("since_ms", BigInteger, nullable=False, comment="when the status began, as told"),
    Column("received_at_ms", BigInteger, nullable=False),
)

events: Final = Table(
    "events",
    metadata,
    Column("event_id", Integer, primary_key=True),
    Column("station_id", ForeignKey("stations.station_id"), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", String(40), nullable=False, comment="conflict_*, firmware_status, …"),
    Column("connector", Integer),
    Column("transaction_id", BigInteger, comment="as the station told it"),
    Column("details_json", Text, nullable=False),
    Index(None, "station_id", "at_ms"),
    Index(None, "transaction_id"),
)

cards: Final = Table(
    "cards",
    metadata,
    Column("tag_key", String(20), primary_key=True, comment="upper case: tags compare so"),
    Column("tag", String(20), nullable=False, comment="as it was given"),
    Column("status", String(12), nullable=False, comment="Accepted or Blocked"),
    Column("parent", String(20)),
    Column("expires_at_ms", BigInteger),
    Column("changed_at_ms", BigInteger, nullable=False),
)

tariffs: Final = Table(
    "tariffs",
    metadata,
    Column("tariff_id", Integer, primary_key=True),
    Column("currency", String(3), nullable=False),
    Column("per_kwh_minor", BigInteger, nullable=False),
    Column("from_ms", BigInteger, nullable=False, comment="the newest row is the price now"),
)

commands: Final = Table(
    "commands",
    metadata,
    Column("command_id", Integer, primary_key=True),
    Column("station_id", ForeignKey("stations.station_id"), nullable=False),
    Column("action", String(50), nullable=False),
    Column("payload_json", Text, nullable=False),
    Column("state", String(12), nullable=False, comment="see csms_lite.commands.rules"),
    Column("message_id", String(36), nullable=False, unique=True),
    Column("asked_at_ms", BigInteger, nullable=False),
    Column("deadline_ms", BigInteger, nullable=False, comment="not sent after this"),
    Column("sent_at_ms", BigInteger),
    Column("answered_at_ms", BigInteger),
    Column("result_json", Text, comment="the CALLRESULT's payload"),
    Column("problem", Text, comment="why there is no result, for people"),
    Index(None, "station_id", "state"),
    sqlite_autoincrement=True,
)

sessions: Final = Table(
    "sessions",
    metadata,
    Column("transaction_id", Integer, primary_key=True, comment="OCPP transactionId, > 0"),
    Column("station_id", ForeignKey("stations.station_id"), nullable=False),
    Column("connector", Integer, nullable=False),
    Column("id_tag", String(20), nullable=False),
    Column("verdict", String(12), nullable=False, comment="idTagInfo.status of the answer"),
    Column("state", String(12), nullable=False, comment="running or closed"),
    Column("message_id", String(36), nullable=False, comment="of the StartTransaction"),
    Column("reservation_id", BigInteger),
    Column("meter_start_wh", BigInteger, nullable=False),
    Column("started_at_ms", BigInteger, nullable=False, comment="as told"),
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
    Column("currency", String(3), comment="price as it was at the start"),
    Column("per_kwh_minor", BigInteger),
    Index(None, "station_id", "connector", "started_at_ms"),
    Index(None, "started_at_ms"),
    sqlite_autoincrement=True,
)

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
    Column("values_json", Text, nullable=False, comment="sampledValue as it came"),
    Index(None, "transaction_id"),
)

answers: Final = Table(
    "answers",
    metadata,
    Column("station_id", Integer, primary_key=True),
    Column("message_id", String(36), primary_key=True),
    Column("digest", String(32), primary_key=True, comment="of the action and payload"),
    Column("connection", Integer, nullable=False, comment="socket on which it came first"),
    Column("at_ms", BigInteger, nullable=False),
    Column("answer_json", Text, nullable=False),
    Index(None, "at_ms"),
    sqlite_with_rowid=False,
)
