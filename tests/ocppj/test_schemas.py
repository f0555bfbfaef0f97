"""Payloads are judged like the stock validator does, and refused with ruling 8's codes."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from jsonschema import Draft4Validator

from edge.core.vocabulary import CallErrorCode
from edge.ocppj import schemas
from edge.ocppj.errors import CallRefused, Code
from tests.ocppj.payloads import AT, LAWFUL, PROFILE

DIGITS = "1" * 30


def _profile(**changes: Any) -> dict[str, Any]:
    spoiled = copy.deepcopy(PROFILE)
    spoiled["chargingSchedule"].update(changes)
    return {"connectorId": 1, "csChargingProfiles": spoiled}


ORACLE: dict[str, tuple[str, Any, str]] = {
    "unknown action": ("Teleport", {}, "NotImplemented"),
    "action in the wrong case": ("heartbeat", {}, "NotImplemented"),
    "an answer's name is no action": ("HeartbeatResponse", {}, "NotImplemented"),
    "required field missing": ("Authorize", {}, "ProtocolError"),
    "null where fields are required": ("Authorize", None, "ProtocolError"),
    "extra field": ("Heartbeat", {"x": 1}, "FormationViolation"),
    "extra field inside": ("RemoteStartTransaction",
        {"idTag": "A", "chargingProfile": {**PROFILE, "x": 1}}, "FormationViolation"),
    "payload is a list": ("Heartbeat", [], "FormationViolation"),
    "payload is text": ("Authorize", "x", "FormationViolation"),
    "number for text": ("Authorize", {"idTag": 12}, "TypeConstraintViolation"),
    "text for number": ("UnlockConnector", {"connectorId": "1"}, "TypeConstraintViolation"),
    "true for number": ("UnlockConnector", {"connectorId": True}, "TypeConstraintViolation"),
    "fraction for integer": ("UnlockConnector", {"connectorId": 1.0}, "TypeConstraintViolation"),
    "null for text": ("Authorize", {"idTag": None}, "TypeConstraintViolation"),
    "CiString20 of 31": ("Authorize", {"idTag": "A" * 31}, "TypeConstraintViolation"),
    "NUL in text": ("Authorize", {"idTag": "A\0"}, "TypeConstraintViolation"),
    "lone surrogate": ("Authorize", {"idTag": "\ud800"}, "TypeConstraintViolation"),
    "not a dateTime": ("StartTransaction",
        {**LAWFUL["StartTransaction"], "timestamp": "yesterday"}, "TypeConstraintViolation"),
    "31 February": ("StartTransaction",
        {**LAWFUL["StartTransaction"], "timestamp": "2026-02-31T00:00:00Z"},
        "TypeConstraintViolation"),
    "enum unknown": ("Reset", {"type": "Warm"}, "PropertyConstraintViolation"),
    "enum in the wrong case": ("Reset", {"type": "hard"}, "PropertyConstraintViolation"),
    "connector below 0": ("ChangeAvailability",
        {"connectorId": -1, "type": "Operative"}, "PropertyConstraintViolation"),
    "connector 0 where > 0": ("UnlockConnector", {"connectorId": 0}, "PropertyConstraintViolation"),
    "start on connector 0": ("StartTransaction",
        {**LAWFUL["StartTransaction"], "connectorId": 0}, "PropertyConstraintViolation"),
    "beyond 64 bits": ("StartTransaction",
        {**LAWFUL["StartTransaction"], "meterStart": int(DIGITS)}, "PropertyConstraintViolation"),
    "limit with two decimals": ("SetChargingProfile",
        _profile(chargingSchedulePeriod=[{"startPeriod": 0, "limit": 4.11}]),
        "PropertyConstraintViolation"),
    "rate unit invalid": ("SetChargingProfile",
        _profile(chargingRateUnit="kW"), "PropertyConstraintViolation"),
    "no periods": ("SetChargingProfile",
        _profile(chargingSchedulePeriod=[]), "OccurenceConstraintViolation"),
    "no meter values": ("MeterValues",
        {"connectorId": 1, "meterValue": []}, "OccurenceConstraintViolation"),
}  # fmt: skip


@pytest.mark.parametrize(("action", "payload", "code"), ORACLE.values(), ids=ORACLE)
def test_each_violation_has_its_code(action: str, payload: Any, code: str) -> None:
    """The table of ruling 8, row by row."""
    with pytest.raises(CallRefused) as refused:
        schemas.check_call(action, payload)
    assert refused.value.code == code


@pytest.mark.parametrize("action", LAWFUL)
def test_lawful_payloads_pass_untouched(action: str) -> None:
    """A validator that refuses the standard's own messages loses sessions."""
    assert schemas.check_call(action, copy.deepcopy(LAWFUL[action])) == LAWFUL[action]
    assert schemas.fits(action)(LAWFUL[action])  # the full look is for what is wrong


def test_null_is_an_empty_payload() -> None:
    """J 4.2.1 allows both notations."""
    assert schemas.check_call("Heartbeat", None) == {}


@pytest.mark.parametrize("limit", [21.4, 0.1, 0.3, 16, 19.9, 32.0, 63.7, 1234567.8])
def test_one_decimal_is_one_decimal_in_binary_too(limit: float) -> None:
    """21.4 has no exact double; python-ocpp needs Decimal for it, we do not."""
    schemas.check_call("SetChargingProfile", _profile(minChargingRate=limit))


