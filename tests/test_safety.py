"""The safety table: each row is shown as it says, and the README shows the table."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[1]
ROWS: Final[list[dict[str, Any]]] = tomllib.loads(
    (ROOT / "tests" / "safety.toml").read_text(encoding="utf-8")
)["row"]
KINDS: Final = ("pilot", "gpio", "controller")
SHOWN: Final = ("test", "doctor", "text", "-")
NAMED: Final = re.compile(r"def test_(?:\w*_)?safety_(\d\d)_\w+")


def rows_of_tests() -> set[int]:
    """The rows that the names of tests carry."""
    sources = (ROOT / "tests").rglob("test_*.py")
    return {int(row) for each in sources for row in NAMED.findall(each.read_text())}


def shown() -> str:
    """The table as the README has it."""
    head = [("row", "what must hold", *KINDS), ("---",) * (2 + len(KINDS))]
    rows = [(str(row["number"]), _behaviour(row), *(row[kind] for kind in KINDS)) for row in ROWS]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (*head, *rows))


def _behaviour(row: dict[str, Any]) -> str:
    words = f" ({row['words'].rstrip('.')})" if "words" in row else ""
    return f"{row['behaviour']}{words}"


def test_every_row_is_there_and_says_how_each_kind_shows_it() -> None:
    """25 rows, three kinds, four ways."""
    assert [row["number"] for row in ROWS] == list(range(1, 26))
    assert [row["number"] for row in ROWS for kind in KINDS if row[kind] not in SHOWN] == []


def test_a_way_other_than_a_test_says_why() -> None:
    """Text or doctor alone is no proof: the reason stands beside it."""
    bare = [row["number"] for row in ROWS if {row[kind] for kind in KINDS} & {"text", "doctor"}]
    assert [row["number"] for row in ROWS if row["number"] in bare and not row.get("words")] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"safety_{row['number']:02d}")
def test_a_row_that_software_can_show_has_a_test_of_its_name(row: dict[str, Any]) -> None:
    """Rule and test are found under the same name."""
    wants = "test" in {row[kind] for kind in KINDS}
    assert (row["number"] in rows_of_tests()) is wants


def test_the_readme_shows_the_table() -> None:
    """Derived, not written twice."""
    assert shown() in (ROOT / "README.md").read_text(encoding="utf-8"), f"\n{shown()}"
