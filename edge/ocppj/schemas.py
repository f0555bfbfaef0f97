"""Payloads against the schemas of OCPP 1.6 and its security whitepaper; which code a refusal has.

The schemas shipped in the `ocpp` package are compiled at first use, with the ranges the standard
states in prose: to a quick yes (`shapes`), and by `fastjsonschema` for the rest, which names the
violated rule.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from datetime import datetime
from importlib import resources
from typing import Any, Final

import fastjsonschema

from edge.ocppj import guard, shapes
from edge.ocppj.errors import CallRefused, Code

CODE_OF: Final[dict[str, Code]] = {
    "required": Code.PROTOCOL_ERROR,
    "additionalProperties": Code.FORMATION_VIOLATION,
    "payload": Code.FORMATION_VIOLATION,
    "type": Code.TYPE_CONSTRAINT_VIOLATION,
    "format": Code.TYPE_CONSTRAINT_VIOLATION,
    "maxLength": Code.TYPE_CONSTRAINT_VIOLATION,
    "string": Code.TYPE_CONSTRAINT_VIOLATION,
    "enum": Code.PROPERTY_CONSTRAINT_VIOLATION,
    "minimum": Code.PROPERTY_CONSTRAINT_VIOLATION,
    "maximum": Code.PROPERTY_CONSTRAINT_VIOLATION,
    "multipleOf": Code.PROPERTY_CONSTRAINT_VIOLATION,
    "minItems": Code.OCCURENCE_CONSTRAINT_VIOLATION,
    "maxItems": Code.OCCURENCE_CONSTRAINT_VIOLATION,
}
"""The violated keyword of the schema, or our own word for it, to the CALLERROR code of ruling 8."""

STATED: Final[dict[str, tuple[tuple[str, str, int], ...]]] = {
    "ChangeAvailability": (("connectorId", "minimum", 0),),
    "ClearChargingProfile": (("connectorId", "minimum", 0), ("stackLevel", "minimum", 0)),
    "GetCompositeSchedule": (("connectorId", "minimum", 0),),
    "MeterValues": (("connectorId", "minimum", 0),),
    "RemoteStartTransaction": (
        ("connectorId", "minimum", 1),
        ("stackLevel", "minimum", 0),
        ("chargingSchedulePeriod", "minItems", 1),
    ),
    "ReserveNow": (("connectorId", "minimum", 0),),
    "SetChargingProfile": (
        ("connectorId", "minimum", 0),
        ("stackLevel", "minimum", 0),
        ("chargingSchedulePeriod", "minItems", 1),
    ),
    "StartTransaction": (("connectorId", "minimum", 1),),
    "StatusNotification": (("connectorId", "minimum", 0),),
    "TriggerMessage": (("connectorId", "minimum", 1),),
    "UnlockConnector": (("connectorId", "minimum", 1),),
}
"""Field, keyword and value that OCPP 1.6 ed. 2 chapter 6 states in prose and the schemas omit."""

NUMBER_MAX: Final = guard.OUT_OF_RANGE - 1
"""Fits 64 bits; the schemas bound no number."""

_FOLDER: Final = resources.files("ocpp.v16") / "schemas"
_ANSWER: Final = "Response"
_NAMES: Final = frozenset(
    entry.name.removesuffix(".json") for entry in _FOLDER.iterdir() if entry.name.endswith(".json")
)

ACTIONS: Final = frozenset(name for name in _NAMES if not name.endswith(_ANSWER))
"""Every action of OCPP 1.6 and the security whitepaper, case-sensitive."""


def check_call(action: str, payload: Any, *, suspect: bool = True) -> dict[str, Any]:
    """Return the payload of a CALL, `null` as `{}`; raises `CallRefused` with the code of ruling 8.

    *suspect* is false when the guard has seen that no string needs the closer look.
    """
    if action not in ACTIONS:
        raise CallRefused(Code.NOT_IMPLEMENTED, "unknown action")
    if payload is None:
        payload = {}
    if not isinstance(payload, dict):
        raise _refusal("payload", f"the payload of {action} must be an object")
    if not fits(action)(payload):
        try:
            compiled(action)(payload)
        except fastjsonschema.JsonSchemaValueException as refusal:
            raise _refusal(str(refusal.rule), _where(refusal)) from None
    if suspect and (keyword := guard.unfit(payload)):
        raise _refusal(keyword, f"a {keyword} in {action} is beyond what can be stored")
    return payload


def accepts_answer(action: str, payload: Mapping[str, Any]) -> bool:
    """Whether *payload* is a lawful CALLRESULT to *action*, one that nobody knows included."""
    name = action + _ANSWER
    if name not in _NAMES or fits(name)(payload):
        return True
    try:
        compiled(name)(payload)
    except fastjsonschema.JsonSchemaValueException:
        return False
    return True


def document(name: str) -> dict[str, Any]:
    """The JSON schema of one message: an action's name, or that and `Response`."""
    text = (_FOLDER / f"{name}.json").read_text(encoding="utf-8-sig")
    schema: dict[str, Any] = json.loads(text)
    schema["$schema"] = "http://json-schema.org/draft-04/schema#"  # 1.0 is no integer, everywhere
    for field, keyword, value in STATED.get(name, ()):
        _state(schema, field, keyword, value)
    _bound(schema)
    return schema


def is_date_time(text: str) -> bool:
    """Whether *text* is a point in time; a missing offset is let pass as UTC, as in the field."""
    if len(text) < len("2024-01-01T00:00:00") or text[10] not in "Tt ":
        return False
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return True


@functools.cache
def fits(name: str) -> shapes.Judge:
    """The quick yes of one message, compiled at first use and kept: there are 78."""
    return shapes.fitting(document(name), is_date_time)


@functools.cache
def compiled(name: str) -> Any:
    """The full validator of one message, compiled when the quick yes is not given."""
    return fastjsonschema.compile(
        document(name),
        formats={"date-time": is_date_time, "uri": _is_any},
        use_default=False,
    )


def _refusal(keyword: str, description: str) -> CallRefused:
    return CallRefused(CODE_OF[keyword], description)


def _where(refusal: fastjsonschema.JsonSchemaValueException) -> str:
    """Name field and rule, never the value: it may be a card's number."""
    path = ".".join(str(part) for part in refusal.path[1:]) or "payload"
    return f"{path}: {refusal.rule} violated"


def _is_any(_text: str) -> bool:
    return True  # what a usable address is, its user decides


def _state(schema: dict[str, Any], field: str, keyword: str, value: int) -> None:
    """Add *keyword* wherever *field* is declared, at any depth."""
    for name, inner in schema.get("properties", {}).items():
        if name == field:
            inner[keyword] = value
        _state(inner, field, keyword, value)
    if isinstance(schema.get("items"), dict):
        _state(schema["items"], field, keyword, value)


def _bound(schema: dict[str, Any]) -> None:
    """Keep every number, at any depth, within what every store holds."""
    if schema.get("type") in {"integer", "number"}:
        schema.setdefault("minimum", -NUMBER_MAX)
        schema.setdefault("maximum", NUMBER_MAX)
    inner = [*schema.get("properties", {}).values(), *schema.get("definitions", {}).values()]
    if isinstance(schema.get("items"), dict):
        inner.append(schema["items"])
    for each in inner:
        _bound(each)
