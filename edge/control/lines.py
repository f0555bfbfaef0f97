"""JSON lines: one object per line, both ways, with a bound on the length of a line."""

from __future__ import annotations

import json
from typing import Any, Final

LINE_LIMIT: Final = 1 << 20  # a snapshot of a full station is a few kB; more is a mistake


class NotALine(ValueError):
    """A line that is not one JSON object; the message says so in a sentence."""


def encode(message: dict[str, Any]) -> bytes:
    """One line, newline included."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """The object on *line*; raises `NotALine`."""
    try:
        message = json.loads(line)
    except ValueError as problem:
        raise NotALine(f"this line is not JSON: {problem}") from problem
    if not isinstance(message, dict):
        raise NotALine('a line is one JSON object, such as {"op": "state"}')
    return message
