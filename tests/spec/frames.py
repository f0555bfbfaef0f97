"""What goes over the scripted central system's line, as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Payload = dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """Answer with this CALLERROR."""

    code: str = "InternalError"


class Silent:
    """Do not answer."""


class HangUp:
    """Close the connection instead of answering."""


Answer = Payload | Refusal | Silent | HangUp
Script = Answer | Callable[[Payload], Answer]


@dataclass(frozen=True)
class Frame:
    """One call of the charge point: *seq* counts all frames, *line* the connections."""

    seq: int
    line: int
    action: str
    payload: Payload
    unique_id: str
    at_s: float

    def __getitem__(self, name: str) -> Any:
        return self.payload[name]


class Refused(AssertionError):
    """The charge point answered a call with a CALLERROR."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code


def now() -> str:
    """The time as OCPP writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """Read a timestamp of the charge point, which must name its zone."""
    read = datetime.fromisoformat(text)
    assert read.tzinfo is not None, f"{text} names no zone"
    return read
