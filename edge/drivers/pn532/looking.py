"""One connection to a PN532: looks for cards, and bears a line that errs until it is silent.

An odd answer costs a look; the chip is then prepared anew, which also brings back one that lost
power for a moment. If nothing good was heard for half a second it is reset by its line, if it has
one; after two seconds it counts as silent. Every wait of the library has an end, and we rest
between looks, so that no fault makes us spin.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import structlog

from edge.drivers.pn532.chip import AnswerOdd, Chip, LookUnanswered
from edge.drivers.pn532.presence import Presence
from edge.ports import Clock

REST_S: Final = 0.02  # between looks: a chip that has a card answers at once
HARD_AFTER_S: Final = 0.5
SILENT_AFTER_S: Final = 2.0

log = structlog.get_logger()


class Stop(Protocol):
    """Whether to end, and a rest that ends with it: a `threading.Event`."""

    def is_set(self) -> bool:
        """Whether it is time to go."""
        ...

    def wait(self, timeout: float) -> bool:
        """Rest for *timeout* seconds, less if it becomes time to go."""
        ...


class Looking:
    """Looks through *chip*, which has not been prepared yet; what counts is `present`ed."""

    def __init__(
        self, chip: Chip, presence: Presence, clock: Clock, present: Callable[[bytes], None]
    ) -> None:
        self._chip = chip
        self._presence = presence
        self._clock = clock
        self._present = present
        self._prepared = False
        self._heard_at = self._now()

    def until(self, stop: Stop) -> None:
        """Look again and again; raises the last `AnswerOdd` of a chip that is silent."""
        while not stop.is_set():
            try:
                self._look()
            except AnswerOdd as odd:
                self._bear(odd)
            stop.wait(REST_S)

    def _look(self) -> None:
        if not self._prepared:
            self._chip.prepare(hard=self._quiet_s() > HARD_AFTER_S)
            self._prepared = True
            self._heard_at = self._now()
        uid = self._chip.look()
        self._heard_at = self._now()
        if uid is None:
            self._presence.found_none(self._heard_at)
        elif self._presence.found(uid, self._heard_at):
            self._present(uid)

    def _bear(self, odd: AnswerOdd) -> None:
        if isinstance(odd, LookUnanswered):
            self._presence.unanswered()
        if self._prepared:
            log.info("reader_answer_odd", why=str(odd))
        self._prepared = False
        if self._quiet_s() > SILENT_AFTER_S:
            raise odd

    def _quiet_s(self) -> float:
        return self._now() - self._heard_at

    def _now(self) -> float:
        return self._clock.now().monotonic
