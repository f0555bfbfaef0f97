"""What feedback and meters say of one click, told apart."""

from __future__ import annotations

from typing import Any

import pytest

from edge.core.events import Pilot
from edge.doctor.click import Click
from edge.doctor.contactor import judge


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
