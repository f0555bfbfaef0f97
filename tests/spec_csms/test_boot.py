"""Boot, registration, heartbeats, statuses."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.spec_csms.bench import Bench, opened
from tests.spec_csms.point import Silent, now


def seconds_off(text: str) -> float:
    """How far a time that names its zone is from ours."""
    told = datetime.fromisoformat(text)
    assert told.utcoffset() is not None
    return abs((told - datetime.now(UTC)).total_seconds())


async def test_tc_001_a_cold_boot_is_accepted(bench: Bench) -> None:
    """Accepted, the time, an interval; statuses and heartbeats are answered."""
    async with bench.point() as point:
        answer = await point.boot()
        assert answer["status"] == "Accepted"
        assert answer["interval"] > 0
        assert seconds_off(answer["currentTime"]) < 5
        for connector in range(3):
            await point.status(connector, "Available")
        assert seconds_off((await point.call("Heartbeat"))["currentTime"]) < 5
        assert (await bench.connector(2))["status"] == "Available"


async def test_tc_024_a_lock_that_fails_is_shown(bench: Bench) -> None:
    """Faulted with ConnectorLockFailure."""
    async with bench.booted() as point:
        await point.status(1, "Faulted", errorCode="ConnectorLockFailure")
        shown = await bench.connector()
        assert (shown["status"], shown["error_code"]) == ("Faulted", "ConnectorLockFailure")


async def test_tc_032_1_a_session_cut_by_a_power_failure_is_closed(bench: Bench) -> None:
    """Boot again, Finishing, StopTransaction(PowerLoss) for the old number."""
    await bench.card("CARD")
    async with bench.booted() as point:
        begun = await point.start("CARD")
    async with bench.point() as point:
        assert (await point.boot())["status"] == "Accepted"
        await point.status(1, "Finishing")
        await point.stop(begun["transactionId"], reason="PowerLoss")
        session = await bench.session(begun["transactionId"])
    assert session["stop_reason"] == "PowerLoss"
    assert session["stopped_at"] is not None


async def test_r_1_1_unknown_points_wait_as_pending(tmp_path: Path) -> None:
    """Pending with a pace; all else is SecurityError, or not answered; an operator takes it in."""
    async with opened(tmp_path, accept_unknown=False) as bench:
        async with bench.point() as point:
            answer = await point.boot()
            assert answer["status"] == "Pending"
            assert answer["interval"] > 0
            await point.socket.send('[2,"a","StopTransaction",{"transactionId":"unreadable"}]')
            assert await point.refused("Heartbeat") == "SecurityError"
        agreed = await bench.central.http.post("/api/inbox/CP-1/accept", json={"profile": 0})
        assert agreed.status_code == 201
        async with bench.point() as point:
            assert (await point.boot())["status"] == "Accepted"


async def test_r_1_2_a_pending_point_is_asked_no_transaction(bench: Bench) -> None:
    """4.2: configuration is; RemoteStart and RemoteStop are refused with the section."""
    await bench.central.http.put("/api/chargers/CP-1", json={"registration": "Pending"})
    async with bench.point() as point:
        assert (await point.boot())["status"] == "Pending"
        assert await bench.told(point, "GetConfiguration") == {"configurationKey": []}
        for action, payload in (
            ("RemoteStartTransaction", {"idTag": "A"}),
            ("RemoteStopTransaction", {"transactionId": 1}),
        ):
            answer = await bench.central.http.post(
                "/api/chargers/CP-1/commands", json={"action": action, "payload": payload}
            )
            assert answer.status_code == 409
            assert "4.2" in answer.json()["detail"]


async def test_r_1_3_a_rejected_point_hears_nothing(bench: Bench) -> None:
    """While Rejected only boots are answered, and nothing is asked."""
    await bench.central.http.put("/api/chargers/CP-1", json={"registration": "Rejected"})
    async with bench.point() as point:
        await point.socket.send('[2,"a","Heartbeat",{}]')
        await point.socket.send('[2,"b","Nonsense",{}]')
        assert (await point.boot())["status"] == "Rejected"
        asked = await bench.central.http.post(
            "/api/chargers/CP-1/commands", json={"action": "ClearCache"}
        )
        assert asked.status_code == 409
        assert (await point.boot())["status"] == "Rejected"
        assert point.asked == []


async def test_r_1_4_a_mere_reconnect_needs_no_boot(bench: Bench) -> None:
    """J 5.4: known and accepted before, it goes on."""
    async with bench.booted():
        pass
    async with bench.point() as point:
        assert "currentTime" in await point.call("Heartbeat")
        assert point.asked == []


async def test_r_1_5_facts_from_before_the_first_boot_are_kept(bench: Bench) -> None:
    """A point we forgot: transactions are taken, the rest refused, and a boot is asked for."""
    async with bench.point() as point:
        point.script["TriggerMessage"] = Silent()
        assert await point.refused("Heartbeat") == "SecurityError"
        assert (await point.start("CARD"))["transactionId"] > 0
        asked = await point.until_asked("TriggerMessage")
        assert asked.payload == {"requestedMessage": "BootNotification"}
        await point.answer(asked, {"status": "Accepted"})
        assert (await point.boot())["status"] == "Accepted"


async def test_r_1_6_statuses_come_in_the_order_of_the_point(bench: Bench) -> None:
    """Six connectors, each with its own; 0 is the point itself; times are the point's."""
    async with bench.booted(connectors=6) as point:
        await point.status(3, "Preparing", timestamp="2024-05-01T10:00:00Z")
        await point.status(0, "Unavailable")
        shown = {n: await bench.connector(n) for n in range(7)}
    assert {n: one["status"] for n, one in shown.items()} == {
        **dict.fromkeys(range(1, 7), "Available"),
        0: "Unavailable",
        3: "Preparing",
    }
    assert shown[3]["since"] == "2024-05-01T10:00:00.000Z"


@pytest.mark.parametrize("status", ["Charging", "SuspendedEV", "SuspendedEVSE", "Reserved"])
async def test_r_1_7_every_status_is_taken_at_any_time(bench: Bench, status: str) -> None:
    """What happened is never refused for coming out of order."""
    async with bench.booted() as point:
        await point.status(1, status, timestamp=now())
        await point.status(1, "Finishing", info="x" * 50, vendorId="v" * 255)
        assert (await bench.connector())["status"] == "Finishing"
