"""How the central system behaves on the line: what its frames are suspected of, told now and then.

The first of a kind is posted at once, the rest counted and posted once per `quiet_s`: whoever
floods us with bad frames shall not fill the security log, or the card, with them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Final

from edge.core.events import FramesRefused
from edge.core.vocabulary import SecurityEvent
from edge.ocppj.charge_point import Suspicion
from edge.ports import Clock, Post

QUIET_S: Final = 3600.0  # a day of attacks is 24 lines of a log of a thousand

EVENTS: Final[Mapping[Suspicion, SecurityEvent]] = {
    Suspicion.INVALID: SecurityEvent.INVALID_MESSAGES,
    Suspicion.REPLAYED: SecurityEvent.ATTEMPTED_REPLAY_ATTACKS,
}


class Conduct:
    """Counts suspicious frames and posts `FramesRefused`."""

    def __init__(self, post: Post, clock: Clock, quiet_s: float = QUIET_S) -> None:
        self._post = post
        self._clock = clock
        self._quiet_s = quiet_s
        self._counts: Counter[Suspicion] = Counter()
        self._quiet: set[Suspicion] = set()

    def suspect(self, suspicion: Suspicion) -> None:
        """One more frame of this kind."""
        self._counts[suspicion] += 1
        if suspicion not in self._quiet:
            self._tell(suspicion)

    def _tell(self, suspicion: Suspicion) -> None:
        self._quiet.add(suspicion)
        asyncio.get_running_loop().call_later(self._quiet_s, self._look_again, suspicion)
        count = self._counts.pop(suspicion)
        self._post(FramesRefused(at=self._clock.now(), suspicion=EVENTS[suspicion], count=count))

    def _look_again(self, suspicion: Suspicion) -> None:
        self._quiet.discard(suspicion)
        if self._counts[suspicion]:
            self._tell(suspicion)
