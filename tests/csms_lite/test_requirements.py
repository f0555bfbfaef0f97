"""The table of requirements: whole, true to the tree, and shown as it is."""

from __future__ import annotations

from collections import Counter
from typing import Final

from tests.csms_lite.requirements import PAGE, ROOT, named_in, page, rows

SEEDS: Final = {"A": 38, "B": 100, "C": 22, "D": 53, "E": 33}
"""How many requirements each of the five seed documents has."""
OTHER_PARTS: Final = (
    "A9 A30 B14 B58 B60 B61 B72 B84 B85 B90 B94-B97 C9 C22 D2 D3 D38-D41 D43 D45 D47 D50 D51 D53 "
    "E2 E4 E7 E9-E11 E13 E15 E16 E22-E24 E29 E30 E32"
)
"""Those that the central system has no part in."""
LATER: Final = {
    "money": "A20-A22 A28 A38 B5 B17 B21 B36 B42-B44 B49 B59 B77-B79 D52",
    "reports": "A13 B10 B62 B81 B82 D22 D42",
    "firmware campaigns": "B6 B66-B68",
    "reservations": "B86 D26 D27",
    "maps and notifications": "A23 A27 A29 B9",
    "several nodes": "B12 B13 B18 B19 C19",
    "views of what is learned": "E3 E5 E8 E12 E19 E26",
    "the settings page": "E14 E31",
}
"""Those that come with what they are about."""
MISSING: Final = {"D25"}
"""Carried, but not there yet: a row says why."""
ROWS: Final = rows()


def spelt_out(ranges: str) -> list[str]:
    """Name each number of a list such as `A1-A3 B7`."""
    found: list[str] = []
    for one in ranges.split():
        first, _, last = one.partition("-")
        end = int((last or first)[1:])
        found += [f"{first[0]}{number}" for number in range(int(first[1:]), end + 1)]
    return found


def carried() -> list[str]:
    """Every number less those of others and those of later, in order."""
    every = spelt_out(" ".join(f"{seed}1-{seed}{count}" for seed, count in SEEDS.items()))
    without = spelt_out(" ".join((OTHER_PARTS, *LATER.values())))
    assert Counter(without).most_common(1)[0][1] == 1  # no number for two reasons
    assert set(without) <= set(every)
    return [number for number in every if number not in without]


def test_every_requirement_that_is_carried_has_its_row() -> None:
    """None forgotten, none twice, in the order of the seeds."""
    assert [row.number for row in ROWS] == carried()


def test_a_row_has_tests_or_says_why_not() -> None:
    """What is missing is on a list that somebody must lengthen; all else has a test."""
    assert {row.number for row in ROWS if row.missing is not None} == MISSING
    assert {row.number for row in ROWS if not row.tests} == MISSING
    assert [row.number for row in ROWS if not row.what or not row.where] == []


def test_what_a_row_names_exists() -> None:
    """A file that is moved or a test that is renamed fails here."""
    paths = {(row.number, path) for row in ROWS for path in row.where}
    assert [one for one in sorted(paths) if not (ROOT / one[1]).is_file()] == []
    named = [(row.number, *test.partition("::")[::2]) for row in ROWS for test in row.tests]
    known = {path: named_in(ROOT / path) for path in {path for _, path, _ in named}}
    assert [one for one in named if one[2] not in known[one[1]]] == []
    assert len(set(named)) == len(named)


def test_the_page_is_what_the_table_makes() -> None:
    """Derived, not written twice: run `scripts/requirements`."""
    assert PAGE.read_text(encoding="utf-8") == page(ROWS)
