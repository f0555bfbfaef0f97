"""Local sessions, cards, and what comes late."""

from __future__ import annotations

import pytest

from tests.spec_csms.bench import Bench
from tests.spec_csms.point import now

LONG_AGO, LATER = "2024-05-01T10:00:00.000Z", "2024-05-01T11:30:00.000Z"


async def closed(bench: Bench, transaction_id: int, reason: str, tag: str = "CARD") -> None:
    """The row is there, whole, and closed for this reason."""
    session = await bench.session(transaction_id)
    assert (session["id_tag"], session["stop_reason"]) == (tag, reason)
    assert session["energy_wh"] == 4000
    assert session["stopped_at"] is not None


async def test_tc_003_plug_first_then_card(bench: Bench) -> None:
    """Preparing, Authorize, Start, Charging, SuspendedEV; the same card ends it."""
    await bench.card("CARD")
    async with bench.booted() as point:
        await point.status(1, "Preparing")
        assert (await point.authorize("CARD"))["status"] == "Accepted"
        begun = await point.start("CARD")
        assert begun["idTagInfo"]["status"] == "Accepted"
        assert begun["transactionId"] > 0
        for status in ("Charging", "SuspendedEV", "Charging"):
            await point.status(1, status)
        assert await point.meter(begun["transactionId"]) == {}
        ended = await point.stop(begun["transactionId"], idTag="CARD")
        assert ended["idTagInfo"]["status"] == "Accepted"
        await point.status(1, "Finishing")
        await point.status(1, "Available")
        await closed(bench, begun["transactionId"], "Local")


async def test_tc_004_1_card_first_then_plug(bench: Bench) -> None:
    """Authorize, Preparing, Start, Charging; ended and unplugged."""
    await bench.card("CARD")
    async with bench.booted() as point:
        assert (await point.authorize("CARD"))["status"] == "Accepted"
        await point.status(1, "Preparing")
        begun = await point.start("CARD")
        await point.status(1, "Charging")
        await point.stop(begun["transactionId"])
        await point.status(1, "Available")
        await closed(bench, begun["transactionId"], "Local")


async def test_tc_004_2_card_and_no_cable_leaves_no_row(bench: Bench) -> None:
    """The time runs out: Available again, no session."""
    await bench.card("CARD")
    async with bench.booted() as point:
        assert (await point.authorize("CARD"))["status"] == "Accepted"
        await point.status(1, "Preparing")
        await point.status(1, "Available")
        assert await bench.sessions() == []


async def test_tc_005_1_unplugged_at_the_car_ends_it(bench: Bench) -> None:
    """StopTransaction(EVDisconnected) is answered and the row closed with it."""
    await bench.card("CARD")
    async with bench.booted() as point:
        begun = await point.start("CARD")
        await point.status(1, "SuspendedEV")
        await point.stop(begun["transactionId"], reason="EVDisconnected")
        for status in ("Finishing", "Available"):
            await point.status(1, status)
        await closed(bench, begun["transactionId"], "EVDisconnected")


async def test_tc_007_a_start_needs_no_authorize_before(bench: Bench) -> None:
    """A cached card."""
    await bench.card("CARD")
    async with bench.booted() as point:
        begun = await point.start("CARD")
        assert begun["idTagInfo"]["status"] == "Accepted"
        assert begun["transactionId"] > 0


async def test_tc_061_the_cache_is_cleared(bench: Bench) -> None:
    """ClearCache reaches the wire; the card is authorised afresh."""
    await bench.card("CARD")
    async with bench.booted() as point:
        assert await bench.told(point, "ClearCache") == {"status": "Accepted"}
        assert (await point.authorize("CARD"))["status"] == "Accepted"


async def refused(bench: Bench, tag: str, status: str) -> None:
    async with bench.booted() as point:
        assert (await point.authorize(tag))["status"] == status
        assert await bench.sessions() == []


async def test_tc_023_1_an_unknown_card_is_invalid(bench: Bench) -> None:
    """No session comes of it."""
    await refused(bench, "STRANGER", "Invalid")


async def test_tc_023_2_an_expired_card_is_expired(bench: Bench) -> None:
    """No session comes of it."""
    await bench.card("OLD", expiry="2020-01-01T00:00:00Z")
    await refused(bench, "OLD", "Expired")


