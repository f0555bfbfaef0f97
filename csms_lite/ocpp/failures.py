"""How often each transaction message failed here: tells a message that never will pass.

A bug of ours that meets one message would block its station for ever: the message is the head of
a queue, is not answered, and comes again over each new socket. After some failures it is refused.

Memory is enough, though not a socket's: a restart loses no message, costs the station the same
few repeats once more, and is how a version without the bug arrives.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

MOST: Final = 3  # once may be chance, twice bad luck; more only keep the queue behind it waiting
PER_STATION: Final = 8  # a queue has one head; slack for stations with a queue per connector


class Failures:
    """Failures of messages by station and content: after a CALLERROR they come with a new id."""

    def __init__(self) -> None:
        self._of: dict[int, OrderedDict[str, int]] = {}

    def count(self, station_id: int, content: str) -> int:
        """Give how often the message with this content failed."""
        known = self._of.get(station_id)
        return known.get(content, 0) if known else 0

    def add(self, station_id: int, content: str) -> None:
        """Count one more failure; of a station the last few messages are remembered."""
        known = self._of.setdefault(station_id, OrderedDict())
        known[content] = known.get(content, 0) + 1
        known.move_to_end(content)
        if len(known) > PER_STATION:
            known.popitem(last=False)
