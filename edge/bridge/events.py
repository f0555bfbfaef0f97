"""Server-sent events from bytes as they arrive. Pure.

Source: HTML standard, 9.2.6 "Interpreting an event stream".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

EVENT_MAX: Final = 262_144  # bytes; a document of 64 connectors has 100,000 at most
LINE_END: Final = re.compile(rb"\r\n|\n|\r(?!\Z)")  # a last \r may be half of \r\n


class Event(NamedTuple):
    """One event, its data still undecoded."""

    name: str
    data: bytes


class EventReader:
    """Is fed bytes, and gives the events that they complete."""

    def __init__(self) -> None:
        self._pending = b""
        self._name = ""
        self._lines: list[bytes] = []
        self._size = 0

    def read(self, more: bytes) -> Iterator[Event]:
        """Take *more*; raises `ValueError` for an event beyond `EVENT_MAX`."""
        *whole, self._pending = LINE_END.split(self._pending + more)
        for line in whole:
            if line:
                self._take(line)
                continue
            if self._lines:
                yield Event(self._name or "message", b"\n".join(self._lines))
            self._name, self._lines, self._size = "", [], 0
        if self._size + len(self._pending) > EVENT_MAX:
            raise ValueError(f"an event of more than {EVENT_MAX} bytes")

    def _take(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            self._name = value.decode(errors="replace")
        elif field == b"data":
            self._lines.append(value)
            self._size += len(value) + 1
            if self._size > EVENT_MAX:
                raise ValueError(f"an event of more than {EVENT_MAX} bytes")