def test_stop_reason_may_be_missing() -> None:
    """J errata 2.6: the original schema demanded it wrongly."""
    assert "reason" not in LAWFUL["StopTransaction"]
    schemas.check_call("StopTransaction", LAWFUL["StopTransaction"])


def test_firmware_retries_are_whole_numbers() -> None:
    """J errata 2.5."""
    with pytest.raises(CallRefused):
        schemas.check_call("UpdateFirmware", {**LAWFUL["UpdateFirmware"], "retries": 1.5})


@pytest.mark.parametrize("unit", ["Celcius", "Celsius"])
@pytest.mark.parametrize("action", ["MeterValues", "StopTransaction"])
def test_both_spellings_of_celsius_pass(action: str, unit: str) -> None:
    """J errata 2.1."""
    values = [{"timestamp": AT, "sampledValue": [{"value": "21", "unit": unit}]}]
    field = "meterValue" if action == "MeterValues" else "transactionData"
    schemas.check_call(action, {**LAWFUL[action], field: values})


@pytest.mark.parametrize(
    "text", ["2026-03-01T10:00:00Z", "2026-03-01T10:00:00.1234567+05:30", "2026-03-01T10:00:00"]
)
def test_points_in_time_as_the_field_writes_them_pass(text: str) -> None:
    """Offsets, long fractions and a missing zone occur in the field."""
    assert schemas.is_date_time(text)


def test_every_shipped_schema_compiles() -> None:
    """A schema that fails at first use fails in a driver's face."""
    for action in schemas.ACTIONS:
        schemas.compiled(action)
        schemas.compiled(action + "Response")
    assert len(schemas.ACTIONS) == 39


def test_every_keyword_of_the_schemas_has_a_code() -> None:
    """A keyword without a row would be a crash in the refusal."""
    unjudged = {"$schema", "title", "properties", "items", "definitions", "$ref", "$id", "javaType",
                "additionalItems", "id"}  # fmt: skip
    for action in schemas.ACTIONS:
        assert _keywords(schemas.document(action)) - unjudged <= set(schemas.CODE_OF)


def test_codes_are_the_core_s_codes() -> None:
    """The wire layer may not import the core, so the two lists must be kept equal."""
    assert {code.value for code in Code} == {code.value for code in CallErrorCode}


def test_answers_are_judged_too() -> None:
    """CALLRESULTs are counted as unlawful, not refused."""
    assert schemas.accepts_answer("Heartbeat", {"currentTime": AT})
    assert not schemas.accepts_answer("Heartbeat", {})


def test_compiled_and_stock_validator_agree_on_spoiled_payloads() -> None:
    """Differential: 1,500 seeded mutations; only formats are ours alone."""
    chance = Random(16)
    refused = 0
    stock = {action: _stock(action) for action in LAWFUL}
    for _ in range(1_500):
        action = chance.choice(sorted(LAWFUL))
        payload = copy.deepcopy(LAWFUL[action])
        _spoil(payload, chance)
        ours = _accepts(action, payload)
        assert ours == stock[action].is_valid(_decimal(payload)), (action, payload)
        refused += not ours
    assert 300 < refused < 1_400


def _accepts(action: str, payload: Any) -> bool:
    try:
        schemas.check_call(action, payload)
    except CallRefused as refusal:
        return "format" in refusal.description
    return True


def _stock(action: str) -> Draft4Validator:
    text = json.dumps(schemas.document(action))
    return Draft4Validator(json.loads(text, parse_float=Decimal))


def _decimal(payload: Any) -> Any:
    return json.loads(json.dumps(payload), parse_float=Decimal)


def _spoil(payload: dict[str, Any], chance: Random) -> None:
    """Change one thing somewhere inside."""
    places = list(_places(payload))
    holder: Any
    key: Any
    holder, key = chance.choice(places) if places else (payload, "x")
    match chance.randrange(5):
        case 0 if key in holder or isinstance(holder, list):
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder["unheardOf"] = 1
        case 2:
            _put(holder, key, chance.choice(["A" * 21, "A" * 501, "", "Hard", "TxProfile"]))
        case 3:
            _put(holder, key, chance.choice([0, -1, 1, 7, 2.5, 21.4, 4.11, 1.0, True, None]))
        case _:
            _put(holder, key, chance.choice([[], {}, [1], [{}], {"a": 1}]))


def _put(holder: Any, key: Any, value: Any) -> None:
    holder[key] = value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield value, key
        if isinstance(inner, (dict, list)):
            yield from _places(inner)


def _keywords(schema: Any) -> set[str]:
    if not isinstance(schema, dict):
        return set()
    found = set(schema)
    for name, inner in schema.items():
        if name in {"properties", "definitions"}:
            for each in inner.values():
                found |= _keywords(each)
        elif name in {"items", "additionalItems"}:
            found |= _keywords(inner)
    return found


@pytest.mark.parametrize("action", sorted(schemas.ACTIONS))
def test_a_call_is_no_deeper_than_its_schema(action: str) -> None:
    """Every object of every call is closed: nothing unknown, however deep, is let through."""
    waiting = [schemas.document(action)]
    while waiting:
        schema = waiting.pop()
        assert schema.get("type") != "object" or schema["additionalProperties"] is False
        waiting += [*schema.get("properties", {}).values(), *schema.get("definitions", {}).values()]
        waiting += [schema["items"]] if "items" in schema else []
