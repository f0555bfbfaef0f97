"""What a charge point owes for a frame of its central system, told without any code of `edge`.

Plain `json`, the schemas of the standard through `jsonschema`, and the rules of OCPP-J 1.6 4.1-4.2
with errata (ruling 8) written out once more. Where a frame breaks several rules, each of their
codes is right; where the standard leaves a choice, silence may be right too.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from importlib import resources
from typing import Any, Final

from jsonschema import Draft4Validator

RESULT: Final = "CALLRESULT"
BYTES_MAX: Final = 256 * 1024
HUGE: Final = 10**18


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


FOR_STATIONS: Final = _names(
    "CancelReservation CertificateSigned ChangeAvailability ChangeConfiguration ClearCache "
    "ClearChargingProfile DataTransfer DeleteCertificate ExtendedTriggerMessage "
    "GetCompositeSchedule GetConfiguration GetDiagnostics GetInstalledCertificateIds "
    "GetLocalListVersion GetLog InstallCertificate RemoteStartTransaction RemoteStopTransaction "
    "ReserveNow Reset SendLocalList SetChargingProfile SignedUpdateFirmware TriggerMessage "
    "UnlockConnector UpdateFirmware"
)
FOR_CENTRALS: Final = _names(
    "Authorize BootNotification DiagnosticsStatusNotification FirmwareStatusNotification Heartbeat "
    "LogStatusNotification MeterValues SecurityEventNotification SignCertificate "
    "SignedFirmwareStatusNotification StartTransaction StatusNotification StopTransaction"
)
MEANT: Final[dict[str, frozenset[str]]] = {
    "CancelReservation": frozenset({"NotSupported"}),
    "ClearChargingProfile": frozenset({"NotSupported"}),
    "GetConfiguration": frozenset({"OccurenceConstraintViolation"}),
    "SetChargingProfile": frozenset(
        {"NotSupported", "PropertyConstraintViolation", "OccurenceConstraintViolation"}
    ),
    "UpdateFirmware": frozenset({"NotSupported"}),
}
"""Refusals of payloads that no schema forbids: what they ask for is off, or too much."""

BROKEN: Final = {
    "required": "ProtocolError",
    "additionalProperties": "FormationViolation",
    "type": "TypeConstraintViolation",
    "maxLength": "TypeConstraintViolation",
    "enum": "PropertyConstraintViolation",
    "minItems": "OccurenceConstraintViolation",
    "maxItems": "OccurenceConstraintViolation",
}
LEAST: Final[dict[tuple[str, str], int]] = {
    ("ChangeAvailability", "connectorId"): 0,
    ("ClearChargingProfile", "connectorId"): 0,
    ("ClearChargingProfile", "stackLevel"): 0,
    ("GetCompositeSchedule", "connectorId"): 0,
    ("MeterValues", "connectorId"): 0,
    ("RemoteStartTransaction", "connectorId"): 1,
    ("RemoteStartTransaction", "stackLevel"): 0,
    ("ReserveNow", "connectorId"): 0,
    ("SetChargingProfile", "connectorId"): 0,
    ("SetChargingProfile", "stackLevel"): 0,
    ("StartTransaction", "connectorId"): 1,
    ("StatusNotification", "connectorId"): 0,
    ("TriggerMessage", "connectorId"): 1,
    ("UnlockConnector", "connectorId"): 1,
}
"""Ranges that the standard states in prose (1.6 chapter 6)."""

MOMENTS: Final = _names(
    "timestamp expiryDate retrieveDate retrieveDateTime installDateTime startTime stopTime "
    "validFrom validTo startSchedule oldestTimestamp latestTimestamp"
)
TENTHS: Final = frozenset({"limit", "minChargingRate"})
MOMENT: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1\d):[0-5]\d)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is due: an answer to *unique_id* of one of *codes*, perhaps none; or the line closes."""

    unique_id: str | int | None = None
    codes: frozenset[str] = frozenset()
    must: bool = False
    closes: int | None = None


SILENCE: Final = Verdict()
Lawful = Callable[[str], frozenset[str]]
"""What a lawful call of an action may be answered with."""


def judge(raw: str | bytes, *, text: bool = True) -> Verdict:
    """What the station owes for one WebSocket message; *text* tells the kind of a bytes frame."""
    return _judge(raw, text, _lawful_for_a_station)


def judge_by_central(raw: str | bytes, *, text: bool = True) -> Verdict:
    """What the central system owes, once it has accepted the station."""
    return _judge(raw, text, _lawful_for_a_central)


