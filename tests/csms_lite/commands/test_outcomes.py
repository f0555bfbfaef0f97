"""After the answer: what came of a command, many chargers at once, and the same asked twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from csms_lite.clock import SystemClock, rfc3339
from tests.csms_lite.central import Central, Station

AT = "2024-05-01T10:00:00Z"
WAITING = "/api/chargers/CP-1/commands?wait=5"


async def ask(
    central: Central, action: str, payload: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    body = {"action": action, "payload": payload or {}}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await central.http.post("/api/chargers/CP-1/commands", json=body, headers=names)


async def answer(station: Station, result: dict[str, Any]) -> None:
    frame = await station.receive()
    assert frame[0] == 2
    await station.send(3, frame[1], result)


async def row(central: Central, response: httpx.Response) -> Any:
    return await central.get(f"/api/commands/{response.json()['id']}")


async def test_a_reset_is_observed_by_the_boot_that_follows(central: Central) -> None:
    """Even when the station drops the line before it answers (TC_013)."""
    async with central.station() as station:
        await station.boot()
        asked = await ask(central, "Reset", {"type": "Hard"})
        await station.receive()
    async with central.station() as station:
        await station.boot()
    seen = await row(central, asked)
    assert seen["state"] == "observed"
    assert seen["observed"]["chargePointModel"] == "Test"
    assert seen["observed_at"] >= seen["sent_at"]


async def test_a_remote_start_names_the_session_that_it_caused(central: Central) -> None:
    """The operator sees the transaction, not only that the charger said yes."""
    async with central.station() as station:
        await station.boot()
        asked = await ask(central, "RemoteStartTransaction", {"idTag": "card1"})
        await answer(station, {"status": "Accepted"})
        at = rfc3339(SystemClock().now_ms())
        await station.start(at=at, tag="OTHER")
        assert (await row(central, asked))["state"] == "answered"
        begun = await station.start(at=at, tag="CARD1", connector=2)
    seen = await row(central, asked)
    assert (seen["state"], seen["observed"]["transactionId"]) == (
        "observed",
        begun["transactionId"],
    )


async def test_values_that_were_asked_for_are_what_came_of_it(central: Central) -> None:
    """Told by this charger, of the connector that was asked about; others' are none."""
    told = {"meterValue": [{"timestamp": AT, "sampledValue": [{"value": "1"}]}]}
    async with central.station() as station, central.station("CP-2") as other:
        await station.boot()
        await other.boot()
        trigger = {"requestedMessage": "MeterValues", "connectorId": 2}
        asked = await ask(central, "TriggerMessage", trigger)
        await answer(station, {"status": "Accepted"})
        await asyncio.gather(
            station.call("MeterValues", told | {"connectorId": 1}),
            other.call("MeterValues", told | {"connectorId": 2}),
        )
        assert (await row(central, asked))["state"] == "answered"
        await station.call("MeterValues", told | {"connectorId": 2})
    seen = await row(central, asked)
    assert (seen["state"], seen["observed"]["connectorId"]) == ("observed", 2)


async def test_after_a_refusal_nothing_is_observed(central: Central) -> None:
    """A boot after a rejected Reset was not its doing; nor after a CALLERROR."""
    async with central.station() as station:
        await station.boot()
        rejected = await ask(central, "Reset", {"type": "Soft"})
        await answer(station, {"status": "Rejected"})
        failed = await ask(central, "Reset", {"type": "Soft"})
        frame = await station.receive()
        await station.send(4, frame[1], "NotSupported", "", {})
        await station.boot()
    assert [(await row(central, one))["state"] for one in (rejected, failed)] == [
        "answered",
        "failed",
    ]


async def test_the_last_status_of_an_update_is_shown_with_its_cause(central: Central) -> None:
    """B37, B66, B68: each status replaces the one before; a new request starts anew."""
    payload = {"location": "http://x/f", "retrieveDate": AT}
    async with central.station() as station:
        await station.boot()
        first = await ask(central, "UpdateFirmware", payload)
        await answer(station, {})
        for status in ("Downloading", "DownloadFailed"):
            await station.call("FirmwareStatusNotification", {"status": status})
        second = await ask(central, "UpdateFirmware", payload)
        await answer(station, {})
        await station.call("FirmwareStatusNotification", {"status": "Installed"})
        await station.call("FirmwareStatusNotification", {"status": "Downloading"})
    seen = [await row(central, one) for one in (first, second)]
    assert [one["observed"] for one in seen] == [
        {"status": "DownloadFailed"},
        {"status": "Installed"},
    ]
    assert "could not fetch" in seen[0]["hint"]
    assert seen[1]["hint"] is None


