"""`why` names something exactly where something stands in the way, in every random history."""

from __future__ import annotations

from typing import Any

import pytest

from edge.core.events import Event
from edge.core.state import ChargePoint
from edge.core.step import step
from tests.core.whys import check_why
from tests.crash.histories import play_seed
from tests.crash.world import World

SEEDS = 60


class Asked:
    """A witness that asks why after every step."""

    def __init__(self) -> None:
        self.count = 0

    def stepped(self, before: ChargePoint, event: Event, effects: Any) -> None:
        after, again = step(before, event)
        assert tuple(again) == tuple(effects)
        check_why(after, event.at.monotonic)
        self.count += 1

    def raised(self, before: ChargePoint, event: Event, error: BaseException) -> None:
        """The history fails by itself."""


ASKED = Asked()


class AskedWorld(World):
    """A world in which somebody asks all the time."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.witness = ASKED


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_stands_in_the_way_has_a_name(seed: int) -> None:
    """Cars, cuts, resets, deaths: after each step."""
    before = ASKED.count
    assert play_seed(seed, make=AskedWorld).breaches == ()
    assert ASKED.count > before
