"""The suite itself: its rows are counted, and every test stands for one of them."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from tests.spec.card import LEFT_OUT, PASSED, ROOT, SHIPPED, fill
from tests.spec.rows import EDGE, row_of

LEFT_OUT_MOST = 5
ROWS_LEAST = 150


def test_every_row_has_an_id_of_its_own() -> None:
    """Ruling 30: give each row an id."""
    twice = [name for name, count in Counter(row.id for row in EDGE.rows()).items() if count > 1]
    assert not twice
    assert len(EDGE.rows()) >= ROWS_LEAST


def test_few_rows_are_left_out_and_each_says_why() -> None:
    """Ruling 30: at most five, each with a reason."""
    left_out = [row for row in EDGE.rows() if row.left_out is not None]
    assert len(left_out) <= LEFT_OUT_MOST
    assert all(len(row.left_out or "") > 20 for row in left_out)


def test_every_test_stands_for_one_row() -> None:
    """Rows are tested by name; no row has two tests, none that is left out has one."""
    known = EDGE.rows()
    stands_for = [(name, row_of(name, known)) for _, name in EDGE.tests()]
    assert [name for name, row in stands_for if row is None] == []
    counted = Counter(row.id for _, row in stands_for if row is not None)
    assert [name for name, count in counted.items() if count > 1] == []
    assert not counted.keys() & {row.id for row in known if row.left_out is not None}


def shipped() -> Any:
    """The card as it was last written."""
    return json.loads(SHIPPED.read_text(encoding="utf-8"))


def test_the_shipped_card_is_of_this_checklist() -> None:
    """A new rule or test needs a new `scripts/conformance edge --json hmi/conformance.json`."""
    expected = [_without_result(entry) for entry in fill({})["entries"]]
    assert [_without_result(entry) for entry in shipped()["entries"]] == expected


def _without_result(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "result"}


def test_the_shipped_card_has_no_failure() -> None:
    """What is shipped has passed, row by row."""
    assert {entry["result"] for entry in shipped()["entries"]} == {PASSED, LEFT_OUT}


def test_the_readme_counts_what_the_card_counts() -> None:
    """By profile."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    counted = re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \|", readme, re.MULTILINE)
    assert {name: (int(passed), int(due)) for name, passed, due in counted} == {
        name: (count["passed"], count["due"]) for name, count in shipped()["profiles"].items()
    }