async def test_many_chargers_get_a_row_each_and_one_answer(central: Central) -> None:
    """B67: each with its own end, and what could not be asked of whom."""
    async with central.station("CP-1") as one, central.station("CP-2") as two:
        await one.boot()
        await two.boot()
        asking = asyncio.ensure_future(
            central.http.post(
                "/api/commands?wait=5",
                json={"chargers": ["CP-1", "NOBODY", "CP-2", "CP-1"], "action": "ClearCache"},
            )
        )
        await answer(two, {"status": "Rejected"})
        await answer(one, {"status": "Accepted"})
        response = await asking
    told = response.json()
    assert response.status_code == 200
    assert [(each["charger"], each["result"]["status"]) for each in told["commands"]] == [
        ("CP-1", "Accepted"),
        ("CP-2", "Rejected"),
    ]
    assert [each["charger"] for each in told["problems"]] == ["NOBODY"]
    batch = told["commands"][0]["batch"]
    found = await central.get(f"/api/commands?batch={batch}&state=answered&action=ClearCache")
    assert found == told["commands"][::-1]
    assert await central.get(f"/api/commands?batch={batch}&state=failed") == []


async def test_the_same_key_is_the_same_row(central: Central) -> None:
    """A repeated POST sends nothing twice; the key of another command is refused."""
    async with central.station() as station:
        await station.boot()
        first = await ask(central, "Reset", {"type": "Soft"}, Idempotency_Key="k-1")
        await answer(station, {"status": "Accepted"})
        again = await ask(central, "Reset", {"type": "Soft"}, Idempotency_Key="k-1")
        other = await ask(central, "Reset", {"type": "Hard"}, Idempotency_Key="k-1")
        assert (await station.call("Heartbeat"))["currentTime"]
        assert station.asked == []
    assert again.json()["id"] == first.json()["id"]
    assert other.status_code == 409
    assert len(await central.get("/api/chargers/CP-1/commands")) == 1


async def test_two_at_once_with_one_key_are_one_row(central: Central) -> None:
    """A client that repeats before it was answered."""
    await central.http.put("/api/chargers/CP-1")
    rows = await asyncio.gather(
        *(ask(central, "ClearCache", Idempotency_Key="k") for _ in range(5))
    )
    assert len({one.json()["id"] for one in rows}) == 1


async def test_what_the_standard_forbids_is_sent_only_by_force(central: Central) -> None:
    """Ruling 21: for laboratories; noted with who did it, and unchecked."""
    body = {"action": "SendLocalList", "payload": {"listVersion": 0, "updateType": "Wrong"}}
    async with central.station() as station:
        await station.boot()
        refused = await central.http.post("/api/chargers/CP-1/commands", json=body)
        assert refused.status_code == 422
        forced = await central.http.post("/api/chargers/CP-1/commands?force=true", json=body)
        assert forced.status_code == 202
        assert (await station.receive())[2:] == list(body.values())
    [event] = await central.get("/api/chargers/CP-1/events")
    assert event["kind"] == "command_forced"
    assert event["details"]["by"]


@pytest.mark.parametrize("status", [[], {}, None, 7, "x" * 1000])
async def test_an_answer_of_another_shape_is_an_answer(central: Central, status: Any) -> None:
    """It is kept as it came, and the line goes on."""
    body = {"action": "ClearCache", "payload": {}}
    async with central.station() as station, asyncio.TaskGroup() as tasks:
        await station.boot()
        asked = tasks.create_task(central.http.post(WAITING, json=body))
        await station.send(3, (await station.receive())[1], {"status": status})
        assert (await asked).json()["state"] == "answered"
        assert await station.call("Heartbeat")


async def test_a_refusal_in_many_words_is_cut(central: Central) -> None:
    """What is kept of it goes to pages, mails and webhooks."""
    body = {"action": "ClearCache", "payload": {}}
    async with central.station() as station, asyncio.TaskGroup() as tasks:
        await station.boot()
        asked = tasks.create_task(central.http.post(WAITING, json=body))
        await station.send(4, (await station.receive())[1], "InternalError", "y" * 200_000, {})
        problem = (await asked).json()["problem"]
    assert problem.startswith("the charger answered CALLERROR InternalError: yyy")
    assert len(problem) < 400


@pytest.mark.parametrize(
    ("action", "payload", "word"),
    [
        ("UnlockConnector", {"connectorId": []}, "Unlocked"),
        ("RemoteStartTransaction", {"connectorId": 1}, "Accepted"),
        ("ReserveNow", {"connectorId": [], "idTag": 7}, "Accepted"),
        ("ChangeAvailability", {"connectorId": []}, "Accepted"),
    ],
)
async def test_what_was_forced_breaks_no_later_message(
    central: Central, action: str, payload: dict[str, Any], word: str
) -> None:
    """A laboratory's frame without what every frame has: sessions are kept all the same."""
    body = {"action": action, "payload": payload}
    async with central.station() as station, asyncio.TaskGroup() as tasks:
        await station.boot()
        asked = tasks.create_task(central.http.post(f"{WAITING}&force=true", json=body))
        await station.send(3, (await station.receive())[1], {"status": word})
        assert (await asked).json()["state"] in {"answered", "observed"}
        for status in ("Reserved", "Unavailable", "Available"):
            told = {"connectorId": 1, "status": status, "errorCode": "NoError"}
            assert await station.call("StatusNotification", told) == {}
        begun = await station.start(tag="A", at=datetime.now(UTC).isoformat())
        assert begun["transactionId"] > 0
