"""What feedback and meters say of one click, told apart."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from edge.app.hardware import Tables
from edge.config.settings import Connector, Settings
from edge.core.events import Pilot
from edge.doctor.click import Click
from edge.doctor.contactor import judge
from edge.doctor.examination import examine
from edge.doctor.site import Consent, Site
from edge.drivers.system_clock import SystemClock
from tests.drivers.board import PINS, Board


def codes(**seen: Any) -> list[str]:
    return [found.code for found in judge(Click(connector=1, **seen))]


GOOD = {"before": False, "during": True, "after": False, "closes_s": 0.02, "opens_s": 0.02}
DARK = {"before": False, "during": False, "after": False}


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (GOOD, "contactor.obeys"),
        (GOOD | {"closes_s": 0.31}, "contactor.slow"),
        (GOOD | {"after": True, "opens_s": None}, "contactor.stuck"),
        ({"before": True, "during": True, "after": True}, "contactor.welded"),
        ({"before": True, "during": False, "after": True}, "feedback.inverted"),
        (DARK, "contactor.no_answer"),
        ({}, "contactor.unheard"),
    ],
)
def test_a_click_without_load_is_judged_by_its_feedback(seen: dict[str, Any], code: str) -> None:
    """Safety row 9; which meter counts it stays unknown."""
    assert codes(is_loaded=False, **seen) == [code, "contactor.not_loaded"]


@pytest.mark.parametrize(
    ("seen", "drawn_w", "expected"),
    [
        (GOOD, {1: 2000.0, 2: 0.0}, ["contactor.obeys"]),
        (GOOD, {1: 0.0, 2: 2000.0}, ["contactor.obeys", "meter.crossed"]),
        (GOOD, {1: 0.0, 2: 0.0}, ["contactor.obeys", "meter.uncounted"]),
        (GOOD, {}, ["contactor.obeys"]),
        (DARK, {1: 2000.0}, ["feedback.broken"]),
        (DARK, {1: 0.0}, ["contactor.coil"]),
        (DARK, {2: 0.0}, ["contactor.no_answer"]),
        ({}, {1: 2000.0}, ["contactor.obeys_by_meter"]),
        ({}, {1: 0.0}, ["contactor.coil"]),
    ],
)
def test_with_a_load_the_meter_is_a_second_witness(
    seen: dict[str, Any], drawn_w: dict[int, float], expected: list[str]
) -> None:
    """First 11: coil and feedback wires are told apart, and meters that are swapped."""
    assert codes(is_loaded=True, drawn_w=drawn_w, pilot=Pilot.C, **seen) == expected


def test_a_load_that_does_not_ask_is_not_clicked() -> None:
    """Safety row 3: nothing closes for a car in B."""
    assert codes(is_loaded=True, pilot=Pilot.B) == ["load.not_asking"]


@pytest.mark.parametrize("parts", [("contactor",), ("contactor", "pins")])
async def test_safety_03_nothing_is_clicked_onto_a_plug_that_nobody_named(
    parts: tuple[str, ...], tmp_path: Path
) -> None:
    """The inputs are looked at first, also where only the contactor is asked for."""
    board = Board()
    board.drive("plug", high=True)
    board.car("C")
    tables = Tables(
        readers={},
        buses={},
        connectors={1: Connector(evse={"kind": "gpio", "pull": False, **PINS})},
        pin_factory=board.factory,
    )
    site = Site(
        settings=Settings(),
        tables=tables,
        clock=SystemClock(),
        random=Random(0),
        state_dir=tmp_path,
        consent=Consent(clicks=frozenset({1})),
    )
    found = await examine(site, parts)
    assert "pins.plug_unexpected" in {each.code for each in found}
    assert not any(state.state for state in board.factory.pin(PINS["coil"]).states)
