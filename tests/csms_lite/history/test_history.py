"""Every status, every boot, and heartbeats in tens of minutes, found again by their marks."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from csms_lite.clock import SystemClock
from csms_lite.history import service
from csms_lite.history.rules import BEATS_PER_ROW_MS
from csms_lite.stations.service import connected
from csms_lite.store.thread import open_database
from csms_lite.store.writer import open_store
from tests.csms_lite.central import BOOT, Central

T0 = "2024-05-01T10:00:00.000Z"


async def test_every_status_is_kept_with_the_makers_words(central: Central) -> None:
    """A12: repeats and errors too; when it was told and when it came stay apart."""
    told: dict[str, Any] = {
        "errorCode": "OtherError",
        "info": "door open",
        "vendorId": "acme",
        "vendorErrorCode": "E17",
        "timestamp": T0,
    }
    async with central.station() as station:
        await station.boot()
        await station.status(1, "Available")
        await station.status(1, "Available")
        await station.status(1, "Faulted", **told)
    rows = await central.get("/api/history/statuses")
    assert [row["status"] for row in rows] == ["Faulted", "Available", "Available"]
    newest = rows[0]
    assert newest.pop("row") > rows[1]["row"]
    assert newest.pop("at") > T0
    assert newest == {
        "charger": "CP-1",
        "connector": 1,
        "status": "Faulted",
        "error_code": "OtherError",
        "info": "door open",
        "vendor_id": "acme",
        "vendor_error_code": "E17",
        "told_at": T0,
    }
    assert rows[1]["told_at"] is None


async def test_every_boot_is_kept_with_its_answer(tmp_path: Path, central: Central) -> None:
    """B26: whatever the answer was, the modem's card and the firmware of then."""
    async with central.station() as station:
        await station.call("BootNotification", {**BOOT, "firmwareVersion": "1", "iccid": "8949"})
        await central.http.put("/api/chargers/CP-1", json={"registration": "Pending"})
        await station.call("BootNotification", {**BOOT, "firmwareVersion": "2", "imsi": "262"})
    newest, first = await central.get("/api/history/boots")
    assert (newest["answer"], newest["firmware"], newest["imsi"]) == ("Pending", "2", "262")
    assert (first["answer"], first["firmware"], first["iccid"]) == ("Accepted", "1", "8949")
    assert (first["vendor"], first["model"], first["charger"]) == ("Tapwatt", "Test", "CP-1")


async def test_heartbeats_of_ten_minutes_are_one_row(tmp_path: Path) -> None:
    """A37: each is counted, and the disk does not fill with them."""
    async with open_store(
        tmp_path / "csms.db", clock=SystemClock(), open_database=open_database
    ) as store:
        codes = iter(("C1", "C2"))
        for identity in ("CP-1", "CP-2"):
            await store.do(
                connected, identity, accept_unknown=True, make_code=lambda: next(codes), now_ms=0
            )
        for at_ms in (1000, 61_000, BEATS_PER_ROW_MS + 999, BEATS_PER_ROW_MS + 1000):
            await store.do(service.beat, 1, at_ms)
        await store.do(service.beat, 2, 2000)
        rows = await store.read(service.page, "heartbeats", {}, 100, 10)
    told = [row._asdict() for row in rows]
    assert [(row["charger"], row["beats"], row["at_ms"], row["last_at_ms"]) for row in told] == [
        ("CP-2", 1, 2000, 2000),
        ("CP-1", 1, BEATS_PER_ROW_MS + 1000, BEATS_PER_ROW_MS + 1000),
        ("CP-1", 3, 1000, BEATS_PER_ROW_MS + 999),
    ]


async def test_a_heartbeat_on_the_wire_is_kept(central: Central) -> None:
    """The message itself, not only the verb."""
    async with central.station() as station:
        await station.boot()
        for _ in range(3):
            await station.call("Heartbeat")
    [row] = await central.get("/api/history/heartbeats")
    assert (row["charger"], row["beats"]) == ("CP-1", 3)


async def test_rows_are_found_by_their_marks(central: Central) -> None:
    """Charger, connector, status, error, time, page by page."""
    for charger in ("CP-1", "CP-2"):
        async with central.station(charger) as station:
            await station.boot()
            await station.status(1, "Available")
            await station.status(2, "Faulted", errorCode="GroundFailure")

    async def found(query: str, kind: str = "statuses") -> list[tuple[str, int | None]]:
        rows = await central.get(f"/api/history/{kind}?{query}")
        return [(row["charger"], row.get("connector")) for row in rows]

    assert await found("charger=CP-1") == [("CP-1", 2), ("CP-1", 1)]
    assert await found("connector=1") == [("CP-2", 1), ("CP-1", 1)]
    assert await found("status=Faulted&charger=CP-2") == [("CP-2", 2)]
    assert await found("error=GroundFailure") == [("CP-2", 2), ("CP-1", 2)]
    assert await found("until=2001-01-01T00:00:00Z") == []
    assert len(await found("since=2001-01-01T00:00:00Z")) == 4
    assert await found("charger=CP-2", "boots") == [("CP-2", None)]
    rows = await central.get("/api/history/statuses?count=2")
    rest = await found(f"before={rows[-1]['row']}")
    assert rest == [("CP-1", 2), ("CP-1", 1)]


@pytest.mark.parametrize(
    "path",
    [
        "nonsense",
        "boots?status=Faulted",
        "heartbeats?connector=1",
        "statuses?since=today",
        "statuses?since=0001-01-01T00:00:00%2B14:00",
        f"statuses?connector={2**64}",
        "statuses?count=0",
    ],
)
async def test_a_search_that_cannot_be_is_refused(central: Central, path: str) -> None:
    """A filter that a kind does not have would find everything in silence."""
    assert (await central.http.get(f"/api/history/{path}")).status_code == 422


async def test_a_file_holds_the_same_rows(
    central: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over several pages, with the zone in the names, and no formula of a maker."""
    monkeypatch.setattr("csms_lite.history.api.PAGE_OF_FILE", 2)
    async with central.station() as station:
        await station.boot()
        for _ in range(4):
            await station.status(1, "Available", info="=HYPERLINK(1)", timestamp=T0)
        await station.status(1, "Charging")
    answer = await central.http.get("/api/history/statuses/export.csv?charger=CP-1")
    assert answer.headers["content-disposition"] == 'attachment; filename="statuses.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert [row["status"] for row in rows] == ["Charging", *["Available"] * 4]
    assert {row["info"] for row in rows[1:]} == {"'=HYPERLINK(1)"}
    assert {row["told_at_utc"] for row in rows} == {"", T0}
    assert all(row["at_utc"].endswith("Z") for row in rows)
