"""Recordings of whole sessions: the core decides today what it decided then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.core.effects import Cut
from edge.core.events import Event
from edge.core.state import ChargePoint
from edge.core.step import step
from edge.recording.replay import Step, divergence, play, read

FILES = sorted(Path(__file__).parent.glob("*.rec"))


def first_divergence(path: Path, decide: Step = step) -> object:
    lines = path.read_text(encoding="utf-8").splitlines()
    for recorded, decided in play(read(lines), decide):
        found = divergence(recorded, decided)
        if found is not None:
            return found
    return None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_same_events_make_the_same_decisions(path: Path) -> None:
    """Where a change is meant: `tapwatt edge replay --rewrite`, and review what it rewrote."""
    assert first_divergence(path) is None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_cut_that_is_forgotten_shows(path: Path) -> None:
    """A planted change: in every scenario that opens a contactor, somebody notices."""

    def forgetful(state: ChargePoint, event: Event) -> tuple[ChargePoint, tuple[Any, ...]]:
        after, effects = step(state, event)
        return after, tuple(one for one in effects if not isinstance(one, Cut))

    opens = "\n  Cut {" in path.read_text(encoding="utf-8")
    assert (first_divergence(path, forgetful) is not None) is opens


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_message_number_too_many_shows(path: Path) -> None:
    """What only a state holds shows in the next message that is sent."""

    def renumbered(state: ChargePoint, event: Event) -> tuple[ChargePoint, tuple[Any, ...]]:
        return step(replace(state, message_count=state.message_count + 1), event)

    assert first_divergence(path, renumbered) is not None


def test_there_are_scenarios() -> None:
    """A folder that is empty proves nothing."""
    assert len(FILES) >= 7
