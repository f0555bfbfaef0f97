"""The suite itself: its rows are counted, and every test stands for one of them."""

from __future__ import annotations

from collections import Counter

from tests.spec.rows import row_of, rows, suite

LEFT_OUT_MOST = 5
ROWS_LEAST = 150


def test_every_row_has_an_id_of_its_own() -> None:
    """Ruling 30: give each row an id."""
    twice = [name for name, count in Counter(row.id for row in rows()).items() if count > 1]
    assert not twice
    assert len(rows()) >= ROWS_LEAST


def test_few_rows_are_left_out_and_each_says_why() -> None:
    """Ruling 30: at most five, each with a reason."""
    left_out = [row for row in rows() if row.left_out is not None]
    assert len(left_out) <= LEFT_OUT_MOST
    assert all(len(row.left_out or "") > 20 for row in left_out)


def test_every_test_stands_for_one_row() -> None:
    """Rows are tested by name; no row has two tests, none that is left out has one."""
    known = rows()
    stands_for = [(name, row_of(name, known)) for _, name in suite()]
    assert [name for name, row in stands_for if row is None] == []
    counted = Counter(row.id for _, row in stands_for if row is not None)
    assert [name for name, count in counted.items() if count > 1] == []
    assert not counted.keys() & {row.id for row in known if row.left_out is not None}
