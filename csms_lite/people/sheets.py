"""Cards as a table for people with spreadsheets: one row a card, the same columns in and out.

An empty cell is nothing, a column that is missing leaves a known card as it is. `chargers` names
identities between blanks, `none` is no charger at all; `day_wh`, `day_sessions` and so on are
budgets. Virtual cards stay out: they are secrets.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from csms_lite.clock import maybe_rfc3339, read_time
from csms_lite.csvtext import Cell, is_formula
from csms_lite.errors import Unacceptable
from csms_lite.people.rules import PERIODS, Budget, Card, tag_key

MOST_ROWS: Final = 1000  # one transaction, some 80 ms for which others wait
MOST_TOLD: Final = 50  # bad rows named in one answer
MOST_DIGITS: Final = 13  # the largest budget's
NO_CHARGER: Final = "none"
BUDGETS: Final = tuple(f"{period}_{what}" for period in PERIODS for what in ("wh", "sessions"))
COLUMNS: Final = (
    "tag",
    "kind",
    "label",
    "user_id",
    "parent",
    "status",
    "reason",
    "valid_from_utc",
    "expiry_utc",
    "chargers",
    *BUDGETS,
)
FIELD_OF: Final = {
    **{name: name for name in COLUMNS if name in Card._fields},
    "valid_from_utc": "valid_from_ms",
    "expiry_utc": "expires_at_ms",
    **dict.fromkeys(BUDGETS, "budgets"),
}
TEXT_LENGTH: Final = {"label": 50, "reason": 200}


class Sheet(NamedTuple):
    """The cards of a table by row, the fields of them that it has columns for, and what is bad."""

    rows: dict[int, Card]
    fields: frozenset[str]
    wrong: dict[int, str]

    def of_row(self, number: int, known: Card | None) -> Card:
        """Give the card of a row; what the table does not say is as in the *known* one."""
        card = self.rows[number]
        if known is None:
            return card
        kept: dict[str, Any] = {
            name: value for name, value in known._asdict().items() if name not in self.fields
        }
        return card._replace(**kept)


def sheet_row(card: Card) -> tuple[Cell, ...]:
    """Write a card as a row of `COLUMNS`."""
    budgets = {budget.period: budget for budget in card.budgets}
    counted: list[Cell] = []
    for period in PERIODS:
        budget = budgets.get(period)
        counted += [None, None] if budget is None else [budget.energy_wh, budget.sessions]
    return (
        _guarded(card.tag),
        card.kind,
        _guarded(card.label),
        card.user_id,
        _guarded(card.parent),
        card.status,
        _guarded(card.reason),
        maybe_rfc3339(card.valid_from_ms),
        maybe_rfc3339(card.expires_at_ms),
        None if card.chargers is None else " ".join(card.chargers) or NO_CHARGER,
        *counted,
    )


def read_sheet(text: str) -> Sheet:
    """Read cards; raises `Unacceptable` for what is no such table at all."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows: dict[int, Card] = {}
    wrong: dict[int, str] = {}
    seen: dict[str, int] = {}
    try:
        fields = _check_header(reader.fieldnames or ())
        for number, row in enumerate(reader, start=2):
            if number > MOST_ROWS + 1:
                raise Unacceptable(f"at most {MOST_ROWS} cards at once: send the rest afterwards")
            try:
                card = _read_row(row)
            except Unacceptable as refusal:
                wrong[number] = str(refusal)
                continue
            first = seen.setdefault(tag_key(card.tag), number)
            if first == number:
                rows[number] = card
            else:
                wrong[number] = f"the same tag as in row {first}"
    except csv.Error as failure:
        raise Unacceptable(f"this is no CSV, near line {reader.line_num}: {failure}") from failure
    return Sheet(rows, fields, wrong)


def refuse_rows(wrong: Mapping[int, str]) -> None:
    """Raise `Unacceptable` when rows are bad: nothing of the file is taken.

    Every one is named, up to `MOST_TOLD` of them.
    """
    if wrong:
        told = [f"row {number}: {why}" for number, why in sorted(wrong.items())]
        more = f"; and {len(told) - MOST_TOLD} more" if len(told) > MOST_TOLD else ""
        raise Unacceptable("nothing was imported. " + "; ".join(told[:MOST_TOLD]) + more)


def _check_header(names: object) -> frozenset[str]:
    given = [str(name) for name in names] if isinstance(names, (list, tuple)) else []
    strange = [name for name in given if name not in COLUMNS]
    if strange or "tag" not in given or len(set(given)) != len(given):
        raise Unacceptable(
            f"the first line names columns, each once, 'tag' among them: {', '.join(COLUMNS)}"
        )
    return frozenset(FIELD_OF[name] for name in given)


def _read_row(row: Mapping[str | None, object]) -> Card:
    if None in row:
        raise Unacceptable("it has more cells than the first line")
    cells = {str(name): _plain(value) for name, value in row.items()}
    for name, length in TEXT_LENGTH.items():
        if len(cells.get(name, "")) > length:
            raise Unacceptable(f"{name} has at most {length} characters")
    kind, status = cells.get("kind") or "rfid", cells.get("status") or "Accepted"
    if kind not in {"rfid", "guest"}:
        raise Unacceptable(f"kind is rfid or guest, not {kind!r}")
    if status not in {"Accepted", "Blocked"}:
        raise Unacceptable(f"status is Accepted or Blocked, not {status!r}")
    return Card(
        tag=cells.get("tag", ""),
        status=status,
        parent=cells.get("parent") or None,
        expires_at_ms=_moment(cells, "expiry_utc"),
        kind=kind,
        label=cells.get("label") or None,
        user_id=_number(cells, "user_id"),
        reason=cells.get("reason") or None,
        valid_from_ms=_moment(cells, "valid_from_utc"),
        chargers=_chargers(cells.get("chargers", "")),
        budgets=_budgets(cells),
    )


def _plain(value: object) -> str:
    """Take away the apostrophe that keeps a spreadsheet from running a cell."""
    text = "" if value is None else str(value).strip()
    return text[1:] if _is_guarded(text) else text


def _guarded(text: str | None) -> str | None:
    """Keep an apostrophe that is the text's own, by one more; see `csv_line` for formulas."""
    return f"'{text}" if text is not None and _is_guarded(text) else text


def _is_guarded(text: str) -> bool:
    return text.startswith("'") and is_formula(text.lstrip("'"))


def _number(cells: Mapping[str, str], name: str) -> int | None:
    text = cells.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise Unacceptable(f"{name} is a whole number, not {text!r}")
    return int(text)


def _moment(cells: Mapping[str, str], name: str) -> int | None:
    text = cells.get(name, "")
    if not text:
        return None
    at_ms = read_time(text)
    if at_ms is None:
        raise Unacceptable(f"{name} is a time such as 2030-01-31T23:00:00Z, not {text!r}")
    return at_ms


def _chargers(text: str) -> tuple[str, ...] | None:
    if text == NO_CHARGER:
        return ()
    return tuple(text.split()) or None


def _budgets(cells: Mapping[str, str]) -> tuple[Budget, ...]:
    found = (
        Budget(period, _number(cells, f"{period}_wh"), _number(cells, f"{period}_sessions"))
        for period in PERIODS
    )
    return tuple(budget for budget in found if budget[1:] != (None, None))
