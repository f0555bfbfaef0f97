"""CSV for people with spreadsheets: RFC 4180, a byte order mark, and no cell that is a formula.

    rows = (… async pages of rows …)
    return csv_answer("sessions", ("transaction_id", "started_at_utc"), rows)

Moments are written by `csms_lite.clock.rfc3339` in columns whose name ends in `_utc`: a reader in
another zone must not guess. Numbers are passed as numbers; only text can be a formula.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from typing import Final

from fastapi.responses import StreamingResponse

Cell = str | int | float | None

BYTE_ORDER_MARK: Final = "\ufeff"  # without it Excel reads UTF-8 as the local code page
MEDIA_TYPE: Final = "text/csv; charset=utf-8; header=present"
FORMULA: Final = frozenset("=+-@\t\r\n＝＋－＠|%")  # OWASP's list, and DDE's pipe
NUMBER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
NEEDS_QUOTES: Final = re.compile(r'[",;\r\n\t]')  # some spreadsheets split at `;` and tabs too


def csv_answer(
    name: str, columns: Sequence[str], pages: AsyncIterable[Iterable[Sequence[Cell]]]
) -> StreamingResponse:
    """Answer with a file *name*.csv, sent as its *pages* are read: it is never held whole."""
    assert re.fullmatch(r"[A-Za-z0-9_-]+", name), "a file's name goes into a header"
    headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(csv_text(columns, pages), media_type=MEDIA_TYPE, headers=headers)


async def csv_text(
    columns: Sequence[str], pages: AsyncIterable[Iterable[Sequence[Cell]]]
) -> AsyncIterator[str]:
    """Write a header and rows, a piece per page; the mark stands once, at the beginning."""
    yield BYTE_ORDER_MARK + csv_line(columns)
    async for page in pages:
        piece = "".join(csv_line(row) for row in page)
        if piece:
            yield piece


def csv_line(cells: Iterable[Cell]) -> str:
    """Write one record with its line end."""
    return ",".join(_cell(cell) for cell in cells) + "\r\n"


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # 1500, not 1500.0: some spreadsheets take the point for thousands
    if not isinstance(cell, str):
        return str(cell)
    text = cell.replace("\0", "")  # a NUL ends the file for some readers
    if is_formula(text):
        text = "'" + text
    return '"' + text.replace('"', '""') + '"' if NEEDS_QUOTES.search(text) else text


def is_formula(text: str) -> bool:
    """Tell what a spreadsheet would run; blanks and invisible marks before it hide nothing."""
    if NUMBER.fullmatch(text):
        return False
    for letter in text:
        if letter in FORMULA:
            return True
        if not letter.isspace() and unicodedata.category(letter) not in {"Cf", "Cc"}:
            return False
    return False
