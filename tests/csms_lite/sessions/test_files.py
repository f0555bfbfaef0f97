"""Sessions and samples as files for people with spreadsheets."""

from __future__ import annotations

import csv
import io

import pytest

from tests.csms_lite.central import Central

T0, T2 = "2024-05-01T10:00:00.000Z", "2024-05-01T11:00:00.000Z"


async def test_a_file_holds_what_the_search_finds_and_no_formula(central: Central) -> None:
    """RFC 4180, UTC in the names of columns, a card's name cannot be a formula."""
    async with central.station() as station:
        await station.boot()
        number = (await station.start(at=T0, tag="=1+1"))["transactionId"]
        await station.stop(number, meter=3000, at=T2)
        await station.start(at=T2, tag="OTHER")
    answer = await central.http.get("/api/sessions/export.csv?state=closed")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="sessions.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    [row] = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert (row["id_tag"], row["energy_wh"], row["started_at_utc"]) == ("'=1+1", "2000", T0)
    assert (row["stopped_at_utc"], row["state"], row["cost_minor"]) == (T2, "closed", "")


async def test_a_file_is_whole_beyond_one_page(
    central: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages follow each other without a gap and without a row twice."""
    monkeypatch.setattr("csms_lite.sessions.api.PAGE_OF_FILE", 2)
    numbers = []
    async with central.station() as station:
        await station.boot()
        for second in range(5):
            begun = await station.start(at=f"2024-05-01T10:00:0{second}Z")
            numbers.append(str(begun["transactionId"]))
        for minute in range(5):
            at = f"2024-05-01T10:0{minute}:00Z"
            await station.meter(int(numbers[-1]), energy=1000 + minute, power=1, at=at)
    text = (await central.http.get("/api/sessions/export.csv")).content.decode("utf-8-sig")
    assert [row["transaction_id"] for row in csv.DictReader(io.StringIO(text))] == numbers[::-1]
    text = (await central.http.get(f"/api/sessions/{numbers[-1]}/samples.csv")).text
    energies = [row["value"] for row in csv.DictReader(io.StringIO(text[1:])) if row["unit"] != "W"]
    assert energies == ["1000", "1001", "1002", "1003", "1004"]
