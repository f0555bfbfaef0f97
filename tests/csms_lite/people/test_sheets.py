"""Cards as CSV: out and in again the same, all or nothing, no formula, every bad row named."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csms_lite.csvtext import csv_line
from csms_lite.errors import Unacceptable
from csms_lite.people.rules import PERIODS, Budget, Card
from csms_lite.people.service import put_cards
from csms_lite.people.sheets import COLUMNS, MOST_ROWS, read_sheet, sheet_row
from tests.csms_lite.central import Central
from tests.csms_lite.inline import empty_database

HEADER = csv_line(COLUMNS)


async def send(central: Central, text: str) -> Any:
    return await central.http.post("/api/cards.csv", content=text.encode())


async def test_what_is_exported_is_imported_without_a_change(central: Central) -> None:
    """Idempotent: sent again it changes nothing, history included."""
    await central.http.put("/api/chargers/CP-1")
    body = {"label": "=1+1", "chargers": ["CP-1"], "budgets": {"week": {"sessions": 3}}}
    await central.http.put("/api/cards/A1", json=body)
    await central.http.put("/api/cards/B2", json={"chargers": [], "label": 'a "b", c'})
    text = (await central.http.get("/api/cards.csv")).text
    assert text.startswith("\ufefftag,")
    assert "'=1+1" in text
    answer = await send(central, text)
    assert answer.json() == {"rows": 2, "changed": 0}
    assert len(await central.get("/api/cards/A1/history")) == 1
    changed = await send(central, text.replace("'=1+1", "Ann"))
    assert changed.json() == {"rows": 2, "changed": 1}
    assert (await central.get("/api/cards/A1"))["label"] == "Ann"
    assert (await central.http.get("/api/cards.csv")).text == text.replace("'=1+1", "Ann")


async def test_a_sheet_is_taken_whole_or_not_at_all(central: Central) -> None:
    """Every bad row is named, those that only the database knows, too."""
    rows = "tag,kind,chargers\r\nGOOD,rfid,\r\nBAD1,rfid,NONE\r\nBAD2,rfid,CP-1 NONE2\r\n"
    answer = await send(central, rows)
    assert answer.status_code == 422
    assert "row 3" in answer.json()["detail"]
    assert "row 4" in answer.json()["detail"]
    assert await central.get("/api/cards") == []
    assert await central.get("/api/cards/GOOD/history") == []


async def test_a_column_that_is_missing_changes_nothing(central: Central) -> None:
    """A list of names must not lift the limits of the cards that it names."""
    ann = await central.account()
    body = {"chargers": [], "budgets": {"day": {"sessions": 1}}, "user_id": ann}
    await central.http.put("/api/cards/A1", json=body)
    answer = await send(central, "tag,label\r\na1,Ann\r\nB2,Bob\r\n")
    assert answer.json() == {"rows": 2, "changed": 2}
    card = await central.get("/api/cards/A1")
    assert (card["label"], card["chargers"], card["user_id"]) == ("Ann", [], ann)
    assert card["budgets"]["day"]["sessions"] == 1
    await send(central, "tag,chargers\r\nA1,\r\n")  # an empty cell says: no limit
    assert (await central.get("/api/cards/A1"))["chargers"] is None


async def test_all_bad_rows_are_named_at_once(central: Central) -> None:
    """Those that cannot be read, and those that only the database knows to be bad."""
    answer = await send(central, "tag,kind,chargers\r\nA,x,\r\nB,,NONE\r\nC,guest,\r\n")
    assert [f"row {number}" in answer.json()["detail"] for number in (2, 3, 4)] == [True] * 3


async def test_a_virtual_card_is_neither_given_out_nor_taken_in(central: Central) -> None:
    """Its tag is a secret of its account."""
    answer = await send(central, "tag,kind\r\nA,virtual\r\n")
    assert answer.status_code == 422
    assert "rfid or guest" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["first line"]),
        ("name\r\nA\r\n", ["first line"]),
        ("tag,tag\r\nA,A\r\n", ["first line"]),
        ("tag\r\nA,B\r\n", ["row 2", "more cells"]),
        ('tag\r\n"A\r\n', ["no CSV"]),
        ("tag\r\nA\r\na\r\n", ["row 3", "same tag as in row 2"]),
        ("tag,status\r\nA,Lost\r\nB,\r\nC,Gone\r\n", ["row 2", "row 4"]),
        ("tag,expiry_utc\r\nA,tomorrow\r\n", ["row 2", "expiry_utc"]),
        ("tag,user_id\r\nA,-1\r\nB,0\r\nC,2147483648\r\n", ["row 2", "row 3", "row 4"]),
        ("tag,day_wh\r\nA,1.5\r\n", ["row 2", "day_wh"]),
        ("tag\r\nÄ\r\n\r\n", ["row 2", "ASCII"]),
        (f"tag,label\r\nA,{'x' * 51}\r\n", ["row 2", "label"]),
        ("tag,kind\r\nA,guest\r\n", ["row 2", "expiry"]),
        ("tag,chargers\r\nA," + "C " * 1001 + "\r\n", ["row 2", "1000"]),
        ("tag\r\n" + "".join(f"T{n}\r\n" for n in range(MOST_ROWS + 1)), ["at most 1000"]),
        ("tag\r\n" + "é\r\n" * 60, ["row 51", "10 more"]),
    ],
)
def test_each_bad_row_is_named(text: str, words: list[str]) -> None:
    """The number of the row and what is wrong with it."""
    with empty_database() as db, pytest.raises(Unacceptable) as refused:
        put_cards(db, read_sheet(text), 1, who="x")
    assert all(word in str(refused.value) for word in words)


TAGS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=50),
    st.text("'=+@- a", min_size=1, max_size=9),
)
TEXTS = TEXTS.map(str.strip).filter(bool)
TIMES = st.integers(-62_135_596_800_000, 253_402_300_799_999)
BUDGETS = st.sets(st.sampled_from(PERIODS)).map(
    lambda periods: tuple(Budget(period, 5, None) for period in PERIODS if period in periods)
)


CHARGERS = st.sets(st.from_regex(r"[A-Za-z0-9_-]{1,48}", fullmatch=True), max_size=3).map(
    lambda names: tuple(sorted(names))
)
CARDS = st.builds(
    Card,
    tag=TAGS,
    status=st.just("Accepted"),
    parent=st.none() | TAGS,
    expires_at_ms=st.none() | TIMES,
    kind=st.just("rfid"),
    label=st.none() | TEXTS,
    user_id=st.none() | st.integers(1, 2**31 - 1),
    reason=st.none(),
    valid_from_ms=st.none(),
    chargers=st.none() | CHARGERS,
    budgets=BUDGETS,
)


@given(card=CARDS)
def test_any_card_comes_back_from_its_row(card: Card) -> None:
    """No cell is run by a spreadsheet, and none is changed by the way there and back."""
    text = HEADER + csv_line(sheet_row(card))
    [row] = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert not [cell for cell in row if cell[:1] in set("=+-@\t\r") and not _is_number(cell)]
    sheet = read_sheet(text)
    assert (sheet.rows, sheet.wrong) == ({2: card}, {})


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True
