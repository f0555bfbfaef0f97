"""Remote start and stop, reset, unlock, availability."""

from __future__ import annotations

import pytest

from tests.spec_csms.bench import Bench
from tests.spec_csms.point import HangUp, Point, Refusal

START = {"idTag": "CARD", "connectorId": 1}
REJECTED = {"status": "Rejected"}


async def test_tc_010_a_remote_start_becomes_a_session(bench: Bench) -> None:
    """Cable first; the operator sees which session it was."""
    await bench.card("CARD")
    async with bench.booted() as point:
        await point.status(1, "Preparing")
        row = await bench.ask("RemoteStartTransaction", START)
        assert point.asked[0].payload == START
        assert (await point.authorize("CARD"))["status"] == "Accepted"
        begun = await point.start("CARD")
        await point.status(1, "Charging")
        assert (await bench.observed(row))["transactionId"] == begun["transactionId"]


async def test_tc_011_1_a_remote_start_before_the_cable(bench: Bench) -> None:
    """Accepted; the cable comes later."""
    await bench.card("CARD")
    async with bench.booted() as point:
        assert await bench.told(point, "RemoteStartTransaction", {"idTag": "CARD"}) == {
            "status": "Accepted"
        }
        await point.status(1, "Preparing")
        begun = await point.start("CARD")
        assert begun["idTagInfo"]["status"] == "Accepted"


async def test_tc_011_2_a_remote_start_without_a_cable_leaves_no_row(bench: Bench) -> None:
    """The time runs out: Available, no session, nothing observed."""
    async with bench.booted() as point:
        row = await bench.ask("RemoteStartTransaction", START)
        await point.status(1, "Preparing")
        await point.status(1, "Available")
        assert [one for one in await bench.sessions() if one["transaction_id"]] == []
        assert (await bench.command(row))["state"] == "answered"


async def test_tc_012_a_remote_stop_ends_the_session(bench: Bench) -> None:
    """By its number; StopTransaction(Remote) closes the row."""
    await bench.card("CARD")
    async with bench.booted() as point:
        number = (await point.start("CARD"))["transactionId"]
        row = await bench.ask("RemoteStopTransaction", {"transactionId": number})
        assert point.asked[0].payload == {"transactionId": number}
        await point.stop(number, reason="Remote")
        assert (await bench.session(number))["stop_reason"] == "Remote"
        assert (await bench.observed(row))["reason"] == "Remote"


async def reset(bench: Bench, kind: str, *, drops_the_line: bool = False) -> None:
    """Reset with a session under way; the boot that follows is seen to belong to it."""
    await bench.card("CARD")
    async with bench.booted() as point:
        number = (await point.start("CARD"))["transactionId"]
        if drops_the_line:
            point.script["Reset"] = HangUp()
        row = await bench.ask("Reset", {"type": kind})
        assert point.asked[0].payload == {"type": kind}
    async with bench.point() as point:
        assert (await point.boot())["status"] == "Accepted"
        await point.status(1, "Available")
        await point.stop(number, reason=f"{kind}Reset")
        assert (await bench.session(number))["stop_reason"] == f"{kind}Reset"
        assert (await bench.observed(row))["chargePointVendor"] == "Vendor"


async def test_tc_013_a_hard_reset_may_drop_the_line(bench: Bench) -> None:
    """Even before its answer."""
    await reset(bench, "Hard", drops_the_line=True)


async def test_tc_014_a_soft_reset(bench: Bench) -> None:
    """Answered, then the boot."""
    await reset(bench, "Soft")


async def unlock(bench: Bench, status: str, connector: int = 1) -> Point | None:
    async with bench.booted() as point:
        point.script["UnlockConnector"] = {"status": status}
        answer = await bench.told(point, "UnlockConnector", {"connectorId": connector})
        assert answer == {"status": status}
    return None


async def test_tc_017_1_unlock_without_a_session(bench: Bench) -> None:
    """Unlocked is shown."""
    await unlock(bench, "Unlocked")


async def test_tc_017_2_unlock_of_a_fixed_cable(bench: Bench) -> None:
    """NotSupported is shown."""
    await unlock(bench, "NotSupported")


