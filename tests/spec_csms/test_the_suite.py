"""The suite itself: all 77 cases are rows, and every test stands for one row."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from tests.spec.rows import CSMS, row_of

LEFT_OUT_MOST = 5
OCA: Final = frozenset(
    re.findall(
        r"\S+",
        """
001 003 004_1 004_2 005_1 007 061 010 011_1 011_2 012 013 014 017_1 017_2 018_1 030 031 019_1 019_2
021 040_1 040_2 023_1 023_2 023_3 024 026 028 032_1 037_1 037_3 039 042_1 042_2 043_1 043_3 043_4
043_5 044_1 044_2 044_3 045_1 045_2 046 047 048_1 048_2 048_3 048_4 049 051 052 053 054 055 056 057
059 066 067 064 073 074 075_1 075_2 076 077 078 079 080 081 083 085 086 087 088
""",
    )
)
"""The numbers of the OCA's cases for central systems."""


def test_all_77_cases_are_rows() -> None:
    """Each under its number; the rest are our own."""
    known = {row.id for row in CSMS.rows()}
    assert len(OCA) == 77
    assert {name for name in known if name.startswith("TC_")} == {f"TC_{one}" for one in OCA}


def test_every_row_has_an_id_of_its_own() -> None:
    """Ruling 30."""
    twice = [name for name, count in Counter(row.id for row in CSMS.rows()).items() if count > 1]
    assert not twice


def test_few_rows_are_left_out_and_each_says_why() -> None:
    """Ruling 30: at most five, each with a reason."""
    left_out = [row for row in CSMS.rows() if row.left_out is not None]
    assert len(left_out) <= LEFT_OUT_MOST
    assert all(len(row.left_out or "") > 20 for row in left_out)


def test_every_test_stands_for_one_row() -> None:
    """Rows are tested by name; no row has two tests, none that is left out has one."""
    known = CSMS.rows()
    stands_for = [(name, row_of(name, known)) for _, name in CSMS.tests()]
    assert [name for name, row in stands_for if row is None] == []
    counted = Counter(row.id for _, row in stands_for if row is not None)
    assert [name for name, count in counted.items() if count > 1] == []
    assert not counted.keys() & {row.id for row in known if row.left_out is not None}
