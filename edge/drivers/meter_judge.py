"""Whether a meter's register can have got from one reading to the next.

What is impossible is refused: a stale or garbled register. One that says the same impossible thing
three times in a row has really moved, and becomes the new truth, with a warning.
"""

from __future__ import annotations

from typing import Final

import structlog

from edge.core.quantities import Reading
from edge.errors import MeterImplausible

AGREEING_TILL_BELIEVED: Final = 3
STEADY: Final = 2.0  # a meter that publishes once a second shows one step or two between polls
TOLERANCE: Final = 1.2  # of the rated power, for clocks and readings that do not quite agree
REPLY_S: Final = 1.0  # the register is read some time between the request and its reply

log = structlog.get_logger()


class Judge:
    """Whether a register can have got from its last value to this one."""

    def __init__(self, rated_w: float, step_wh: float, refresh_s: float) -> None:
        self._rated_w = rated_w
        self._step_wh = step_wh
        self._slack_s = refresh_s + REPLY_S
        self._believed: Reading | None = None
        self._doubted: list[Reading] = []

    def weigh(self, reading: Reading) -> None:
        """Believe *reading* or raise `MeterImplausible`; three doubted ones that agree win."""
        doubt = self._doubt(self._believed, reading)
        if doubt is None:
            self._doubted.clear()
            self._believed = reading
            return
        if self._doubted and not self._agrees(reading):
            self._doubted.clear()
        self._doubted.append(reading)
        if len(self._doubted) < AGREEING_TILL_BELIEVED:
            raise MeterImplausible(doubt)
        log.warning("meter_register_moved", why=doubt, energy_wh=reading.energy_wh)
        self._rated_w = max(self._rated_w, STEADY * _rate_w(self._doubted[0], reading))
        self._doubted.clear()
        self._believed = reading

    def forget(self) -> None:
        """Another meter is there: its first reading is the truth."""
        self._believed = None
        self._doubted.clear()

    def _agrees(self, reading: Reading) -> bool:
        """Whether *reading* follows the last doubted one, within the rating or at a steady rate.

        A steady rate above the rating is a rating set too small: it is raised, with the warning.
        """
        last = self._doubted[-1]
        if self._doubt(last, reading) is None:
            return True
        before = self._doubted[-2] if self._doubted[1:] else self._believed
        if before is None or reading.energy_wh < last.energy_wh:
            return False
        return _rate_w(last, reading) <= STEADY * _rate_w(before, last)

    def _doubt(self, before: Reading | None, now: Reading) -> str | None:
        """Why *now* cannot follow *before*, `None` if it can."""
        if before is None:
            return None
        grown_wh = now.energy_wh - before.energy_wh
        if grown_wh < 0:
            return f"its register went back from {before.energy_wh} to {now.energy_wh} Wh"
        elapsed_s = now.at.since(before.at)
        seen_s = elapsed_s + self._slack_s  # what was published since may be one more refresh
        possible_wh = self._rated_w * TOLERANCE * seen_s / 3600 + self._step_wh
        if grown_wh > possible_wh:
            return (
                f"its register leapt {grown_wh} Wh in {elapsed_s:.1f} s, more than "
                f"{self._rated_w:.0f} W can do"
            )
        return None


def _rate_w(before: Reading, now: Reading) -> float:
    """Mean power between two readings by their registers."""
    elapsed_s = max(now.at.since(before.at), 1e-3)
    return (now.energy_wh - before.energy_wh) * 3600 / elapsed_s