def _judge(raw: str | bytes, text: bool, lawful: Lawful) -> Verdict:
    octets = raw if isinstance(raw, bytes) else raw.encode()
    if len(octets) > BYTES_MAX:
        return Verdict(closes=1009)
    try:
        decoded = octets.decode()
    except UnicodeDecodeError:
        return Verdict(closes=1007) if text else SILENCE
    try:
        frame = json.loads(decoded, parse_int=_whole, parse_float=_fraction, parse_constant=_refuse)
    except RecursionError:
        return Verdict(codes=frozenset({"FormationViolation"}))
    except ValueError:
        return SILENCE
    if not isinstance(frame, list) or len(frame) < 2 or type(frame[0]) is not int or frame[0] != 2:
        return SILENCE
    return _call(frame, lawful)


def _lawful_for_a_station(action: str) -> frozenset[str]:
    if action in FOR_STATIONS:
        return frozenset({RESULT}) | MEANT.get(action, frozenset())
    return frozenset({"NotSupported"})


def _lawful_for_a_central(action: str) -> frozenset[str]:
    taken = action in FOR_CENTRALS | {"DataTransfer"}
    return frozenset({RESULT if taken else "NotSupported"})


def _call(frame: list[Any], lawful: Lawful) -> Verdict:
    unique_id = frame[1]
    if isinstance(unique_id, str):
        if not 0 < len(unique_id) <= 255 or _is_half(unique_id):
            return SILENCE
    elif type(unique_id) is not int or abs(unique_id) >= HUGE:
        return SILENCE
    codes = set()
    good_id = isinstance(unique_id, str) and len(unique_id) <= 36
    if not good_id or len(frame) != 4 or not isinstance(frame[2], str):
        codes.add("GenericError")
    if codes:
        return Verdict(unique_id, frozenset(codes), must=True)
    return Verdict(unique_id, _due(frame[2], frame[3], lawful), must=True)


def _due(action: str, payload: Any, lawful: Lawful) -> frozenset[str]:
    if action not in FOR_STATIONS | FOR_CENTRALS:
        return frozenset({"NotImplemented"})
    if payload is None:
        payload = {}
    if not isinstance(payload, dict):
        return frozenset({"FormationViolation"})
    broken, doubtful = _faults(action, json.dumps(payload, default=_spelt))
    return (broken or lawful(action)) | doubtful


@functools.lru_cache(maxsize=20_000)
def _faults(action: str, written: str) -> tuple[frozenset[str], frozenset[str]]:
    """Codes of the rules that are broken for certain, and of those that one may read either way."""
    payload = json.loads(written, parse_float=Decimal)
    broken = {BROKEN[error.validator] for error in _schema(action).iter_errors(payload)}
    doubtful: set[str] = set()
    for field, value in _fields(payload):
        if isinstance(value, str) and ("\0" in value or _is_half(value)):
            broken.add("TypeConstraintViolation")
        if isinstance(value, str) and field in MOMENTS and not _is_moment(value):
            looks = len(value) >= 10 and value[:4].isdigit()
            (doubtful if looks else broken).add("TypeConstraintViolation")
        if field == "chargingSchedulePeriod" and value == []:
            broken.add("OccurenceConstraintViolation")
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            number = Decimal(value)
            with localcontext(prec=600):
                uneven = field in TENTHS and number % Decimal("0.1") != 0
            low = number < LEAST.get((action, field), -HUGE)
            if low or uneven or abs(number) >= HUGE:
                broken.add("PropertyConstraintViolation")
    return frozenset(broken), frozenset(doubtful)


@functools.cache
def _schema(action: str) -> Draft4Validator:
    file = resources.files("ocpp.v16") / "schemas" / f"{action}.json"
    schema = json.loads(file.read_text(encoding="utf-8-sig"))
    schema["$schema"] = "http://json-schema.org/draft-04/schema#"
    _drop(schema, "multipleOf")
    return Draft4Validator(schema)


def _drop(schema: Any, keyword: str) -> None:
    inner = schema.values() if isinstance(schema, dict) else schema
    if isinstance(schema, dict):
        schema.pop(keyword, None)
    for each in list(inner):
        if isinstance(each, dict | list):
            _drop(each, keyword)


def _fields(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every value at any depth, with the name of the field it stands in; names themselves too."""
    yield name, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield "", key
            yield from _fields(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _fields(inner, name)


def _is_moment(text: str) -> bool:
    found = MOMENT.fullmatch(text)
    if found is None:
        return False
    try:
        date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return False
    return True


def _is_half(text: str) -> bool:
    """Whether *text* has half of a surrogate pair, which no UTF-8 can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _whole(digits: str) -> int:
    return int(digits) if len(digits) < 400 else 10**400


def _fraction(digits: str) -> Decimal:
    number = Decimal(digits)
    return number if abs(number.adjusted()) < 400 else Decimal(0 if number.adjusted() < 0 else HUGE)


def _spelt(value: Decimal) -> float | int:
    number = float(value)
    return HUGE if number in {float("inf"), float("-inf")} else number


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
