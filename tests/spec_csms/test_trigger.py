"""Triggered messages."""

from __future__ import annotations

from tests.spec_csms.bench import Bench
from tests.spec_csms.point import Refusal


async def test_tc_054_each_message_can_be_triggered(bench: Bench) -> None:
    """Asked as given; the message that follows is answered and seen to belong to it."""
    async with bench.booted() as point:

        async def triggered(message: str, follows: object, **more: object) -> None:
            asked = {"requestedMessage": message, **more}
            row = await bench.ask("TriggerMessage", asked)
            assert point.asked[-1].payload == asked
            assert (await bench.command(row))["state"] == "answered"
            await follows  # type: ignore[misc]  # a call of the point, not begun yet
            assert (await bench.command(row))["state"] == "observed"

        await triggered("MeterValues", point.meter(None), connectorId=1)
        await triggered("Heartbeat", point.call("Heartbeat"))
        await triggered("StatusNotification", point.status(1, "Available"), connectorId=1)
        idle = {"status": "Idle"}
        for message in ("DiagnosticsStatusNotification", "FirmwareStatusNotification"):
            await triggered(message, point.call(message, idle))


async def test_tc_055_a_trigger_that_is_rejected_is_shown(bench: Bench) -> None:
    """An unknown connector reaches the wire."""
    async with bench.booted() as point:
        point.script["TriggerMessage"] = {"status": "Rejected"}
        asked = {"requestedMessage": "MeterValues", "connectorId": 99}
        assert await bench.told(point, "TriggerMessage", asked) == {"status": "Rejected"}


async def test_r_7_1_a_boot_is_not_triggered_after_acceptance(bench: Bench) -> None:
    """Errata 3.40: refused here, by both triggers, with the reason."""
    async with bench.booted() as point:
        for action in ("TriggerMessage", "ExtendedTriggerMessage"):
            answer = await bench.central.http.post(
                "/api/chargers/CP-1/commands",
                json={"action": action, "payload": {"requestedMessage": "BootNotification"}},
            )
            assert answer.status_code == 409
            assert "3.40" in answer.json()["detail"]
        assert point.asked == []


async def test_r_7_2_a_point_without_triggers_is_survived(bench: Bench) -> None:
    """NotImplemented, as a status or as a CALLERROR."""
    async with bench.booted() as point:
        asked = {"requestedMessage": "FirmwareStatusNotification"}
        point.script["TriggerMessage"] = {"status": "NotImplemented"}
        assert await bench.told(point, "TriggerMessage", asked) == {"status": "NotImplemented"}
        point.script["TriggerMessage"] = Refusal("NotImplemented")
        assert (await bench.ask("TriggerMessage", asked))["state"] == "failed"
