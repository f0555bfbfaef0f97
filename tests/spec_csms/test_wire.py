"""Frames, codes, calls that cross, the subprotocol."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.spec_csms.bench import Bench, opened
from tests.spec_csms.point import Silent, now


def protocols(*names: str) -> dict[str, Any]:
    return {"subprotocols": [Subprotocol(name) for name in names]}


async def test_tc_088_another_subprotocol_is_not_spoken(tmp_path: Path) -> None:
    """Ruling 19: by default completed without one and closed at once; strictly HTTP 400."""
    async with opened(tmp_path / "a") as bench:
        url = f"{bench.central.addresses.ocpp}/CP-1"
        async with connect(url, **protocols("ocpp0.1")) as socket:
            assert socket.subprotocol is None
            with pytest.raises(ConnectionClosed):
                await socket.recv()
        async with connect(url, **protocols("ocpp0.1", "ocpp1.6")) as socket:
            assert socket.subprotocol == "ocpp1.6"
    async with opened(tmp_path / "b", strict_subprotocol=True) as bench:
        url = f"{bench.central.addresses.ocpp}/CP-1"
        with pytest.raises(InvalidStatus):
            await connect(url, **protocols("ocpp0.1"))
        async with connect(url, **protocols("ocpp0.1", "ocpp1.6")) as socket:
            assert socket.subprotocol == "ocpp1.6"


async def test_r_10_1_an_unknown_action_is_not_implemented(bench: Bench) -> None:
    """One for points, too, that goes the other way: NotSupported. The line stays."""
    async with bench.booted() as point:
        assert await point.refused("Teleport") == "NotImplemented"
        assert await point.refused("heartbeat") == "NotImplemented"
        assert await point.refused("Reset", {"type": "Soft"}) == "NotSupported"
        assert "currentTime" in await point.call("Heartbeat")


CODES: list[tuple[str, dict[str, Any], str]] = [
    ("Authorize", {}, "ProtocolError"),
    ("Authorize", {"idTag": "A", "more": 1}, "FormationViolation"),
    ("Authorize", {"idTag": "A" * 21}, "TypeConstraintViolation"),
    ("Authorize", {"idTag": 7}, "TypeConstraintViolation"),
    (
        "StatusNotification",
        {"connectorId": 1, "status": "Happy", "errorCode": "NoError"},
        "PropertyConstraintViolation",
    ),
    (
        "StatusNotification",
        {"connectorId": -1, "status": "Available", "errorCode": "NoError"},
        "PropertyConstraintViolation",
    ),
    ("MeterValues", {"connectorId": 1, "meterValue": []}, "OccurenceConstraintViolation"),
]


async def test_r_10_2_what_no_schema_allows_has_its_code(bench: Bench) -> None:
    """The table of ruling 8, with the standard's spelling."""
    async with bench.booted() as point:
        for action, payload, code in CODES:
            assert await point.refused(action, payload) == code, (action, payload)


async def test_r_10_3_crossing_calls_are_both_answered(bench: Bench) -> None:
    """Ours is open while the point calls: neither is rejected, neither waits."""
    async with bench.booted() as point:
        point.script["ClearCache"] = Silent()
        asking = bench.asking("ClearCache")
        asked = await point.until_asked("ClearCache")
        for _ in range(3):
            assert "currentTime" in await point.call("Heartbeat")
        await point.answer(asked, {"status": "Rejected"})
        assert (await asking)["result"] == {"status": "Rejected"}


async def test_r_10_4_one_call_at_a_time_in_the_order_asked(bench: Bench) -> None:
    """Ten operators at once: the second is sent when the first is answered."""
    async with bench.booted() as point:
        point.script["GetConfiguration"] = Silent()
        keys = [f"Key{number}" for number in range(10)]
        askings = []
        for number, key in enumerate(keys):
            askings.append(bench.asking("GetConfiguration", {"key": [key]}, wait=20))
            while len(await bench.get("/api/chargers/CP-1/commands")) <= number:
                pass
        for number in range(10):
            asked = await point.until_asked("GetConfiguration", number + 1)
            await point.answer(asked, {"unknownKey": asked.payload["key"]})
        rows = [await asking for asking in askings]
    assert [row["result"]["unknownKey"] for row in rows] == [[key] for key in keys]


