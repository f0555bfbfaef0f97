"""Budgets, rights and policies as stations meet them; facts of the past are always stored."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from csms_lite.access import sql
from csms_lite.store.thread import raw_of
from tests.csms_lite.central import Central, Station
from tests.csms_lite.inline import empty_database


def at(minutes: int = 0) -> str:
    """A time of this month."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(timespec="milliseconds")


async def put(central: Central, path: str, body: dict[str, Any]) -> Any:
    response = await central.http.put(f"/api/{path}", json=body)
    assert response.status_code == 200, response.text
    return response.json()


async def status(station: Station, tag: str) -> str:
    answer = await station.call("Authorize", {"idTag": tag})
    return str(answer["idTagInfo"]["status"])


async def test_a_budget_is_used_up_by_sessions(central: Central) -> None:
    """Judged from what was charged; whatever the case of the tag, wherever it was."""
    await put(central, "cards/card1", {"budgets": {"month": {"energy_wh": 2000}}})
    async with central.station() as one, central.station("CP-2") as other:
        await one.boot()
        await other.boot()
        begun = await one.start(tag="Card1", meter=5000, at=at())
        assert begun["idTagInfo"]["status"] == "Accepted"
        await one.meter(begun["transactionId"], energy=6999, power=1, at=at(1))
        assert await status(other, "CARD1") == "Accepted"
        await one.meter(begun["transactionId"], energy=7000, power=1, at=at(2))
        assert await status(other, "CARD1") == "Blocked"
        assert await status(one, "CARD1") == "Accepted"  # it may be shown to stop
        ended = await one.stop(begun["transactionId"], meter=7000, at=at(3), tag="CARD1")
        assert ended == {"idTagInfo": {"status": "Accepted"}}
        assert await status(one, "CARD1") == "Blocked"
        late = await one.start(tag="CARD1", at=at(4))
    assert late["idTagInfo"]["status"] == "Blocked"
    assert late["transactionId"] > 0
    session = await central.get(f"/api/sessions/{late['transactionId']}")
    [event] = session["events"]
    assert event["kind"] == "start_not_accepted"
    assert event["details"] == {
        "status": "Blocked",
        "why": "the card …d1 has used up its 2 kWh of this month",
    }


async def test_a_groups_budget_is_shared(central: Central) -> None:
    """What one member takes, the others have no more."""
    await put(central, "card-groups/Family", {"budgets": {"month": {"sessions": 1}}})
    for tag in ("MUM", "DAD"):
        await put(central, f"cards/{tag}", {"parent": "FAMILY"})
    await put(central, "cards/AUNT", {"parent": "OTHERS"})
    async with central.station() as station:
        await station.boot()
        await station.start(tag="MUM", at=at())
        async with central.station("CP-2") as other:
            await other.boot()
            assert [await status(other, tag) for tag in ("DAD", "AUNT")] == ["Blocked", "Accepted"]
        assert await status(station, "DAD") == "Accepted"  # he may stop what his wife began
        begun = await station.start(tag="DAD", at=at(1), connector=2)
        assert begun["idTagInfo"]["status"] == "Blocked"


async def test_a_session_of_last_month_is_not_counted(central: Central) -> None:
    """A budget begins anew; a session counts in the period in which it began."""
    await put(central, "cards/A", {"budgets": {"month": {"sessions": 1}}})
    async with central.station() as station:
        await station.boot()
        begun = await station.start(tag="A", at="2024-05-01T10:00:00.000Z")
        await station.stop(begun["transactionId"], meter=9000, at="2024-05-01T11:00:00.000Z")
        assert await status(station, "A") == "Accepted"


async def test_a_card_charges_where_it_may(central: Central) -> None:
    """Rights are per charger, and taken away again by naming none."""
    for charger in ("CP-1", "CP-2"):
        await put(central, f"chargers/{charger}", {})
    async with central.station() as one, central.station("CP-2") as other:
        for station in (one, other):
            await station.boot()
        await put(central, "cards/A", {"chargers": ["CP-2"]})
        assert [await status(one, "A"), await status(other, "A")] == ["Blocked", "Accepted"]
        await put(central, "cards/A", {"chargers": []})
        assert [await status(one, "A"), await status(other, "A")] == ["Blocked", "Blocked"]
        await put(central, "cards/A", {})
        assert [await status(one, "A"), await status(other, "A")] == ["Accepted", "Accepted"]


