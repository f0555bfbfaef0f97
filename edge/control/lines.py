"""JSON lines: one object per line, both ways, with a bound on the length of a line."""

from __future__ import annotations

import json
import math
from typing import Any, Final

LINE_LIMIT: Final = 1 << 20  # a snapshot of a full station is a few kB; more is a mistake
WHOLE_MOST: Final = (1 << 63) - 1


class NotALine(ValueError):
    """A line that is not one JSON object; the message says so in a sentence."""


def encode(message: dict[str, Any]) -> bytes:
    """One line, newline included."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """The object on *line*; raises `NotALine`."""
    try:
        message = json.loads(line, parse_int=_whole, parse_float=_finite, parse_constant=_finite)
        if b"\\u" in line:  # half a character of two is no text, and ends whoever writes it
            json.dumps(message, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as problem:
        raise NotALine(f"this line is not JSON: {problem}") from problem
    if not isinstance(message, dict):
        raise NotALine('a line is one JSON object, such as {"op": "state"}')
    return message


def _whole(digits: str) -> int:
    """What every database holds."""
    if abs(number := int(digits)) > WHOLE_MOST:
        raise ValueError(f"a whole number is {WHOLE_MOST} at most")
    return number


def _finite(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError(f"{digits} is no number")
    return number
