"""The local list as an operator sends it."""

from __future__ import annotations

from typing import Any

from tests.spec_csms.bench import Bench

ENTRY = {"idTag": "CARD", "idTagInfo": {"status": "Accepted"}}
OTHER = {"idTag": "OTHER", "idTagInfo": {"status": "Blocked", "parentIdTag": "FAMILY"}}
FULL: dict[str, Any] = {
    "listVersion": 1,
    "updateType": "Full",
    "localAuthorizationList": [ENTRY, OTHER],
}
DIFFERENTIAL: dict[str, Any] = {
    "listVersion": 2,
    "updateType": "Differential",
    "localAuthorizationList": [OTHER],
}


async def version(bench: Bench, number: int) -> None:
    async with bench.booted() as point:
        point.script["GetLocalListVersion"] = {"listVersion": number}
        assert await bench.told(point, "GetLocalListVersion") == {"listVersion": number}


async def test_tc_042_1_a_point_without_lists_says_minus_one(bench: Bench) -> None:
    """-1 is an answer."""
    await version(bench, -1)


async def test_tc_042_2_an_empty_list_has_version_0(bench: Bench) -> None:
    """0 is an answer."""
    await version(bench, 0)


async def sent(bench: Bench, payload: dict[str, Any], status: str) -> None:
    async with bench.booted() as point:
        point.script["SendLocalList"] = {"status": status}
        assert await bench.told(point, "SendLocalList", payload) == {"status": status}


async def test_tc_043_1_a_list_where_there_are_none(bench: Bench) -> None:
    """NotSupported is shown."""
    await sent(bench, FULL, "NotSupported")


async def test_tc_043_3_a_full_list(bench: Bench) -> None:
    """All entries, as they were given."""
    await sent(bench, FULL, "Accepted")


async def test_tc_043_4_a_differential_list(bench: Bench) -> None:
    """The changed entry only; the version rises."""
    async with bench.booted() as point:
        await bench.told(point, "SendLocalList", FULL)
        assert await bench.told(point, "SendLocalList", DIFFERENTIAL) == {"status": "Accepted"}
        versions = [one.payload["listVersion"] for one in point.asked]
    assert versions == sorted(set(versions))


async def test_tc_043_5_a_list_that_fails(bench: Bench) -> None:
    """Failed is shown; a full one can follow."""
    async with bench.booted() as point:
        point.script["SendLocalList"] = {"status": "Failed"}
        assert await bench.told(point, "SendLocalList", DIFFERENTIAL) == {"status": "Failed"}
        point.script["SendLocalList"] = {"status": "Accepted"}
        assert await bench.told(point, "SendLocalList", FULL) == {"status": "Accepted"}


async def test_r_5_1_a_list_never_has_version_0(bench: Bench) -> None:
    """Errata 3.52: refused here, with the reason, and sent by nobody."""
    async with bench.booted() as point:
        for number in (0, -1):
            answer = await bench.central.http.post(
                "/api/chargers/CP-1/commands",
                json={"action": "SendLocalList", "payload": {**FULL, "listVersion": number}},
            )
            assert answer.status_code == 409
            assert "3.52" in answer.json()["detail"]
        assert point.asked == []
