"""Many chargers at once: all or none, every bad row named, twice is once (B92, B100)."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.csms_lite.central import Central

HEADER = "id,name,site,profile,key\n"
GOOD = HEADER + 'A-1,First,Court,1,\nA-2,"Second, left",Court,0,\n'


async def send(
    central: Central, text: str, kind: str = "text/csv", more: str = ""
) -> httpx.Response:
    return await central.http.post(
        f"/api/chargers/import{more}", content=text.encode(), headers={"content-type": kind}
    )


async def ids(central: Central) -> list[str]:
    return [one["id"] for one in await central.get("/api/chargers")]


async def test_the_same_table_twice_changes_nothing(central: Central) -> None:
    """Whoever is not sure that it went through sends it again."""
    await central.http.post("/api/sites", json={"name": "Court"})
    first = (await send(central, GOOD)).json()
    assert first == {"added": ["A-1", "A-2"], "changed": [], "unchanged": [], "keys": {}}
    before = await central.get("/api/chargers")
    assert [one["name"] for one in before] == ["First", "Second, left"]
    assert before[0]["site"]["name"] == "Court"
    again = (await send(central, "\ufeff" + GOOD.replace(",\n", ",\r\n"))).json()
    assert again["unchanged"] == ["A-1", "A-2"]
    assert await central.get("/api/chargers") == before
    changed = (await send(central, "id;name\nA-2;Other\n")).json()
    assert changed["changed"] == ["A-2"]


async def test_one_bad_row_stops_all_and_all_bad_rows_are_named(central: Central) -> None:
    """What was read, and what only the store knows."""
    rows = ["B-1,ok,,,", "bad id,x,,,", "B-3,x,,9,", "B-1,twice,,,", "B-5,x,,,short", "B-6,,,,"]
    answer = await send(central, HEADER + "\n".join(rows))
    assert answer.status_code == 422
    for row in ("row 2 (bad id)", "row 3 (B-3)", "row 4 (B-1): the same id as row 1", "row 5"):
        assert row in answer.json()["detail"]
    assert "row 6" not in answer.json()["detail"]
    answer = await send(central, HEADER + "B-1,ok,,,\nB-2,x,Nowhere,,\nB-3,x,Nowhere,,")
    assert answer.status_code == 422
    assert "row 2 (B-2): there is no site 'Nowhere'" in answer.json()["detail"]
    assert "row 3 (B-3)" in answer.json()["detail"]
    assert await ids(central) == []


async def test_keys_come_with_the_rows_or_are_made_and_shown_once(central: Central) -> None:
    """Those that have one, or need none, get none."""
    rows: list[dict[str, Any]] = [
        {"id": "K-1", "key": "00" * 20},
        {"id": "K-2", "profile": 2},
        {"id": "K-3", "profile": 0},
    ]
    done = (await send(central, json.dumps(rows), "application/json", "?keys=true")).json()
    assert list(done["keys"]) == ["K-2"]
    assert len(bytes.fromhex(done["keys"]["K-2"])) == 20
    again = (await send(central, json.dumps(rows), "application/json", "?keys=true")).json()
    assert (again["keys"], again["unchanged"]) == ({}, ["K-1", "K-2", "K-3"])


async def test_what_is_no_table_is_refused_in_words(central: Central) -> None:
    """Hostile bodies included: nested without end, no UTF-8, too many rows."""
    for text, kind in (
        ("[" * 20_000, "application/json"),
        ('{"id": "A"}', "application/json"),
        ("[1]", "application/json"),
        ('[{"id": ["A"]}]', "application/json"),
        ("id,name\nA,b,c\n", "text/csv"),
        ('id\n"A', "text/csv"),
        ("id,colour\nA,red\n", "text/csv"),
        ("id\n" + "A\n" * 1001, "text/csv"),
        ("id,name\nA," + "n" * 101, "text/csv"),
    ):
        answer = await send(central, text, kind)
        assert answer.status_code == 422, text[:20]
    raw = await central.http.post(
        "/api/chargers/import", content=b"id\n\xff", headers={"content-type": "text/csv"}
    )
    assert raw.status_code == 422
    assert "UTF-8" in raw.json()["detail"]
    assert await ids(central) == []
