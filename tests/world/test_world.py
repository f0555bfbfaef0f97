"""Whole histories in virtual time: nothing lost, nothing twice; one seed is one history."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.world.history import play
from tests.world.scenario import Scenario, draw, of_years, read

Figure = Callable[[str, int], None]

ROOT = Path(__file__).parents[2]
FIRST = 1000
CHUNKS = 8
CHUNK = 5


def told(scenario: Scenario, breaches: tuple[str, ...], directory: Path) -> str:
    """What a failing test says: the breaches, and the command that shows them again."""
    path = directory / f"seed-{scenario.seed}.json"
    scenario.write(path)
    listed = "\n".join(breaches)
    return f"{listed}\nreplay: {sys.executable} -m tests.world {path}"


@pytest.mark.parametrize("density", ["none", "medium", "heavy"])
def test_a_history_loses_nothing_and_doubles_nothing(density: str, tmp_path: Path) -> None:
    """Sessions happen, and both databases and the bay agree about them."""
    scenario = draw(1, density=density)
    outcome = play(scenario)
    assert not outcome.breaches, told(scenario, outcome.breaches, tmp_path)
    assert outcome.sessions >= 3
    assert (outcome.crashes > 5) is (density != "none")


@pytest.mark.parametrize("density", ["none", "heavy"])
def test_so_it_does_over_real_websockets(density: str, tmp_path: Path) -> None:
    """The same over TCP in memory, with the library that is deployed, on both sides."""
    scenario = draw(1, density=density, real_sockets=True)
    outcome = play(scenario)
    assert not outcome.breaches, told(scenario, outcome.breaches, tmp_path)
    assert outcome.sessions >= 3
    assert outcome.counts["events"] > 500


@pytest.mark.sweep
@pytest.mark.parametrize("first", range(FIRST, FIRST + CHUNKS * CHUNK, CHUNK))
def test_no_seed_loses_or_doubles_anything(
    first: int, tmp_path: Path, record_figure: Figure
) -> None:
    """Every fault there is, as dense as the seed has it."""
    for seed in range(first, first + CHUNK):
        scenario = of_years(seed)
        outcome = play(scenario)
        assert not outcome.breaches, told(scenario, outcome.breaches, tmp_path)
        record_figure("simulated charging days", outcome.days)
        record_figure("sessions in the simulated world", outcome.sessions)
        record_figure("crashes in the simulated world", outcome.crashes)


@pytest.mark.sweep
def test_a_file_is_the_same_history(tmp_path: Path) -> None:
    """A failing seed is a bug report that can be sent to somebody."""
    scenario = draw(2, density="heavy")
    path = tmp_path / "scenario.json"
    scenario.write(path)
    assert read(path) == scenario
    done = subprocess.run(
        [sys.executable, "-m", "tests.world", path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert play(scenario).digest in done.stdout


@pytest.mark.sweep
def test_one_seed_is_one_history_whatever_the_hash_seed() -> None:
    """Every message, commit and physical event comes at the same moment in the same order."""
    told = {
        subprocess.run(
            [sys.executable, "-m", "tests.world", "--seed", "3", "--density", "heavy"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2", "3")
    }
    assert len(told) == 1
    assert play(draw(3, density="heavy")).digest in told.pop()
