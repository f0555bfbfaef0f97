"""Charging profiles, and words of vendors."""

from __future__ import annotations

from typing import Any

from tests.spec_csms.bench import Bench

FROM, TO = "2026-11-27T00:00:00.000Z", "2026-12-27T00:00:00.000Z"


def profile(purpose: str, **more: Any) -> dict[str, Any]:
    schedule = {
        "duration": 86400,
        "startSchedule": FROM,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 6.1, "numberPhases": 3},
            {"startPeriod": 3600, "limit": 16, "numberPhases": 3},
        ],
    }
    return {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule,
        **more,
    }


async def test_tc_056_a_default_profile_is_set(bench: Bench) -> None:
    """Absolute, with validity, schedule, unit, phases: whole, as asked."""
    asked = {
        "connectorId": 1,
        "csChargingProfiles": profile("TxDefaultProfile", validFrom=FROM, validTo=TO),
    }
    async with bench.booted() as point:
        assert await bench.told(point, "SetChargingProfile", asked) == {"status": "Accepted"}


async def test_tc_057_a_profile_of_the_running_session(bench: Bench) -> None:
    """With its number."""
    async with bench.booted() as point:
        number = (await point.start("CARD"))["transactionId"]
        asked = {"connectorId": 1, "csChargingProfiles": profile("TxProfile", transactionId=number)}
        assert await bench.told(point, "SetChargingProfile", asked) == {"status": "Accepted"}


async def test_tc_059_a_remote_start_with_a_profile(bench: Bench) -> None:
    """TxProfile, Relative, first period 0, no transaction."""
    relative = profile("TxProfile", chargingProfileKind="Relative")
    del relative["chargingSchedule"]["startSchedule"]
    asked = {"connectorId": 1, "idTag": "CARD", "chargingProfile": relative}
    async with bench.booted() as point:
        assert await bench.told(point, "RemoteStartTransaction", asked) == {"status": "Accepted"}
        assert (await point.start("CARD"))["transactionId"] > 0


async def test_tc_066_the_composite_schedule_is_asked_for(bench: Bench) -> None:
    """Connector, duration, unit; the answer is shown whole."""
    answer = {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": FROM,
        "chargingSchedule": profile("TxProfile")["chargingSchedule"],
    }
    asked = {"connectorId": 1, "duration": 300, "chargingRateUnit": "W"}
    async with bench.booted() as point:
        point.script["GetCompositeSchedule"] = answer
        assert await bench.told(point, "GetCompositeSchedule", asked) == answer


async def test_tc_067_profiles_are_cleared(bench: Bench) -> None:
    """By id only; by connector, purpose and level; all of them."""
    async with bench.booted() as point:
        for asked in (
            {"id": 1},
            {"connectorId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 1},
            {},
        ):
            answer = await bench.told(point, "ClearChargingProfile", asked)
            assert answer == {"status": "Accepted"}
        point.script["ClearChargingProfile"] = {"status": "Unknown"}
        assert await bench.told(point, "ClearChargingProfile", {"id": 9}) == {"status": "Unknown"}


async def test_tc_064_words_of_an_unknown_vendor(bench: Bench) -> None:
    """UnknownVendorId, never CALLERROR."""
    async with bench.booted() as point:
        for told in (
            {"vendorId": "nobody"},
            {"vendorId": "nobody", "messageId": "m", "data": "x" * 10_000},
        ):
            assert await point.call("DataTransfer", told) == {"status": "UnknownVendorId"}


async def test_r_8_1_what_the_standard_forbids_us_is_refused_here(bench: Bench) -> None:
    """5.16 and errata 3.41: another purpose, or a transaction, in a RemoteStart."""
    async with bench.booted() as point:
        for wrong in (profile("TxDefaultProfile"), profile("TxProfile", transactionId=1)):
            payload = {"idTag": "CARD", "chargingProfile": wrong}
            answer = await bench.central.http.post(
                "/api/chargers/CP-1/commands",
                json={"action": "RemoteStartTransaction", "payload": payload},
            )
            assert answer.status_code == 409
        assert point.asked == []


async def test_r_8_2_a_limit_is_sent_in_tenths(bench: Bench) -> None:
    """7.14: multipleOf 0.1; what is no tenth is refused before it leaves."""
    wrong = profile("TxDefaultProfile")
    wrong["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] = 6.05
    async with bench.booted() as point:
        answer = await bench.central.http.post(
            "/api/chargers/CP-1/commands",
            json={
                "action": "SetChargingProfile",
                "payload": {"connectorId": 1, "csChargingProfiles": wrong},
            },
        )
        assert answer.status_code == 422
        assert point.asked == []


async def test_r_8_3_data_goes_to_a_vendor_as_given(bench: Bench) -> None:
    """DataTransfer from here, and its answer."""
    answer = {"status": "Accepted", "data": '{"a":1}'}
    async with bench.booted() as point:
        point.script["DataTransfer"] = answer
        asked = {"vendorId": "v", "messageId": "m", "data": "ü"}
        assert await bench.told(point, "DataTransfer", asked) == answer
        long = {"vendorId": "x" * 256}
        assert await point.refused("DataTransfer", long) == "TypeConstraintViolation"
