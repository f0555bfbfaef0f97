"""Ruling 8's table, row by row, as the other end of the wire sees it.

What the owner of the connection decides (profiles that are off, ChangeConfiguration, the register
of stations) is tested where it is decided; here stands what `edge.ocppj` answers for both sides.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from edge.ocppj.charge_point import IncomingCall
from edge.ocppj.errors import CallRefused, Code
from edge.ocppj.guard import DESCRIPTION_MAX
from tests.ocppj.payloads import AT, LAWFUL, PROFILE
from tests.ocppj.serving import serving

TOO_LONG = "x" * 21


def profile(**changes: Any) -> dict[str, Any]:
    return {"connectorId": 1, "csChargingProfiles": {**deepcopy(PROFILE), **changes}}


def schedule(**changes: Any) -> dict[str, Any]:
    return profile(chargingSchedule={**PROFILE["chargingSchedule"], **changes})


CALLS: dict[str, tuple[str, Any, Code]] = {
    # action not in 1.6 or the whitepaper
    "an action nobody knows": ("Teleport", {}, Code.NOT_IMPLEMENTED),
    "an action of 2.0.1": ("TransactionEvent", {}, Code.NOT_IMPLEMENTED),
    "an action in another case": ("clearCache", {}, Code.NOT_IMPLEMENTED),
    "a message that is an answer": ("ResetResponse", {"status": "Accepted"}, Code.NOT_IMPLEMENTED),
    # required field missing
    "a field is missing": ("Reset", {}, Code.PROTOCOL_ERROR),
    "an inner field is missing": (
        "SendLocalList",
        {"listVersion": 1, "updateType": "Full", "localAuthorizationList": [{}]},
        Code.PROTOCOL_ERROR,
    ),
    "null where fields are required": ("Reset", None, Code.PROTOCOL_ERROR),
    # extra field, payload not an object
    "a field too many": ("ClearCache", {"now": True}, Code.FORMATION_VIOLATION),
    "an inner field too many": ("SetChargingProfile", profile(a=1), Code.FORMATION_VIOLATION),
    "the payload is a list": ("ClearCache", [], Code.FORMATION_VIOLATION),
    "the payload is text": ("ClearCache", "{}", Code.FORMATION_VIOLATION),
    "the payload is a number": ("ClearCache", 0, Code.FORMATION_VIOLATION),
    # wrong JSON type, CiString too long, no dateTime
    "text for a number": ("UnlockConnector", {"connectorId": "1"}, Code.TYPE_CONSTRAINT_VIOLATION),
    "a fraction for a whole number": (
        "UnlockConnector",
        {"connectorId": 1.5},
        Code.TYPE_CONSTRAINT_VIOLATION,
    ),
    "null for a field": ("Reset", {"type": None}, Code.TYPE_CONSTRAINT_VIOLATION),
    "a CiString20 of 21": (
        "RemoteStartTransaction",
        {"idTag": TOO_LONG},
        Code.TYPE_CONSTRAINT_VIOLATION,
    ),
    "a CiString500 of 501": (
        "ChangeConfiguration",
        {"key": "CpoName", "value": "x" * 501},
        Code.TYPE_CONSTRAINT_VIOLATION,
    ),
    "no dateTime": (
        "ReserveNow",
        {**LAWFUL["ReserveNow"], "expiryDate": "tomorrow"},
        Code.TYPE_CONSTRAINT_VIOLATION,
    ),
    "text that no store can hold": (
        "RemoteStartTransaction",
        {"idTag": "a\0b"},
        Code.TYPE_CONSTRAINT_VIOLATION,
    ),
    # enum value unknown, number out of the stated range
    "a word nobody knows": ("Reset", {"type": "Warm"}, Code.PROPERTY_CONSTRAINT_VIOLATION),
    "a word in another case": ("Reset", {"type": "soft"}, Code.PROPERTY_CONSTRAINT_VIOLATION),
    "a connector below 0": (
        "ChangeAvailability",
        {"connectorId": -1, "type": "Operative"},
        Code.PROPERTY_CONSTRAINT_VIOLATION,
    ),
    "connector 0 where there must be one": (
        "UnlockConnector",
        {"connectorId": 0},
        Code.PROPERTY_CONSTRAINT_VIOLATION,
    ),
    "connector 0 to start on": (
        "RemoteStartTransaction",
        {"idTag": "A", "connectorId": 0},
        Code.PROPERTY_CONSTRAINT_VIOLATION,
    ),
    "a stack level below 0": (
        "SetChargingProfile",
        profile(stackLevel=-1),
        Code.PROPERTY_CONSTRAINT_VIOLATION,
    ),
    "a rate unit nobody knows": (
        "SetChargingProfile",
        schedule(chargingRateUnit="kW"),
        Code.PROPERTY_CONSTRAINT_VIOLATION,
    ),
    "a limit of hundredths": (
        "SetChargingProfile",
        schedule(minChargingRate=6.05),
        Code.PROPERTY_CONSTRAINT_VIOLATION,
    ),
    "a number beyond what a store holds": (
        "RemoteStopTransaction",
        {"transactionId": 10**18},
        Code.PROPERTY_CONSTRAINT_VIOLATION,
    ),
    # too few or too many items
    "a schedule without periods": (
        "SetChargingProfile",
        schedule(chargingSchedulePeriod=[]),
        Code.OCCURENCE_CONSTRAINT_VIOLATION,
    ),
}


@pytest.mark.parametrize(("action", "payload", "code"), CALLS.values(), ids=CALLS)
async def test_a_call_that_breaks_one_rule_is_refused_with_that_rule_s_code(
    action: str, payload: Any, code: Code
) -> None:
    """And the next good one is served."""
    async with serving() as (point, far):
        await far.tell([2, "a", action, payload])
        refusal = await far.hear()
        assert refusal[:3] == [4, "a", code]
        assert isinstance(refusal[3], str)
        assert refusal[4:] == [{}]
        await far.tell([2, "b", "Heartbeat", {}])
        assert await far.hear() == [3, "b", {"currentTime": AT}]
        assert point.counters.refused == 1


@pytest.mark.parametrize("action", ["Heartbeat", "ClearCache", "GetConfiguration"])
async def test_null_is_empty_where_nothing_is_required(action: str) -> None:
    """J 4.2.1, 4.2.2."""
    heard: list[IncomingCall] = []

    async def refuse(incoming: IncomingCall) -> dict[str, Any]:
        heard.append(incoming)
        raise CallRefused(Code.GENERIC_ERROR)

    async with serving(refuse) as (_, far):
        await far.tell([2, "a", action, None])
        await far.hear()
    assert heard == [IncomingCall(action, "a", {})]


MISSHAPEN: dict[str, tuple[list[Any], str | int]] = {
    "an id of 37": ([2, "i" * 37, "Heartbeat", {}], "i" * 37),
    "an id of 255": ([2, "i" * 255, "Heartbeat", {}], "i" * 255),
    "an id that is a number": ([2, 7, "Heartbeat", {}], 7),
    "three elements": ([2, "a", "Heartbeat"], "a"),
    "five elements": ([2, "a", "Heartbeat", {}, {}], "a"),
    "an action that is no text": ([2, "a", 7, {}], "a"),
}


@pytest.mark.parametrize(("frame", "unique_id"), MISSHAPEN.values(), ids=MISSHAPEN)
async def test_a_misshapen_call_with_a_readable_id_is_a_generic_error(
    frame: list[Any], unique_id: str | int
) -> None:
    """J 4.2.3 no. 2: the id echoed exactly."""
    async with serving() as (_, far):
        await far.tell(frame)
        assert (await far.hear())[:3] == [4, unique_id, Code.GENERIC_ERROR]


SILENT: dict[str, str] = {
    "not JSON": '[2,"a","Heartbeat",{}',
    "not a list": '{"2":"a"}',
    "no readable id": '[2,null,"Heartbeat",{}]',
    "an id of 256": json.dumps([2, "i" * 256, "Heartbeat", {}]),
    "an unknown message type": '[5,"a","Heartbeat",{}]',
    "a result nobody waits for": '[3,"a",{}]',
    "an error nobody waits for": '[4,"a","InternalError","",{}]',
    "a result that is none": '[3,"a"]',
}


@pytest.mark.parametrize("frame", SILENT.values(), ids=SILENT)
async def test_what_is_no_request_is_not_answered(frame: str) -> None:
    """J 4.1.3 "SHALL ignore"; counted."""
    async with serving() as (point, far):
        await far.tell(frame)
        await far.tell([2, "b", "Heartbeat", {}])
        assert (await far.hear())[:2] == [3, "b"]
        assert point.counters.ignored.total() == 1


@pytest.mark.parametrize(
    "frame", [CALLS["a field is missing"][:2], CALLS["an action nobody knows"][:2]]
)
async def test_while_rejected_nothing_is_answered(frame: tuple[str, Any]) -> None:
    """S 4.2."""
    async with serving() as (point, far):
        point.muted = True
        await far.tell([2, "a", *frame])
        await far.tell([2, 7, *frame])
        await far.tell([2, "b", "Heartbeat", {}])
        assert (await far.hear())[:2] == [3, "b"]


async def test_a_refusal_is_no_longer_than_an_error_description() -> None:
    """J errata: errorDescription has 255 characters."""

    async def wordy(_incoming: IncomingCall) -> dict[str, Any]:
        raise CallRefused(Code.SECURITY_ERROR, "no " * 200)

    async with serving(wordy) as (_, far):
        await far.tell([2, "a", "ClearCache", {}])
        assert len((await far.hear())[3]) == DESCRIPTION_MAX == 255


def test_the_codes_are_those_of_1_6() -> None:
    """J table 7 with errata 5: its spellings are the standard's own."""
    assert {str(code) for code in Code} == {
        "NotImplemented", "NotSupported", "InternalError", "ProtocolError", "SecurityError",
        "FormationViolation", "PropertyConstraintViolation", "OccurenceConstraintViolation",
        "TypeConstraintViolation", "GenericError",
    }  # fmt: skip
