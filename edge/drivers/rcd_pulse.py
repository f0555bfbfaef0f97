"""The test coil of a residual current device: a current that the device must trip at, for a moment.

Whoever fires it has seen to it that the contactor is open, and watches what trips. The pulse ends
by a thread of our own, whatever the loop does.

Quality: gpiozero's mock pins; no device has been tested by it yet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

PULSE_S: Final = 0.5  # time for a device that may take 0.3 s


class RcdPulse:
    """The pulse of one charging point; *told* is called when it is over."""

    def __init__(self, output: Any | None, told: Callable[[], None]) -> None:
        self._output = output
        self._told = told
        self._timer: threading.Timer | None = None

    @property
    def is_there(self) -> bool:
        """Whether there is a test coil."""
        return self._output is not None

    @property
    def is_on(self) -> bool:
        """Whether the coil is under current; a device trips later than that is seen."""
        return self._timer is not None

    def fire(self) -> None:
        """Begin the pulse, unless one is on."""
        if self._output is None or self._timer is not None:
            return
        self._timer = threading.Timer(PULSE_S, self._end)
        self._timer.daemon = True
        self._timer.name = "rcd-pulse"
        self._timer.start()
        self._output.on()

    def close(self) -> None:
        """No current, and nobody is told."""
        if self._timer is not None:
            self._timer.cancel()
        if self._output is not None:
            self._output.off()

    def _end(self) -> None:
        assert self._output is not None, "only a coil that is there is fired"
        self._output.off()
        self._timer = None
        self._told()