async def test_r_10_5_what_is_no_call_gets_no_answer(bench: Bench) -> None:
    """No JSON, no list, unknown type, answers to nothing; the line stays."""
    garbage = ("{", "[]", "null", '"x"', "[9,1]", '[3,"x",{}]', '[4,"x","E","",{}]', "[" * 5000)
    async with bench.booted() as point:
        for text in garbage:
            await point.socket.send(text)
        assert "currentTime" in await point.call("Heartbeat")


async def test_r_10_6_a_call_of_the_wrong_shape_is_a_generic_error(bench: Bench) -> None:
    """Three or five elements, an id too long or no string: its id is echoed."""
    frames: list[list[Any]] = [
        [2, "three", "Heartbeat"],
        [2, "five", "Heartbeat", {}, {}],
        [2, "i" * 37, "Heartbeat", {}],
        [2, 7, "Heartbeat", {}],
    ]
    url = f"{bench.central.addresses.ocpp}/CP-1"
    async with bench.booted(), connect(url, **protocols("ocpp1.6")) as socket:
        for frame in frames:
            await socket.send(json.dumps(frame))
            answer = json.loads(await socket.recv())
            assert answer[:3] == [4, frame[1], "GenericError"]


async def test_r_10_7_the_newest_line_wins(bench: Bench) -> None:
    """The same id again: the old line is closed, the point goes on with the new one."""
    async with bench.booted() as old, bench.point() as new:
        assert "currentTime" in await new.call("Heartbeat")
        await old.socket.wait_closed()
        assert old.socket.close_code == 1000
        assert await bench.told(new, "ClearCache") == {"status": "Accepted"}
        assert old.asked == []


async def test_r_10_8_both_addresses_are_the_same_door(bench: Bench) -> None:
    """/ocpp/{id} and /{id}; ids are letters, digits, '-' and '_', compared exactly."""
    base = bench.central.addresses.ocpp.removesuffix("/ocpp")
    async with bench.booted("cp_1-A"):
        pass
    async with connect(f"{base}/cp_1-A", **protocols("ocpp1.6")) as socket:
        await socket.send('[2,"a","Heartbeat",{}]')
        assert json.loads(await socket.recv())[0] == 3
    for wrong in ("/ocpp/a.b", "/ocpp/", "/a/b", f"/ocpp/{'a' * 49}"):
        with pytest.raises(InvalidStatus) as refused:
            await connect(base + wrong, **protocols("ocpp1.6"))
        assert refused.value.response.status_code == 404


async def test_r_10_9_an_id_with_another_content_is_another_message(bench: Bench) -> None:
    """Ruling 7: some points count from 1 after each boot; no session is lost, it is noted."""
    first = {"connectorId": 1, "idTag": "A", "meterStart": 1, "timestamp": now()}
    async with bench.booted() as point:
        one = await point.call("StartTransaction", first, unique_id="1")
    async with bench.booted() as point:
        second = {**first, "meterStart": 2}
        two = await point.call("StartTransaction", second, unique_id="1")
        assert one["transactionId"] != two["transactionId"]
    assert "message_id_reused" in [event["kind"] for event in await bench.events()]


async def test_r_10_10_any_operation_can_be_asked_of_many(bench: Bench) -> None:
    """One row each, one answer with all."""
    async with bench.booted("CP-1") as one, bench.booted("CP-2") as two:
        two.script["ClearCache"] = {"status": "Rejected"}
        answer = await bench.central.http.post(
            "/api/commands?wait=5",
            json={"action": "ClearCache", "chargers": ["CP-1", "CP-2", "CP-3"]},
        )
        told = answer.json()
        assert [row["result"]["status"] for row in told["commands"]] == ["Accepted", "Rejected"]
        assert [each["charger"] for each in told["problems"]] == ["CP-3"]
        assert len(one.asked) == len(two.asked) == 1
