"""Each planted bug is found within a minute of simulation: what cannot fail proves nothing."""

from __future__ import annotations

import time

import pytest

from tests.world.history import play
from tests.world.planted import BUGS, Bug
from tests.world.scenario import draw

WITHIN_S = 60.0  # of processor time, on one core
SEEDS = 60


@pytest.mark.sweep
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_world_finds_the_planted_bug(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds from 1 on, as many as a minute bears."""
    bug.plant(monkeypatch)
    began = time.process_time()
    for seed in range(1, SEEDS):
        if play(draw(seed, density=bug.density, loves=bug.loves)).breaches:
            break
        assert time.process_time() - began < WITHIN_S, "not found in time"
    else:
        pytest.fail(f"not found in {SEEDS} seeds: {bug.what}")


def test_there_are_many_and_each_has_a_name() -> None:
    """At least fifteen (issue 4)."""
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 15
