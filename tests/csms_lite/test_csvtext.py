"""CSV that a spreadsheet reads as what it is, and never runs."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence

import pytest

from csms_lite.csvtext import Cell, csv_answer, csv_line, csv_text


async def pages(*given: list[Sequence[Cell]]) -> AsyncIterator[list[Sequence[Cell]]]:
    for page in given:
        yield page


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+49 170",
        "-1+2",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "  =1",
        "\ufeff=1",
        "\u200b=1",
        "\x07=1",
        "＝1",
        "|calc",
        "%0A",
        '=cmd|"/c calc"!A1',
    ],
)
def test_text_that_would_be_a_formula_is_made_text(text: str) -> None:
    """A driver names his card, an operator opens the file: nothing runs (OWASP)."""
    [[cell]] = csv.reader(io.StringIO(csv_line([text]), newline=""))
    assert cell == "'" + text


@pytest.mark.parametrize("text", ["-12.5", "+3", "1e5", "plain", "a=b", "CARD-1", "", "ä"])
def test_plain_text_and_numbers_stay(text: str) -> None:
    """A station's value "-12.5" is a number; a sign inside a word is no formula."""
    assert csv_line([text]) == text + "\r\n"


def test_numbers_and_nothing_are_written_bare() -> None:
    """A number below nothing is no formula."""
    assert csv_line([-5, 1.5, None, 0, 16.0]) == "-5,1.5,,0,16\r\n"


def test_any_text_comes_back_as_it_was() -> None:
    """RFC 4180: quotes are doubled, separators and line ends stand inside quotes."""
    given = ['say "hi"', "a,b", "two\r\nlines", "semi;colon", "tab\there", "né 漢"]
    [read] = csv.reader(io.StringIO(csv_line(given), newline=""))
    assert read == given


def test_a_nul_does_not_end_the_file() -> None:
    """SQLite keeps it, readers stop at it."""
    assert csv_line(["a\0b", "c"]) == "ab,c\r\n"


async def test_the_mark_and_the_header_stand_once() -> None:
    """Pages follow each other without a seam, an empty one leaves no trace."""
    text = "".join([part async for part in csv_text(["at_utc"], pages([["x"]], [], [["y"]]))])
    assert text == "\ufeffat_utc\r\nx\r\ny\r\n"


async def test_a_file_is_offered_for_download() -> None:
    """The browser saves it, under our name."""
    answer = csv_answer("sessions", ["a"], pages())
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"] == 'attachment; filename="sessions.csv"'
