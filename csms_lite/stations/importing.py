"""Many chargers at once: rows of CSV or JSON to what put_station takes. Pure.

An empty cell is left out. Every row that cannot be used is named; none is used then.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from csms_lite.errors import Unacceptable
from csms_lite.stations.keys import as_bytes
from csms_lite.stations.rules import IDENTITY, check_words

MOST_ROWS: Final = 1000  # one transaction, which others wait for
LENGTHS: Final = {
    "id": 48,
    "name": 100,
    "code": 48,
    "site": 100,
    "registration": 10,
    "profile": 1,
    "key": 40,
    "vendor": 50,
    "model": 50,
    "serial": 50,
    "note": 2000,
    "description": 2000,
}
"""The columns, and how long a cell may be."""


class Row(NamedTuple):
    """One charger of an import; *line* is where it stands, the first being 1."""

    line: int
    identity: str
    changes: dict[str, Any]
    site: str | None
    key: str | None


class Wrong(NamedTuple):
    """What is wrong with a row."""

    line: int
    identity: str
    what: str


def refuse(wrong: Sequence[Wrong]) -> None:
    """Raise `Unacceptable` that names every bad row, if there is one."""
    if wrong:
        told = "; ".join(f"row {one.line} ({one.identity or 'no id'}): {one.what}" for one in wrong)
        raise Unacceptable(f"nothing was imported. {told}")


def read_csv(text: str) -> list[dict[str, str]]:
    """Read a table with a header; commas or semicolons. Raises `Unacceptable`."""
    lines = text.removeprefix("\ufeff")
    header = lines.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    try:
        reader = csv.DictReader(io.StringIO(lines), delimiter=delimiter, strict=True)
        rows = [
            {(name or "").strip(): value for name, value in row.items() if value not in ("", None)}
            for row in reader
        ]
    except csv.Error as failure:
        raise Unacceptable(f"this is no table in CSV: {failure}") from failure
    if any(isinstance(value, list) for row in rows for value in row.values()):
        raise Unacceptable("a row has more cells than the header: put quotes around commas")
    return rows


def read_rows(told: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Read the rows; raises `Unacceptable` that names every one that cannot be used."""
    if len(told) > MOST_ROWS:
        raise Unacceptable(f"{len(told)} rows: import at most {MOST_ROWS} at once")
    rows, wrong = [], []
    seen: dict[str, int] = {}
    for line, cells in enumerate(told, start=1):
        identity = str(cells.get("id", ""))[:48]
        try:
            row = _row(line, cells)
        except Unacceptable as failure:
            wrong.append(Wrong(line, identity, str(failure)))
            continue
        if row.identity in seen:
            wrong.append(Wrong(line, identity, f"the same id as row {seen[row.identity]}"))
        seen[row.identity] = line
        rows.append(row)
    refuse(wrong)
    return rows


def _row(line: int, cells: Mapping[str, Any]) -> Row:
    told: dict[str, Any] = {}
    for column, cell in cells.items():
        if column not in LENGTHS:
            raise Unacceptable(f"{column!r} is no column: use {', '.join(LENGTHS)}")
        if cell is None:
            continue
        if isinstance(cell, bool) or not isinstance(cell, (str, int)):
            raise Unacceptable(f"{column} is text or a whole number")
        text = str(cell).strip()
        if len(text) > LENGTHS[column]:
            raise Unacceptable(f"{column} is longer than {LENGTHS[column]} characters")
        if text:
            told[column] = text
    identity = told.pop("id", "")
    if not IDENTITY.fullmatch(identity):
        raise Unacceptable("an id is 1 to 48 letters, digits, '-' and '_'")
    site, key = told.pop("site", None), told.pop("key", None)
    if key is not None:
        as_bytes(key)
    if "profile" in told:
        if told["profile"] not in {"0", "1", "2", "3"}:
            raise Unacceptable("a security profile is 0, 1, 2 or 3")
        told["profile"] = int(told["profile"])
    check_words(told)
    return Row(line, identity, told, site, key)
