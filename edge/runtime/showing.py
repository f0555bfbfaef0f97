"""Keeps the status document up where people see it: at most one a second, and none unwatched.

What a driver waits for, such as his card being taken, is shown at once: numbers that move alone,
which would use the second up, wait a little while nobody charges.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from edge.core.instant import Instant
from edge.ports import Board, Clock

BETWEEN_S: Final = 1.0
QUIET_S: Final = 5.0  # a page marks as old what is older than 20 s
LOOK_S: Final = 0.1

Document = Mapping[str, Any]
MOVING: Final = frozenset({"power_w", "measured_at"})


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is up, and since when, in monotonic seconds."""

    document: Document
    at: float


class Showing:
    """Makes documents by *make*(now, sequence) and shows them; their numbers follow *first*.

    *state* gives anything that is another object whenever a document might differ.
    """

    def __init__(
        self,
        board: Board,
        *,
        state: Callable[[], object],
        make: Callable[[Instant, int], Document],
        clock: Clock,
        first: int,
    ) -> None:
        self._board = board
        self._state = state
        self._make = make
        self._clock = clock
        self._sequence = first
        self._shown: _Shown | None = None
        self._seen: object = None

    async def run(self) -> None:
        """Show until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Show what is due now."""
        if not self._board.is_watched:
            return
        now, state, shown = self._clock.now(), self._state(), self._shown
        passed_s = QUIET_S if shown is None else now.monotonic - shown.at
        if self._board.is_awaited and shown is not None:
            if passed_s < BETWEEN_S:  # whoever comes and goes all the time has none made for him
                self._board.show(shown.document)
                return
            shown, passed_s = None, QUIET_S
        if passed_s < BETWEEN_S or (passed_s < QUIET_S and state is self._seen):
            return
        self._seen = state
        document = self._make(now, self._sequence)
        if shown is None or passed_s >= QUIET_S or _is_news(document, shown.document):
            self._sequence += 1
            self._shown = _Shown(document, now.monotonic)
            self._board.show(document)


def _is_news(document: Document, before: Document) -> bool:
    return _told(document) != _told(before)


def _told(document: Document) -> Document:
    """What a driver waits for: all but the time, and numbers where nobody charges."""
    connectors = [
        {
            **{key: value for key, value in one.items() if one["session"] or key not in MOVING},
            "why": [(cause["what"], cause["owner"]) for cause in one["why"]],
        }
        for one in document["connectors"]
    ]
    station = {**document["station"], "heard_at": None}
    return {**document, "sequence": 0, "at": "", "station": station, "connectors": connectors}
