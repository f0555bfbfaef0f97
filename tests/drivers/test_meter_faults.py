"""Hours on a bad line, in virtual time: no wrong value is ever read, and it heals in time."""

from __future__ import annotations

import pytest

from edge.drivers.meter_model import blocks, bundled, load
from edge.drivers.modbus import RtuSettings
from tests.drivers import meter_trial
from tests.drivers.meter_trial import Trial, run
from tests.drivers.virtual_wire import ON_A_LINE, ON_A_NETWORK, Fault

KINDS = ("sdm120", "em340", "pzem-004t", "sdm72d-m")
NETWORKS = pytest.mark.parametrize("is_network", [False, True])
SINGLY = (Fault.DOUBLED,)
"""Registers read one by one have one length: their replies said twice cannot be told apart."""


@NETWORKS
@pytest.mark.parametrize("model", KINDS)
def test_half_an_hour_on_a_bad_line(model: str, is_network: bool) -> None:
    """Every kind of fault, up to nineteen of twenty exchanges."""
    outcome = run(Trial(model=model, is_network=is_network, seed=1, hours=0.5))
    assert outcome.breaches == []
    assert set(outcome.faults) == set(ON_A_NETWORK if is_network else ON_A_LINE)
    assert outcome.readings > 500
    assert outcome.failures > 100


@NETWORKS
def test_a_unit_that_refuses_its_holes_on_a_bad_line(is_network: bool) -> None:
    """Read register by register, with replies as late as the settings bear."""
    trial = Trial(
        model="sdm120", is_network=is_network, seed=1, hours=0.5, has_holes=True, without=SINGLY
    )
    assert run(trial).breaches == []


def test_replies_later_than_any_drain_never_pass_for_another_register() -> None:
    """Up to ten seconds late: blocks of different lengths tell them apart."""
    trial = Trial(model="sdm630", is_network=False, seed=3, hours=1.0, latest_s=10.0)
    assert run(trial).breaches == []


@pytest.mark.parametrize("model", ["sdm72d-m", "orno-514"])
def test_the_trial_sees_a_driver_that_does_not_wait_for_late_replies(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the drain one register's value is read as another's, and this would tell."""
    monkeypatch.setattr(meter_trial, "RTU", RtuSettings(port="virtual", drain_s=0.0))
    outcome = run(Trial(model=model, is_network=False, seed=0, hours=1.2, has_holes=True))
    assert any("was not shown" in each for each in outcome.breaches)


@pytest.mark.sweep
@NETWORKS
@pytest.mark.parametrize("model", bundled())
@pytest.mark.parametrize("has_holes", [False, True])
def test_hours_of_every_model_on_a_bad_line(model: str, has_holes: bool, is_network: bool) -> None:
    """A quarter of an hour each, twenty hours in all; `scripts/bench meters` does days of it."""
    trial = Trial(
        model=model,
        is_network=is_network,
        seed=2,
        hours=0.25,
        has_holes=has_holes,
        without=SINGLY if has_holes and not is_network else (),
    )
    assert run(trial).breaches == []


@pytest.mark.sweep
@pytest.mark.parametrize("model", [each for each in bundled() if len(blocks(load(each))) > 1])
def test_hours_of_replies_that_are_seconds_late(model: str) -> None:
    """Not one passes for another register's."""
    trial = Trial(model=model, is_network=False, seed=4, hours=0.5, latest_s=10.0)
    assert run(trial).breaches == []
