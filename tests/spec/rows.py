"""The checklist as data, and which test stands for which row: by the test's name."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One rule for the charge point. *answer* is ours where there is a choice."""

    id: str
    profile: str
    rule: str
    source: str
    answer: str | None = None
    left_out: str | None = None

    @property
    def slug(self) -> str:
        """How the names of its tests begin."""
        return f"test_{self.id.lower().replace('-', '_')}_"


def rows() -> tuple[Row, ...]:
    """Every row of the checklist, in its order."""
    table = tomllib.loads((HERE / "checklist.toml").read_text(encoding="utf-8"))
    return tuple(
        Row(
            id=row["id"],
            profile=row["in"],
            rule=row["rule"],
            source=row["source"],
            answer=row.get("answer"),
            left_out=row.get("left_out"),
        )
        for row in table["rows"]
    )


def row_of(test: str, among: tuple[Row, ...]) -> Row | None:
    """The row that the test called *test* stands for: the longest id that begins its name."""
    fitting = [row for row in among if test.startswith(row.slug)]
    return max(fitting, key=lambda row: len(row.slug), default=None)


def suite() -> Iterator[tuple[str, str]]:
    """File and name of every test of the suite."""
    for path in sorted(HERE.glob("test_*.py")):
        if path.name == "test_the_suite.py":
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield path.name, node.name
