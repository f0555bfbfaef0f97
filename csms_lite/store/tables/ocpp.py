"""Answers of StartTransaction and StopTransaction, for their repeats; samples need none."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from csms_lite.store.tables.metadata import metadata

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
