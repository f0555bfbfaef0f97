"""The self-test: what it plants, and that it can fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from edge.doctor.planted import Fault, load, put, taken_from
from edge.doctor.self_test import Outcome, control, outcomes


def fault(name: str) -> Fault:
    (found,) = (each for each in load() if each.name == name)
    return found


def test_twenty_faults_at_least_are_planted_and_each_is_another() -> None:
    """Issue 5, 4: a list in a data file."""
    faults = load()
    assert len({each.name for each in faults}) == len(faults) >= 20
    assert len({each.expects for each in faults}) >= 20


@pytest.mark.slow
async def test_a_bay_without_a_fault_has_none(tmp_path: Path) -> None:
    """Else a finding would prove nothing."""
    assert await control(tmp_path) == ()


@pytest.mark.slow
@pytest.mark.together  # real wires in real time: sweeps beside it make them late
async def test_each_planted_fault_is_named_and_no_other(tmp_path: Path) -> None:
    """Issue 5, acceptance: `named N of N planted faults`, and no other remedy."""
    wrong = [each async for each in outcomes(load(), tmp_path) if not each.is_right]
    assert wrong == []


@pytest.mark.slow
async def test_a_fault_that_is_not_what_was_expected_fails(tmp_path: Path) -> None:
    """The test of the test: the same fault under another's name, and none under its own."""
    planted = fault("central system not running")
    mistaken = msgspec.structs.replace(planted, expects="line.name")
    harmless = Fault(name="nothing", expects="line.name", where="csms")
    outcome = [each async for each in outcomes((mistaken, harmless), tmp_path)]
    assert [each.is_right for each in outcome] == [False, False]
    assert [found.code for found in outcome[0].named] == ["line.tcp_refused"]


@pytest.mark.slow
async def test_a_second_remedy_fails(tmp_path: Path) -> None:
    """Named correctly is not enough: the installer would mend what is whole."""
    planted = msgspec.structs.replace(fault("no NTP"), central=fault("station blocked").central)
    (outcome,) = [each async for each in outcomes((planted,), tmp_path)]
    assert {found.code for found in outcome.named} == {"clock.free", "line.forbidden"}
    assert not outcome.is_right
    alone = replace(outcome, named=tuple(f for f in outcome.named if f.code == "clock.free"))
    assert isinstance(alone, Outcome)
    assert alone.is_right


def test_what_is_wired_otherwise_is_configured_as_ever() -> None:
    """The bay is built one way, and edge.toml says another."""
    standard = {"a": {"pin": 1}}
    wired = put(standard, {"a.pin": 2, "a.low": True})
    assert wired == {"a": {"pin": 2, "low": True}}
    assert taken_from(wired, standard, {"a.pin": 2, "a.low": True}) == standard