async def test_tc_018_1_unlock_ends_a_session(bench: Bench) -> None:
    """Finishing, StopTransaction(UnlockCommand), Available are answered."""
    await bench.card("CARD")
    async with bench.booted() as point:
        number = (await point.start("CARD"))["transactionId"]
        row = await bench.ask("UnlockConnector", {"connectorId": 1})
        await point.status(1, "Finishing")
        await point.stop(number, reason="UnlockCommand")
        await point.status(1, "Available")
        assert (await bench.session(number))["stop_reason"] == "UnlockCommand"
        assert (await bench.observed(row))["status"] == "Finishing"


async def test_tc_026_a_rejected_remote_start_is_shown(bench: Bench) -> None:
    """And leaves no session behind."""
    async with bench.booted() as point:
        point.script["RemoteStartTransaction"] = REJECTED
        assert await bench.told(point, "RemoteStartTransaction", START) == REJECTED
        assert await bench.sessions() == []


async def test_tc_028_a_rejected_remote_stop_is_shown(bench: Bench) -> None:
    """An unknown number reaches the wire all the same."""
    async with bench.booted() as point:
        point.script["RemoteStopTransaction"] = REJECTED
        asked = {"transactionId": 4711}
        assert await bench.told(point, "RemoteStopTransaction", asked) == REJECTED
        assert await bench.sessions() == []


async def test_tc_030_an_unlock_that_fails_is_shown(bench: Bench) -> None:
    """UnlockFailed."""
    await unlock(bench, "UnlockFailed")


async def test_tc_031_unlock_of_an_unknown_connector(bench: Bench) -> None:
    """Connector 99 reaches the wire; NotSupported is shown."""
    await unlock(bench, "NotSupported", connector=99)


@pytest.mark.parametrize(
    ("kind", "status"), [("Inoperative", "Unavailable"), ("Operative", "Available")]
)
async def test_r_3_1_availability_is_commanded_and_reported_apart(
    bench: Bench, kind: str, status: str
) -> None:
    """ChangeAvailability of connector and whole point; observed by the status it asks for."""
    async with bench.booted() as point:
        for connector in (1, 0):
            row = await bench.ask("ChangeAvailability", {"connectorId": connector, "type": kind})
            await point.status(connector, status)
            assert (await bench.observed(row))["connectorId"] == connector


async def test_r_3_2_scheduled_is_no_failure(bench: Bench) -> None:
    """Availability after the session: the status comes later, and only then is it done."""
    async with bench.booted() as point:
        point.script["ChangeAvailability"] = {"status": "Scheduled"}
        row = await bench.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
        await point.status(1, "Charging")
        assert (await bench.command(row))["state"] == "answered"
        await point.status(1, "Unavailable")
        assert (await bench.command(row))["state"] == "observed"


async def test_r_3_3_a_callerror_to_any_operation_is_survived(bench: Bench) -> None:
    """Shown to the operator; the next is sent."""
    async with bench.booted() as point:
        for code in ("NotSupported", "InternalError", "FormatViolation", "SomethingElse"):
            point.script["ClearCache"] = Refusal(code)
            row = await bench.ask("ClearCache")
            assert row["state"] == "failed"
            assert code in row["problem"]
        assert await bench.told(point, "GetLocalListVersion") == {"listVersion": 0}


async def test_r_3_4_what_may_have_moved_power_is_never_repeated(bench: Bench) -> None:
    """The line goes under a RemoteStart: unknown, and not sent on the next line."""
    async with bench.booted() as point:
        point.script["RemoteStartTransaction"] = HangUp()
        row = await bench.ask("RemoteStartTransaction", START)
        assert row["state"] == "failed"
    async with bench.point() as point:
        await point.boot()
        assert "currentTime" in await point.call("Heartbeat")
        assert point.asked == []


async def test_r_3_5_an_answer_that_breaks_its_schema_is_kept(bench: Bench) -> None:
    """Read with tolerance: the operator sees what the point said."""
    async with bench.booted() as point:
        point.script["ClearCache"] = {"status": "Perhaps", "more": 1}
        assert (await bench.ask("ClearCache"))["result"] == {"status": "Perhaps", "more": 1}
