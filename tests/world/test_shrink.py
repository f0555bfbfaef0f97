"""A scenario is made small without losing what it shows."""

from __future__ import annotations

from dataclasses import replace

from tests.world.scenario import Scenario, draw
from tests.world.shrink import shrunk


def test_only_what_the_failure_needs_is_left() -> None:
    """Two acts that fail together stay, wherever they stand."""
    scenario = draw(1, density="heavy")
    needed = (scenario.acts[3], scenario.acts[-5])

    def fails(one: Scenario) -> bool:
        return all(act in one.acts for act in needed)

    assert shrunk(scenario, fails).acts == needed


def test_what_fails_without_any_act_has_none() -> None:
    """Then it is no history that is at fault."""
    assert shrunk(draw(1), lambda _: True) == replace(draw(1), acts=())
