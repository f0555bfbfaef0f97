"""The first look at a frame: what it is, and whether it may, must or must not be answered.

One parse, bounded before anything else looks at it. Nothing here raises for what the peer sends.
Source: OCPP-J 1.6 4.1-4.2 with errata, ruling 8.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, TypeGuard

import msgspec

SIZE_MAX: Final = 256 * 1024  # bytes; the largest honest message is a local list of a few thousand
DEPTH_MAX: Final = 16  # of an answer, which is read with tolerance; a call is as deep as its schema
DIGITS_MAX: Final = 18  # fits 64 bits, so no store can overflow
ID_MAX: Final = 36  # OCPP-J 4.1.4
ECHO_MAX: Final = 255  # a longer id is not worth an answer
CODE_MAX: Final = 50  # what is kept of an error's code: the longest of the standard has 29
DESCRIPTION_MAX: Final = 255  # characters, as OCPP-J errata bound errorDescription
CALL, RESULT, ERROR = 2, 3, 4
ACTION: Final = 2  # its place in a CALL
CALL_LENGTH, RESULT_LENGTH, ERROR_LENGTH_MIN, ERROR_LENGTH_MAX = 4, 3, 3, 5

OUT_OF_RANGE: Final = 10**DIGITS_MAX
"""Stands for every number of more than `DIGITS_MAX` digits; `unfit` finds it out of range."""

Reason = Literal[
    "too_large", "too_deep", "not_json", "not_a_list", "no_message_type", "no_readable_id",
    "bad_answer", "unmatched_answer", "no_answer_due",
]  # fmt: skip
"""Why a frame stays without an answer."""


class Call(NamedTuple):
    """A well-framed CALL. *suspect* asks for a closer look at its strings."""

    unique_id: str
    action: str
    payload: Any
    suspect: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """A well-framed CALLRESULT."""

    unique_id: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Error:
    """A CALLERROR, read with tolerance: description and details may be missing."""

    unique_id: str
    code: str
    description: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BadCall:
    """A CALL that cannot be one, with an id to answer GenericError to, exactly as it came."""

    unique_id: str | int
    description: str
    action: str = ""
    """As far as it can be told: whoever refuses a transaction message may have to keep it."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Nothing that may be answered."""

    why: Reason


Frame = Call | Result | Error | BadCall | Noise


def parse(raw: str | bytes) -> Frame:
    """Read one WebSocket message; never raises."""
    if len(raw) > SIZE_MAX:
        return Noise("too_large")
    try:
        frame = _DECODER.decode(raw)
    except RecursionError:
        return Noise("too_deep")
    except ValueError:  # malformed, not UTF-8, or a number beyond 64 bits
        frame = _second_look(raw)
    if frame is _NOT_JSON:
        return Noise("not_json")
    if not isinstance(frame, list):
        return Noise("not_a_list")
    if not frame or type(frame[0]) is not int:
        return Noise("no_message_type")
    match frame[0]:
        case 2:
            return _call(frame, raw)
        case 3 | 4:
            return _answer(frame, raw)
        case _:
            return Noise("no_message_type")