async def test_tc_023_3_a_blocked_card_is_blocked(bench: Bench) -> None:
    """No session comes of it."""
    await bench.card("BAD", status="Blocked")
    await refused(bench, "BAD", "Blocked")


async def late(bench: Bench, tag: str, reason: str, verdict: str) -> None:
    """Started and ended while the line was down: told later, with the times of then."""
    async with bench.booted() as point:
        begun = await point.start(tag, at=LONG_AGO)
        assert begun["idTagInfo"]["status"] == verdict
        assert begun["transactionId"] > 0
        await point.stop(begun["transactionId"], at=LATER, reason=reason)
        session = await bench.session(begun["transactionId"])
    assert (session["started_at"], session["stopped_at"]) == (LONG_AGO, LATER)
    assert (session["verdict"], session["stop_reason"]) == (verdict, reason)
    assert session["energy_wh"] == 4000


async def test_tc_037_1_a_late_start_keeps_its_time(bench: Bench) -> None:
    """A card that is known."""
    await bench.card("CARD")
    await late(bench, "CARD", "Local", "Accepted")


async def test_tc_037_3_a_late_start_of_a_stranger_has_a_number(bench: Bench) -> None:
    """Invalid, yet a transaction; the point ends it as DeAuthorized."""
    await late(bench, "STRANGER", "DeAuthorized", "Invalid")


async def test_tc_039_a_whole_session_is_told_late(bench: Bench) -> None:
    """Begun and ended before the line came back."""
    await bench.card("CARD")
    await late(bench, "CARD", "Local", "Accepted")


async def test_r_2_1_cards_compare_without_case(bench: Bench) -> None:
    """An idTag is a CiString."""
    await bench.card("aBc1")
    async with bench.booted() as point:
        assert (await point.authorize("AbC1"))["status"] == "Accepted"


@pytest.mark.parametrize("how", ["id", "content"])
async def test_r_2_2_a_start_told_twice_is_one_session(bench: Bench, how: str) -> None:
    """With its message id again, or anew with the same connector, time, card and register."""
    await bench.card("CARD")
    async with bench.booted() as point:
        payload = {"connectorId": 1, "idTag": "CARD", "meterStart": 7, "timestamp": now()}
        one = await point.call("StartTransaction", payload, unique_id="first")
        again = "first" if how == "id" else "second"
        assert await point.call("StartTransaction", payload, unique_id=again) == one
        assert len(await bench.sessions()) == 1


async def test_r_2_3_a_stop_told_twice_changes_nothing(bench: Bench) -> None:
    """The same end; and another end is kept for the operator, the first stands."""
    await bench.card("CARD")
    async with bench.booted() as point:
        number = (await point.start("CARD", at=LONG_AGO))["transactionId"]
        for _ in range(2):
            await point.stop(number, at=LATER)
        assert (await bench.session(number))["events"] == []
        await point.stop(number, at=LATER, meterStop=9000)
        session = await bench.session(number)
    assert session["energy_wh"] == 4000
    assert [one["kind"] for one in session["events"]] == ["conflict_stop_differs"]


async def test_r_2_4_the_end_of_an_unknown_session_is_answered_and_kept(bench: Bench) -> None:
    """S 4.10: CALLRESULT, never CALLERROR; the operator finds it."""
    async with bench.booted() as point:
        assert await point.stop(4711, at=LATER, idTag="CARD") == {
            "idTagInfo": {"status": "Invalid"}
        }
    [event] = await bench.events()
    assert event["kind"] == "conflict_stop_unknown"
    assert event["details"]["meterStop"] == 5000


async def test_r_2_5_transaction_numbers_are_new_and_positive(bench: Bench) -> None:
    """Of two connectors and two points; never 0, never twice."""
    async with bench.booted("CP-1", 2) as one, bench.booted("CP-2") as two:
        numbers = [
            (await point.start("CARD", connectorId=connector))["transactionId"]
            for point, connector in ((one, 1), (one, 2), (two, 1))
        ]
    assert len(set(numbers)) == 3
    assert min(numbers) > 0


async def test_r_2_6_a_stranger_may_start_and_is_shown_as_one(bench: Bench) -> None:
    """Decision 17: Invalid in idTagInfo, and a session all the same."""
    async with bench.booted() as point:
        begun = await point.start("STRANGER")
        assert begun["idTagInfo"]["status"] == "Invalid"
        assert (await bench.session(begun["transactionId"]))["verdict"] == "Invalid"
