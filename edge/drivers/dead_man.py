"""Proof that the control loop works: a pulse for the coil driver, and an end where it stops.

The pulse is toggled by each proof and by nothing else, so that it stops with the loop: the last
edge is at most one period of the loop's proofs old (50 ms, `edge.runtime.liveness`). A coil driver
that falls 0.5 s after the last edge bears any stall of a healthy loop. Where the loop hangs and
the interpreter does not, a thread of our own notices it, too, within `EXPIRES_S + LOOK_S`.

Quality: gpiozero's mock pins; no coil driver has been heard to fall yet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from edge.ports import Clock

EXPIRES_S: Final = 4.0  # beyond any stall of a healthy loop, a slow card included
LOOK_S: Final = 1.0


class DeadMan:
    """Watches for the proofs of one charging point, from the first one on."""

    def __init__(self, output: Any | None, clock: Clock, expire: Callable[[], None]) -> None:
        self._output = output
        self._clock = clock
        self._expire = expire
        self._proved_at = 0.0
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def prove(self) -> None:
        """The loop came round: the next edge."""
        self._proved_at = self._now()
        if self._output is not None:
            self._output.toggle()
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="dead-man", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """No more pulses; the thread ends by itself."""
        self._closed.set()
        if self._output is not None:
            self._output.off()

    def _watch(self) -> None:
        while not self._closed.wait(LOOK_S):
            if self._now() > self._proved_at + EXPIRES_S:
                self._expire()

    def _now(self) -> float:
        return self._clock.now().monotonic
