"""The requirements that csms_lite carries: where each is, what tests it, what is left out.

`python -m tests.csms_lite.requirements` prints it and writes it to `csms_lite/REQUIREMENTS.md`.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
SOURCE: Final = HERE / "requirements.toml"
PAGE: Final = ROOT / "csms_lite" / "REQUIREMENTS.md"
HEAD: Final = """\
# What csms_lite is asked for

Each requirement whose part is the central system's: where it is, and what fails when it is broken.
The last column says what of it is left out or done otherwise.
Those about money, reports, firmware campaigns, reservations by drivers, maps and notifications,
several nodes, what is learned from data, and the settings page come later and are not in it.
Made by `scripts/requirements` from `tests/csms_lite/requirements.toml`; mend it there.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One requirement. *where* are paths from the top, *tests* are `path::function`."""

    number: str
    what: str
    where: tuple[str, ...]
    tests: tuple[str, ...]
    note: str | None = None
    """What of it is left out, or done otherwise."""
    missing: str | None = None
    """Why it is not there; such a row has no tests."""


def rows() -> tuple[Row, ...]:
    """Read the table, in its order."""
    found = tomllib.loads(SOURCE.read_text(encoding="utf-8"))["row"]
    return tuple(
        Row(**{**told, "where": tuple(told["where"]), "tests": tuple(told["tests"])})
        for told in found
    )


def named_in(path: Path) -> frozenset[str]:
    """Name the test functions of a file."""
    return frozenset(
        node.name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    )


def page(of: Iterable[Row]) -> str:
    """Write the table as Markdown, with links from where the page is."""
    known = tuple(of)
    missing = sum(row.missing is not None for row in known)
    partly = sum(row.note is not None for row in known)
    counted = (
        f"{len(known)} requirements: {len(known) - missing} with tests, {partly} of them with a "
        f"note, {missing} missing.\n"
    )
    table = ["| | what | where | tests | left out, or otherwise |", "|---|---|---|---|---|"]
    table += [_line(row) for row in known]
    return "\n".join((HEAD, counted, *table)) + "\n"


def _line(row: Row) -> str:
    said = f"**Missing:** {row.missing}" if row.missing is not None else row.note or ""
    where = " ".join(f"[{path.partition('/')[2]}]({_link(path)})" for path in row.where)
    tests = " ".join(
        f"[{name}]({_link(path)})" for path, _, name in (one.partition("::") for one in row.tests)
    )
    return f"| {row.number} | {row.what} | {where} | {tests} | {said} |"


def _link(path: str) -> str:
    top, _, rest = path.partition("/")
    return rest if top == PAGE.parent.name else f"../{path}"


def main() -> None:
    """Print the table and write it."""
    made = page(rows())
    sys.stdout.write(made)
    PAGE.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
