"""The local list of a charger follows the cards over a real socket (TC_042, TC_043)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.csms_lite.central import WITHIN_S, Central, Station, running

GOOD = {"status": "Accepted"}
LIMITS = {"configurationKey": [{"key": "SendLocalListMaxLength", "readonly": True, "value": "2"}]}


@pytest_asyncio.fixture
async def following(tmp_path: Path) -> AsyncIterator[Central]:
    """A central system that keeps the lists of its chargers."""
    async with running(tmp_path, local_lists=True) as system:
        yield system


async def asked(station: Station, answer: dict[str, Any] | None) -> list[Any]:
    """Take the next call of the central system, and answer it unless *answer* is nothing."""
    frame = station.asked.pop(0) if station.asked else await station.receive()
    assert frame[0] == 2
    if answer is not None:
        await station.send(3, frame[1], answer)
    return frame[2:]


async def begin(
    station: Station, *, version: int = 0, limits: dict[str, Any] | None = None
) -> None:
    """Boot and tell what comes before the first list."""
    await station.boot()
    action, payload = await asked(station, limits or {"configurationKey": []})
    assert action == "GetConfiguration"
    assert "SendLocalListMaxLength" in payload["key"]
    assert await asked(station, {"listVersion": version}) == ["GetLocalListVersion", {}]


async def state(central: Central, wanted: str) -> Any:
    """Wait until the list stands so."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            seen = await central.get("/api/chargers/CP-1/local-list")
            if seen["state"] == wanted:
                return seen


async def put(central: Central, tag: str, **body: Any) -> None:
    response = await central.http.put(f"/api/cards/{tag}", json=body)
    assert response.status_code == 200, response.text


async def test_first_full_then_only_what_changed(following: Central) -> None:
    """Full once; then a Differential with exactly the changed entry, or its removal (TC_043)."""
    await following.http.put("/api/chargers/CP-2")
    await put(following, "A", expiry="2999-01-01T00:00:00Z", parent="FAMILY")
    await put(following, "B", status="Blocked")
    await put(following, "SECRET", chargers=["CP-2"])
    async with following.station() as station:
        await begin(station)
        family = {"status": "Accepted", "expiryDate": "2999-01-01T00:00:00.000Z"}
        assert await asked(station, GOOD) == [
            "SendLocalList",
            {
                "listVersion": 1,
                "updateType": "Full",
                "localAuthorizationList": [
                    {"idTag": "A", "idTagInfo": {**family, "parentIdTag": "FAMILY"}},
                    {"idTag": "B", "idTagInfo": {"status": "Blocked"}},
                ],
            },
        ]
        seen = await state(following, "in_step")
        assert (seen["version"], seen["entries"], seen["left_out"]) == (1, 2, 0)
        await put(following, "B")
        assert await asked(station, GOOD) == [
            "SendLocalList",
            {
                "listVersion": 2,
                "updateType": "Differential",
                "localAuthorizationList": [{"idTag": "B", "idTagInfo": {"status": "Accepted"}}],
            },
        ]
        await state(following, "in_step")
        await following.http.delete("/api/cards/A")
        assert (await asked(station, GOOD))[1] == {
            "listVersion": 3,
            "updateType": "Differential",
            "localAuthorizationList": [{"idTag": "A"}],
        }
        await following.http.post("/api/chargers/CP-1/enrol")
        await station.call("Authorize", {"idTag": "TAPPED"})
        assert (await asked(station, GOOD))[1] == {
            "listVersion": 4,
            "updateType": "Differential",
            "localAuthorizationList": [{"idTag": "TAPPED", "idTagInfo": {"status": "Accepted"}}],
        }
        assert (await state(following, "in_step"))["version"] == 4


async def test_a_list_is_split_as_the_charger_asks(following: Central) -> None:
    """SendLocalListMaxLength bounds each message, and what more there is follows."""
    for tag in "ABCDE":
        await put(following, tag)
    async with following.station() as station:
        await begin(station, limits=LIMITS)
        sent = [(await asked(station, GOOD))[1] for _ in range(3)]
        assert (await state(following, "in_step"))["per_message"] == 2
    assert [one["updateType"] for one in sent] == ["Full", "Differential", "Differential"]
    assert [one["listVersion"] for one in sent] == [1, 2, 3]
    tags = [[entry["idTag"] for entry in one["localAuthorizationList"]] for one in sent]
    assert tags == [["A", "B"], ["C", "D"], ["E"]]