def unfit(value: object) -> Literal["number", "string"] | None:
    """Find what JSON allows and no store can hold: huge numbers, NUL, lone surrogates."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case dict() as mapping:
                waiting.extend(mapping)
                waiting.extend(mapping.values())
            case list() as items:
                waiting.extend(items)
            case str() as text if "\0" in text or _SURROGATE.search(text):
                return "string"
            case int() as number if abs(number) >= OUT_OF_RANGE:
                return "number"
            case float() as number if not math.isfinite(number) or abs(number) >= OUT_OF_RANGE:
                return "number"
            case _:
                pass
    return None


def _call(frame: list[Any], raw: str | bytes) -> Frame:
    unique_id = frame[1] if len(frame) > 1 else None
    if not _is_readable(unique_id):
        return Noise("no_readable_id")
    action = frame[2] if len(frame) > ACTION and isinstance(frame[2], str) else ""

    def bad(description: str) -> BadCall:
        return BadCall(unique_id, description, action)

    if not isinstance(unique_id, str):
        return bad("the message id must be a string")
    if len(unique_id) > ID_MAX:
        return bad(f"the message id exceeds {ID_MAX} characters")
    if len(frame) != CALL_LENGTH:
        return bad("a CALL has four elements")
    if not isinstance(frame[ACTION], str):
        return bad("the action must be a string")
    return Call(unique_id, action, frame[3], _has_escapes(raw))


def _answer(frame: list[Any], raw: str | bytes) -> Frame:
    if len(frame) < RESULT_LENGTH or not isinstance(frame[1], str):
        return Noise("bad_answer")
    if _is_too_deep(frame) or (_is_suspect(raw) and unfit(frame)):
        return Noise("bad_answer")
    if frame[0] == RESULT:
        payload = {} if frame[2] is None else frame[2]  # null is an empty payload (4.2.2)
        if len(frame) != RESULT_LENGTH or not isinstance(payload, dict):
            return Noise("bad_answer")
        return Result(frame[1], payload)
    if len(frame) > ERROR_LENGTH_MAX or not isinstance(frame[2], str):
        return Noise("bad_answer")
    description = frame[3] if len(frame) > ERROR_LENGTH_MIN else ""
    details = frame[4] if len(frame) == ERROR_LENGTH_MAX else {}
    return Error(
        frame[1],
        frame[2][:CODE_MAX],
        description[:DESCRIPTION_MAX] if isinstance(description, str) else "",
        details if isinstance(details, dict) else {},
    )


def _is_readable(unique_id: object) -> TypeGuard[str | int]:
    """Whether the id can be echoed exactly: a short string, or a whole number in range."""
    if isinstance(unique_id, str):
        return 0 < len(unique_id) <= ECHO_MAX and not _SURROGATE.search(unique_id)
    return type(unique_id) is int and abs(unique_id) < OUT_OF_RANGE


def _is_too_deep(frame: list[Any]) -> bool:
    level: list[Any] = [frame]
    for _ in range(DEPTH_MAX):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def _has_escapes(raw: str | bytes) -> bool:
    r"""Whether strings may hold what no store can: JSON writes NUL and surrogates as `\u` only."""
    if isinstance(raw, str):
        return "\\" in raw and "\\u" in raw  # one letter is found twenty times as fast as two
    return b"\\" in raw and b"\\u" in raw


def _is_suspect(raw: str | bytes) -> bool:
    """Whether the text may hold what `unfit` looks for; cheap, and wrong only on the safe side."""
    if isinstance(raw, bytes):
        return _SUSPECT_BYTES.search(raw) is not None
    return _SUSPECT.search(raw) is not None


def _second_look(raw: str | bytes) -> Any:
    """Tell broken JSON from JSON that msgspec will not hold: huge numbers, lone surrogates.

    The latter has a readable id and must be answered. Rare, so it may be slow.
    """
    try:
        text = raw if isinstance(raw, str) else raw.decode()
        return json.loads(
            text, parse_int=_whole, parse_float=_fraction, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError):
        return _NOT_JSON


def _whole(digits: str) -> int:
    return int(digits) if len(digits) <= DIGITS_MAX else OUT_OF_RANGE


def _fraction(digits: str) -> float | int:
    number = float(digits)
    return number if math.isfinite(number) else OUT_OF_RANGE


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = msgspec.json.Decoder()
_NOT_JSON: Final = object()
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SUSPECT: Final = re.compile(
    rf"[0-9]{{{DIGITS_MAX + 1}}}|[0-9][eE]\+?[0-9]{{3}}|\\u0000|\\u[dD][89a-fA-F]"
)
_SUSPECT_BYTES: Final = re.compile(_SUSPECT.pattern.encode())