async def test_a_station_may_be_open_or_free(central: Central) -> None:
    """Only known cards, unknown ones too, or everybody; the setting holds for the others."""
    await put(central, "cards/BAD", {"status": "Blocked"})
    async with central.station() as station:
        await station.boot()
        seen = {}
        for policy in ("open", "free", "closed", None):
            answer = await put(central, "chargers/CP-1/access", {"policy": policy})
            assert answer == {"policy": policy, "in_force": policy or "closed"}
            assert await central.get("/api/chargers/CP-1/access") == answer
            seen[policy] = [await status(station, tag) for tag in ("STRANGER", "BAD")]
    assert seen == {
        "open": ["Accepted", "Blocked"],
        "free": ["Accepted", "Accepted"],
        "closed": ["Invalid", "Blocked"],
        None: ["Invalid", "Blocked"],
    }
    assert (await central.http.get("/api/chargers/NONE/access")).status_code == 404


@pytest.mark.parametrize("query", [sql.spent_by_card, sql.spent_by_group, sql.runs_here])
def test_judging_reads_by_an_index(query: Any) -> None:
    """A car park's years of sessions must not slow each tap."""
    with empty_database() as db:
        values = [0] * len(query.text.split("?"))
        plan = raw_of(db).execute(f"EXPLAIN QUERY PLAN {query.text}", values[1:]).fetchall()
    assert not [row for row in plan if str(row[3]).startswith("SCAN")]
    assert any("ix_sessions" in str(row[3]) for row in plan)


async def test_the_card_of_a_closed_account_is_blocked(central: Central) -> None:
    """B30: whoever is disabled or deleted charges no more, and his card says why."""
    person = {
        "email": "ann@example.org",
        "name": "Ann",
        "surname": "X",
        "password": "Zx9-unguessed!",
    }
    made = await central.http.post("/api/users", json={**person, "role": "USER"})
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    await put(central, "cards/CARD1", {"user_id": number})
    async with central.station() as station:
        await station.boot()
        assert await status(station, "CARD1") == "Accepted"
        for is_disabled, told in ((True, "Blocked"), (False, "Accepted")):
            changed = await central.http.patch(
                f"/api/users/{number}", json={"is_disabled": is_disabled}
            )
            assert changed.status_code == 200, changed.text
            assert await status(station, "CARD1") == told
        assert (await central.http.delete(f"/api/users/{number}")).status_code in {200, 204}
        assert await status(station, "CARD1") == "Blocked"
        begun = await station.start(tag="CARD1", at=at())
    assert begun["idTagInfo"]["status"] == "Blocked"
    session = await central.get(f"/api/sessions/{begun['transactionId']}")
    assert session["events"][0]["details"]["why"] == "the account of the card …D1 is closed"


async def test_lies_of_one_charger_spend_nobodys_budget_for_ever(
    central: Central, tmp_path: Path
) -> None:
    """Sessions of the year 9999 and of more energy than 64 bits add up to no failure elsewhere."""
    await put(central, "cards/A", {"budgets": {"month": {"energy_wh": 2000}}})
    most = 10**18 - 1
    async with central.station() as liar, central.station("CP-2") as other:
        await liar.boot()
        await other.boot()
        for minute in range(12):
            begun = await liar.start(tag="A", meter=-most, at=f"9999-12-01T00:{minute:02}:00Z")
            await liar.stop(begun["transactionId"], meter=most, at="9999-12-01T01:00:00Z")
        assert await status(other, "A") == "Blocked"
        assert (await other.start(tag="A", at=at()))["idTagInfo"]["status"] == "Blocked"
        with sqlite3.connect(tmp_path / "csms.db") as db:  # the next month
            db.execute("UPDATE sessions SET received_at_ms = received_at_ms - 40 * 86400000")
            db.execute("UPDATE sessions SET started_at_ms = 1 WHERE started_at_ms < 2e14")
        assert await status(other, "A") == "Accepted"
