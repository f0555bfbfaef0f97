"""Site, charger, connector: described by staff, reported by the station, shown to the public."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.csms_lite.central import Central, running

COURT = {
    "name": "Court",
    "address": "1 High Street",
    "latitude": 52.5,
    "longitude": 13.4,
    "time_zone": "Europe/Berlin",
    "note": "gate code 4711",
    "description": "behind the mill",
}
PLATE = {"type": "type2", "power_w": 22000, "voltage_v": 400, "current_a": 32, "phases": 3}


async def ask(central: Central, method: str, path: str, status: int, body: Any = None) -> Any:
    answer = await central.http.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def test_a_site_is_made_changed_and_forgotten(central: Central) -> None:
    """B91, D30, D31: what is left out stays, null takes back."""
    made = await ask(central, "POST", "/api/sites", 201, COURT)
    assert made == {"id": made["id"], **COURT}
    changed = await ask(central, "PATCH", f"/api/sites/{made['id']}", 200, {"note": None})
    assert changed == made | {"note": None}
    assert await central.get("/api/sites") == [changed]
    await ask(central, "PUT", "/api/chargers/CP-1", 200, {"site_id": made["id"]})
    await ask(central, "DELETE", f"/api/sites/{made['id']}", 409)
    await ask(central, "PUT", "/api/chargers/CP-1", 200, {"site_id": None})
    await ask(central, "DELETE", f"/api/sites/{made['id']}", 204)
    await ask(central, "GET", f"/api/sites/{made['id']}", 404)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ({"name": None}, 422),
        ({"latitude": 91, "longitude": 0}, 422),
        ({"latitude": 52.5, "longitude": None}, 422),
        ({"time_zone": "Mars/Base"}, 422),
        ({"time_zone": None}, 422),
        ({"colour": "red"}, 422),
        ({"name": "Other"}, 409),
    ],
)
async def test_words_that_cannot_be_used_are_refused(
    central: Central, words: dict[str, Any], status: int
) -> None:
    """Nothing of a refused change is kept."""
    made = await ask(central, "POST", "/api/sites", 201, COURT)
    await ask(central, "POST", "/api/sites", 201, {"name": "Other"})
    await ask(central, "PATCH", f"/api/sites/{made['id']}", status, words)
    assert await central.get(f"/api/sites/{made['id']}") == made


async def test_reported_described_and_commanded_stand_side_by_side(central: Central) -> None:
    """B71, B51, B93: ratings as given, types as the catalogue writes them."""
    site = await ask(central, "POST", "/api/sites", 201, COURT)
    words = {"charge_point_string_id": "CP-1", "station_id": site["id"], "serial_number": "S1"}
    made = await ask(central, "POST", "/api/chargers", 201, words | {"vendor": "V", "model": "M"})
    assert (made["site"]["name"], made["vendor"], made["serial"]) == ("Court", "V", "S1")
    assert (made["state"], made["connection_state"]) == ("Undefined", "DISCONNECTED")
    await ask(central, "POST", "/api/chargers", 409, words)
    await ask(central, "PUT", "/api/chargers/CP-1/connectors/1", 200, PLATE)
    odd = await ask(central, "PUT", "/api/chargers/CP-1/connectors/2", 200, {"type": "Schuko"})
    assert odd["type"] == "Schuko"
    await ask(central, "PUT", "/api/chargers/CP-1/connectors/101", 422, PLATE)
    async with central.station() as station:
        await station.boot()
        await station.status(1, "Charging")
        seen = await central.get("/api/chargers/CP-1")
        assert (seen["state"], seen["connection_state"]) == ("Used", "CONNECTED")
        first, second = seen["connectors"]
        assert first["plate"] == PLATE | {"type": "Type 2", "name": None}
        assert (first["status"], first["derived"], first["commanded"]) == (
            "Charging",
            "Charging",
            None,
        )
        assert (second["status"], second["plate"]["type"]) == (None, "Schuko")
    await ask(central, "DELETE", "/api/chargers/CP-1/connectors/2", 204)
    await ask(central, "DELETE", "/api/chargers/CP-1/connectors/2", 404)
    assert [one["connector"] for one in await central.get("/api/chargers/CP-1/connectors")] == [1]


async def test_the_public_sees_what_it_may(central: Central) -> None:
    """D21, decision 23: all but Dismissed and Undefined; no id, no note of staff."""
    site = await ask(central, "POST", "/api/sites", 201, COURT)
    words = {"site_id": site["id"], "note": "key under the mat", "description": "left of it"}
    for name in ("SEEN-1", "GONE-1", "NEVER-1"):
        await ask(central, "PUT", f"/api/chargers/{name}", 200, words | {"name": f"Nr {name[:2]}"})
    for name in ("SEEN-1", "GONE-1"):
        async with central.station(name) as station:
            await station.boot()
            await station.status(1, "Available")
    dismissed = await ask(central, "DELETE", "/api/chargers/GONE-1", 200)
    assert (dismissed["state"], dismissed["dismissed_at"] is None) == ("Dismissed", False)
    answer = await central.http.get("/api/public/stations", headers={"authorization": ""})
    [shown] = answer.json()
    assert shown["name"] == "Nr SE"
    assert shown["state"] == "Free"
    assert shown["site"] == {key: COURT[key] for key in COURT if key != "note"}
    assert shown["connectors"] == [{"connector": 1, "status": "Available", "plate": None}]
    for secret in ("SEEN-1", "mat", "4711"):
        assert secret not in answer.text
    codes = {one["id"]: one["code"] for one in await central.get("/api/chargers")}
    assert (await central.get(f"/api/public/stations/{codes['SEEN-1']}")) == shown
    for hidden in ("GONE-1", "NEVER-1"):
        await ask(central, "GET", f"/api/public/stations/{codes[hidden]}", 404)
    back = await ask(central, "PUT", "/api/chargers/GONE-1", 200, {"dismissed": False})
    assert back["state"] == "Free"


async def test_availability_as_commanded_is_kept_apart_from_what_is_reported(
    central: Central,
) -> None:
    """Decision 24: Inoperative by us, Available by the station, and both are said."""
    async with central.station() as station:
        await station.boot()
        for connector in (0, 1, 2):
            await station.status(connector, "Available")
        for connector, kind, answer in (
            (1, "Inoperative", "Accepted"),
            (2, "Inoperative", "Rejected"),
        ):
            await command(central, station, connector, kind, answer)
        assert await commanded(central) == [None, "Inoperative", None]
        await command(central, station, 0, "Inoperative", "Scheduled")
        await command(central, station, 2, "Operative", "Accepted")
        assert await commanded(central) == ["Inoperative", "Inoperative", "Operative"]
        await command(central, station, 0, "Operative", "Accepted")
        assert await commanded(central) == ["Operative"] * 3
        statuses = (await central.get("/api/chargers/CP-1"))["connectors"]
        assert {one["status"] for one in statuses} == {"Available"}


async def command(central: Central, station: Any, connector: int, kind: str, answer: str) -> None:
    payload = {"connectorId": connector, "type": kind}
    body = {"action": "ChangeAvailability", "payload": payload}
    await central.http.post("/api/chargers/CP-1/commands", json=body)
    frame = await station.receive()
    await station.send(3, frame[1], {"status": answer})
    await station.call("Heartbeat")
    [newest, *_] = await central.get("/api/chargers/CP-1/commands")
    while newest["state"] != "answered":
        [newest, *_] = await central.get("/api/chargers/CP-1/commands")


async def commanded(central: Central) -> list[str | None]:
    connectors = (await central.get("/api/chargers/CP-1"))["connectors"]
    return [one["commanded"] for one in connectors]


async def test_a_station_cannot_make_connectors_without_end(central: Central) -> None:
    """A number that no connector has is noted, and nothing is made of it."""
    async with central.station() as station:
        await station.boot()
        for connector in (1, 100, 101, 5000, 2**31 - 1):
            assert await station.status(connector, "Faulted", errorCode="OtherError") == {}
        answer = await station.start(connector=4000, at="2024-05-01T10:00:00Z")
        assert answer["transactionId"] > 0
    seen = await central.get("/api/chargers/CP-1")
    assert [one["connector"] for one in seen["connectors"]] == [1, 100]
    events = await central.get("/api/chargers/CP-1/events")
    beyond = [one["details"] for one in events if one["kind"] == "connector_beyond_bounds"]
    assert beyond == [{"connector": 101, "bound": 100}]
    assert {one["connector"] for one in await central.get("/api/alerts")} == {1, 100}


async def test_the_sheet_says_what_to_type_into_the_charger(tmp_path: Path) -> None:
    """B94."""
    url = "wss://csms.example.org/ocpp"
    async with running(tmp_path, ocpp_url=url, heartbeat_s=300) as central:
        await ask(central, "PUT", "/api/chargers/SITE-1", 200, {"profile": 2})
        assert await central.get("/api/chargers/SITE-1/sheet") == {
            "id": "SITE-1",
            "url": "wss://csms.example.org/ocpp/SITE-1",
            "host": "csms.example.org",
            "port": 443,
            "path": "/ocpp/SITE-1",
            "tls": True,
            "protocol": "OCPP 1.6 JSON",
            "subprotocol": "ocpp1.6",
            "security_profile": 2,
            "heartbeat_interval_s": 300,
            "meter_value_sample_interval_s": 60,
        }
