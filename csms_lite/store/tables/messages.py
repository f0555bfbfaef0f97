"""The log of frames: tables of a file of its own, `messages.db`, which shares nothing.

Chargers are named, not referred to: the log outlives what it tells of.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

log_metadata: Final = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"}
)

frames: Final = Table(
    "frames",
    log_metadata,
    Column("frame_id", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("charger", String(48), nullable=False),
    Column("direction", String(8), nullable=False, comment="SENT or RECEIVED, as seen from here"),
    Column("type", String(10), nullable=False, comment="CALL, CALLRESULT, CALLERROR, UNREADABLE"),
    Column("action", String(50), comment="of answers too, when their call was seen"),
    Column("message_id", String(64), comment="the correlation id; longer ones are cut"),
    Column("payload", Text, comment="JSON, secrets masked; none: thinned"),
    Column("keep", String(11), nullable=False, comment="beat, plain or transaction: how long"),
    Index(None, "at_ms"),
    Index(None, "charger", "at_ms"),
    Index(None, "message_id", "at_ms"),
    Index(None, "keep", "at_ms"),
)

delays: Final = Table(
    "delays",
    log_metadata,
    Column("delay_id", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False, comment="when the call went or came"),
    Column("charger", String(48), nullable=False),
    Column("direction", String(8), nullable=False, comment="of the call"),
    Column("action", String(50), nullable=False),
    Column("message_id", String(64), nullable=False),
    Column("outcome", String(10), nullable=False, comment="slow, unanswered or unsent"),
    Column("took_ms", Integer, comment="until the answer, when there was one"),
    Index(None, "at_ms"),
)