async def test_a_version_that_does_not_fit_is_healed_by_a_full_list(following: Central) -> None:
    """VersionMismatch or Failed: the whole list once more, with a higher version (TC_043_3/4)."""
    await put(following, "A")
    async with following.station() as station:
        await begin(station, version=7)
        assert (await asked(station, GOOD))[1]["listVersion"] == 8
        for number, status in ((9, "VersionMismatch"), (11, "Failed")):
            await state(following, "in_step")
            await put(following, f"N{number}")
            sent = (await asked(station, {"status": status}))[1]
            assert (sent["listVersion"], sent["updateType"]) == (number, "Differential")
            sent = (await asked(station, GOOD))[1]
            assert (sent["listVersion"], sent["updateType"]) == (number + 1, "Full")
        seen = await state(following, "in_step")
        assert (seen["version"], seen["entries"], seen["why"]) == (12, 3, None)


async def test_a_full_list_that_fails_waits(following: Central) -> None:
    """A charger that takes no list is not asked without end; why is shown (TC_043_5)."""
    await put(following, "A")
    async with following.station() as station:
        await begin(station)
        for _ in range(2):
            assert (await asked(station, {"status": "Failed"}))[1]["updateType"] == "Full"
        seen = await state(following, "failing")
        assert "Failed" in seen["why"]
        assert seen["retry_at"] is not None
        assert (seen["version"], seen["entries"]) == (None, 0)
        await station.boot()  # is a reason to try at once
        assert (await asked(station, LIMITS))[0] == "GetConfiguration"
        assert (await asked(station, {"listVersion": 0}))[0] == "GetLocalListVersion"
        assert (await asked(station, GOOD))[1]["listVersion"] == 3
        assert (await state(following, "in_step"))["failures"] == 0


@pytest.mark.parametrize("answer", [{"listVersion": -1}, None])
async def test_a_charger_without_a_list_is_left_alone(
    following: Central, answer: dict[str, Any] | None
) -> None:
    """-1, or CALLERROR NotSupported: off for this charger, until it is switched on (TC_042_1)."""
    async with following.station() as station:
        await station.boot()
        await asked(station, {"configurationKey": []})
        frame = await station.receive()
        if answer is None:
            await station.send(4, frame[1], "NotSupported", "", {})
        else:
            await station.send(3, frame[1], answer)
        seen = await state(following, "unsupported")
        assert seen["why"]
        await put(following, "A")
        await station.boot()
        await station.call("Heartbeat")
        assert station.asked == []
        await following.http.put("/api/chargers/CP-1/local-list", json={"follow": True})
        assert (await asked(station, LIMITS))[0] == "GetConfiguration"


async def test_not_supported_is_believed(following: Central) -> None:
    """SendLocalList answered NotSupported (TC_043_1)."""
    await put(following, "A")
    async with following.station() as station:
        await begin(station)
        await asked(station, {"status": "NotSupported"})
        assert "NotSupported" in (await state(following, "unsupported"))["why"]


async def test_a_list_that_is_disabled_says_how_to_enable_it(following: Central) -> None:
    """The charger's configuration is its operator's."""
    key = {"key": "LocalAuthListEnabled", "readonly": False, "value": "false"}
    async with following.station() as station:
        await station.boot()
        await asked(station, {"configurationKey": [key]})
        assert "set it to true" in (await state(following, "unsupported"))["why"]


@pytest.mark.parametrize(("told", "update"), [(2, None), (1, "Differential"), (0, "Full")])
async def test_a_lost_answer_is_cleared_up_by_the_version(
    following: Central, told: int, update: str | None
) -> None:
    """The line goes before the answer: taken, not taken, or something else altogether."""
    await put(following, "A")
    async with following.station() as station:
        await begin(station)
        await asked(station, GOOD)
        await state(following, "in_step")
        await put(following, "B")
        assert (await asked(station, None))[1]["listVersion"] == 2
        station.socket.transport.abort()
    async with following.station() as station:
        await station.call("Heartbeat")
        assert (await asked(station, {"listVersion": told}))[0] == "GetLocalListVersion"
        if update is not None:
            sent = (await asked(station, GOOD))[1]
            assert (sent["listVersion"], sent["updateType"]) == (3, update)
        seen = await state(following, "in_step")
        assert (seen["version"], seen["entries"]) == (2 if update is None else 3, 2)


