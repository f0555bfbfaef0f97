"""How what the core takes in and puts out is written on a line, and read again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from edge.errors import RecordingUnreadable
from edge.recording.codec import Codec

FORMAT: Final = "tapwatt recording 1"
RAISED: Final = "raised"


def told(codec: Codec, said: Any) -> str:
    """An event or effect: its class and its fields."""
    return f"{type(said).__name__} {msgspec.json.encode(codec.encode(said)).decode()}"


def told_error(error: BaseException) -> str:
    """What the core raised, in place of effects."""
    first = next(iter(str(error).splitlines()), "")
    return f"{RAISED} {type(error).__name__}: {first}"


def plain(line: str) -> tuple[str, object]:
    """The class and the fields on a line, which compare whatever their order; an error as it is."""
    kind, _, said = line.partition(" ")
    return (kind, said) if kind in ("", RAISED) else (kind, fields(said))


def fields(said: str) -> Mapping[str, Any]:
    """A JSON object; raises `RecordingUnreadable`."""
    try:
        found = msgspec.json.decode(said)
    except msgspec.DecodeError as problem:
        raise RecordingUnreadable(f"this is no JSON: {said[:60]}: {problem}") from problem
    if not isinstance(found, dict):
        raise RecordingUnreadable(f"this is no JSON object: {said[:60]}")
    return found
