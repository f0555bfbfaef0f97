"""A power cut at every crash point of a session, and another meter in the dark.

Checked: what is billed is what was truly seen of the old meter, to the last register on the disk;
never a register of the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import pytest

from edge.core.events import Event, MeterRead
from edge.core.quantities import Reading
from edge.core.records import Record, TransactionOpened
from tests.crash.asked import TAG
from tests.crash.histories import Fall, Story, play
from tests.crash.memory import MemoryJournal
from tests.crash.world import CONNECTORS, World

Figure = Callable[[str, int], None]

APART_WH: Final = 900_000
"""How far ahead the register of each meter is of the one before it."""

SESSION: Final[Story] = (
    (5, lambda world: world.plug(1)),
    (8, lambda world: world.tap(TAG)),
    (140, lambda world: world.tap(TAG)),
    (150, lambda world: world.unplug(1)),
)


class Forgetful(MemoryJournal):
    """Does not write which meter a session began with."""

    async def commit(self, records: Sequence[Record]) -> None:
        await super().commit(
            [
                replace(one, meter_serial=None) if isinstance(one, TransactionOpened) else one
                for one in records
            ]
        )


class MeterWorld(World):
    """A world whose meters have numbers, and are exchanged whenever the power goes."""

    def __init__(self, *, forgets: bool = False, **options: Any) -> None:
        super().__init__(**options)
        if forgets:
            self.journal = Forgetful(self.journal.latency_s)
        self.exchanged = 0
        self.unseen_wh = 0.0

    def post(self, event: Event) -> None:
        if isinstance(event, MeterRead):
            event = replace(event, reading=self._numbered(event))
        super().post(event)

    def _numbered(self, event: MeterRead) -> Reading:
        energy_wh = event.reading.energy_wh + self.exchanged * APART_WH
        return replace(event.reading, energy_wh=energy_wh, meter_serial=f"M-{self.exchanged}")

    def lose_power(self) -> None:
        super().lose_power()
        for one in self.journal.rows.transactions.values():
            if one.stopped is None:
                seen_wh = one.opened.begin_wh if one.last_wh is None else one.last_wh
                self.unseen_wh += self.outlets[one.opened.connector].energy_wh - seen_wh
        self.exchanged += 1


class Played:
    """One history, its world kept to be looked at."""

    def __init__(
        self, *, fall: Fall | None = None, latency_s: float = 0.0, forgets: bool = False
    ) -> None:
        def make(**options: Any) -> MeterWorld:
            self.world = MeterWorld(forgets=forgets, **options)
            return self.world

        self.outcome = play(SESSION, fall=fall, latency_s=latency_s, make=make)

    def breaches(self) -> list[str]:
        """What went wrong; what flowed unseen is nobody's to bill, and the rest is billed."""
        sessions = self.world.central.sessions.values()
        billed_wh = sum(one.stops[0].meter_stop - one.start.meter_start for one in sessions)
        flowed_wh = sum(self.world.outlets[number].energy_wh for number in CONNECTORS)
        found = [one for one in self.outcome.breaches if "flowed" not in one]
        if abs(billed_wh - (flowed_wh - self.world.unseen_wh)) > len(sessions) + 1:
            found.append(f"I6: {flowed_wh:.1f} Wh flowed, {billed_wh} billed")
        return found


def test_a_session_without_a_cut_bills_what_flowed() -> None:
    """The model itself is sound."""
    played = Played()
    assert played.outcome.sessions == 1
    assert played.world.unseen_wh == 0
    assert played.breaches() == []


@pytest.mark.sweep
@pytest.mark.parametrize("latency_s", [0.0, 0.3, 2.0], ids=["fast-disk", "slow-disk", "stalled"])
def test_no_crash_point_bills_the_register_of_a_meter_put_in_meanwhile(
    latency_s: float, record_figure: Figure
) -> None:
    """Ruling 4, I6: one death each, in the dark."""
    points = Played(latency_s=latency_s).outcome.points
    breaches = []
    for point in range(1, points + 1):
        played = Played(fall=Fall(point=point), latency_s=latency_s)
        breaches += [f"point {point}: {breach}" for breach in played.breaches()]
    record_figure("crash points swept", points)
    assert breaches == []


def test_the_sweep_sees_a_journal_that_forgets_the_meter() -> None:
    """Planted: a session is ended by a register that it never began with."""
    points = Played(forgets=True).outcome.points
    falls = (Fall(point=point) for point in range(1, points + 1))
    assert any(
        "billed" in one for fall in falls for one in Played(fall=fall, forgets=True).breaches()
    )
