"""Sessions, cards and stations as CSV or JSON, row by row, all of one moment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from csms_lite.clock import rfc3339
from csms_lite.csvtext import BYTE_ORDER_MARK, csv_line
from csms_lite.store.prepared import Prepared
from csms_lite.store.tables import metadata
from csms_lite.upkeep.files import MONEY, reading

WHAT: Final = ("cards", "sessions", "stations")
FORMATS: Final = ("csv", "json")
KEPT_BACK: Final = ("hash", "secret", "salt", "password")
"""Parts of the names of columns that leave the database only in a backup."""
MOMENT: Final = "_ms"


def export(state_dir: Path, what: str, form: str) -> Iterator[str]:
    """Give a table in pieces: CSV with a header, or a JSON array with an object on each line.

    Times are RFC 3339 in UTC. Raises `SettingsError` when the database cannot be read.
    """
    table = metadata.tables[what]
    columns = [one for one in table.c if not any(part in one.name for part in KEPT_BACK)]
    names = [_shown(column.name) for column in columns]
    statement = Prepared(select(*columns).order_by(*table.primary_key.columns))
    with reading(state_dir / MONEY) as db:
        rows = (
            [_value(one.name, value) for one, value in zip(columns, row, strict=True)]
            for row in db.execute(statement.text)
        )
        yield from _csv(names, rows) if form == "csv" else _json(names, rows)


def _csv(names: list[str], rows: Iterator[list[Any]]) -> Iterator[str]:
    yield BYTE_ORDER_MARK + csv_line(names)
    for row in rows:
        yield csv_line(row)


def _json(names: list[str], rows: Iterator[list[Any]]) -> Iterator[str]:
    start = "["
    for row in rows:
        told = json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)
        yield f"{start}\n{told}"
        start = ","
    yield "[]\n" if start == "[" else "\n]\n"


def _shown(name: str) -> str:
    return name.removesuffix(MOMENT) + "_utc" if name.endswith(MOMENT) else name


def _value(name: str, value: Any) -> Any:
    return rfc3339(value) if name.endswith(MOMENT) and value is not None else value