async def test_a_boot_with_an_old_list_is_seen(following: Central) -> None:
    """A charger that kept nothing since yesterday gets the whole list."""
    await put(following, "A")
    async with following.station() as station:
        await begin(station)
        await asked(station, GOOD)
        await state(following, "in_step")
        await station.boot()
        assert (await asked(station, {"listVersion": 1}))[0] == "GetLocalListVersion"
        await state(following, "in_step")
        await station.boot()
        await asked(station, {"listVersion": 0})
        sent = (await asked(station, GOOD))[1]
        assert (sent["listVersion"], sent["updateType"]) == (2, "Full")


async def test_a_charger_is_switched_off_and_on(following: Central) -> None:
    """Off leaves the list as it is; on follows again, from there."""
    path = "/api/chargers/CP-1/local-list"
    await put(following, "A")
    async with following.station() as station:
        await begin(station)
        await asked(station, GOOD)
        await state(following, "in_step")
        off = (await following.http.put(path, json={"follow": False})).json()
        assert (off["follows"], off["switch"], off["state"]) == (False, "off", "off")
        await put(following, "B")
        await station.call("Heartbeat")
        assert station.asked == []
        on = (await following.http.put(path, json={"follow": None})).json()
        assert (on["follows"], on["switch"]) == (True, None)
        assert (await asked(station, GOOD))[1]["updateType"] == "Differential"
    assert (await following.http.get("/api/chargers/NONE/local-list")).status_code == 404


async def test_a_restart_knows_what_the_charger_holds(tmp_path: Path) -> None:
    """What was taken is on the disk: after a restart only the difference is sent."""
    async with running(tmp_path, local_lists=True) as central, central.station() as station:
        await put(central, "A")
        await begin(station)
        await asked(station, GOOD)
        await state(central, "in_step")
    async with running(tmp_path, local_lists=True) as central:
        await put(central, "B")
        async with central.station() as station:
            await station.call("Heartbeat")  # nothing is asked before it has spoken
            sent = (await asked(station, GOOD))[1]
    assert (sent["listVersion"], sent["updateType"]) == (2, "Differential")
    assert [one["idTag"] for one in sent["localAuthorizationList"]] == ["B"]


async def test_nothing_is_sent_when_the_setting_says_so(central: Central) -> None:
    """Off for all; one charger may be switched on."""
    async with central.station() as station:
        await station.boot()
        assert (await central.get("/api/chargers/CP-1/local-list"))["state"] == "off"
        await station.call("Heartbeat")
        assert station.asked == []
        await central.http.put("/api/chargers/CP-1/local-list", json={"follow": True})
        assert (await asked(station, LIMITS))[0] == "GetConfiguration"


async def test_cards_with_a_budget_stay_here(following: Central) -> None:
    """Only the central system can count."""
    await following.http.put("/api/card-groups/G", json={"budgets": {"day": {"sessions": 1}}})
    await put(following, "A", budgets={"day": {"energy_wh": 1}})
    await put(following, "B", parent="G")
    await put(following, "C")
    async with following.station() as station:
        await begin(station)
        sent = (await asked(station, GOOD))[1]
    assert [one["idTag"] for one in sent["localAuthorizationList"]] == ["C"]


@pytest.mark.parametrize("version", [0, -1])
async def test_an_operator_may_not_send_a_reserved_version(central: Central, version: int) -> None:
    """0 and -1 mean no list: the standard forbids them to a central system (ruling 21)."""
    await central.http.put("/api/chargers/CP-1")
    body = {
        "action": "SendLocalList",
        "payload": {"listVersion": version, "updateType": "Full"},
    }
    answer = await central.http.post("/api/chargers/CP-1/commands", json=body)
    assert answer.status_code == 409
    assert "3.52" in answer.json()["detail"]


async def test_an_operators_own_list_is_healed(following: Central) -> None:
    """Sent as asked, since the station may refuse it; then the cards' list, higher."""
    await put(following, "A")
    async with following.station() as station:
        await begin(station)
        await asked(station, GOOD)
        await state(following, "in_step")
        body = {"action": "SendLocalList", "payload": {"listVersion": 5, "updateType": "Full"}}
        await following.http.post("/api/chargers/CP-1/commands", json=body)
        assert (await asked(station, GOOD))[1] == body["payload"]
        assert (await asked(station, {"listVersion": 0}))[0] == "GetLocalListVersion"
        sent = (await asked(station, GOOD))[1]
    assert (sent["listVersion"], sent["updateType"]) == (6, "Full")
