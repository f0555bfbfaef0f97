"""Controller models are files: what they say, what they refuse, and what comes of it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from edge.core.events import Pilot, Trip
from edge.drivers.controller_model import Block, Words, blocks, interpret, load, raw_limit
from edge.errors import ConfigError, EvseFailed

BUNDLED = sorted(
    each.name.removesuffix(".toml") for each in (files("edge.drivers") / "controllers").iterdir()
)


def din(**registers: int) -> Words:
    """An EVSE-DIN's registers."""
    shown = dict.fromkeys(range(1000, 1008), 0) | {1002: 1}
    return {(3, address): value for address, value in shown.items()} | {
        (3, int(name[1:])): value for name, value in registers.items()
    }


@pytest.mark.parametrize("model", BUNDLED)
def test_each_bundled_model_is_sound_and_names_its_source(model: str) -> None:
    """A car that is not there, one that waits, one that charges; closed only where it may be."""
    made = load(model)
    assert made.source
    assert {Pilot.A, Pilot.B, Pilot.C, Pilot.E} <= set(made.state.pilot.values())
    assert {made.state.pilot[raw] for raw in made.state.closed} <= {Pilot.C, Pilot.D}


def test_neighbours_are_read_together_and_kinds_apart() -> None:
    """One request of an EVSE-DIN, two of a Heidelberg: input and holding registers."""
    assert blocks(load("evse_din")) == (Block(function=3, address=1000, count=8),)
    assert blocks(load("heidelberg")) == (
        Block(function=3, address=261, count=1),
        Block(function=4, address=5, count=1),
    )


@pytest.mark.parametrize(
    ("model", "limit_a", "raw"),
    [
        ("evse_din", 16.0, 16),
        ("evse_din", 15.99, 15),
        ("evse_din", 5.99, 0),
        ("heidelberg", 16.0, 160),
        ("heidelberg", 6.09, 60),
        ("heidelberg", 0.0, 0),
    ],
)
def test_safety_07_a_limit_is_rounded_down_and_never_below_6_a(
    model: str, limit_a: float, raw: int
) -> None:
    """In the controller's own steps."""
    assert raw_limit(load(model), limit_a) == raw


def test_a_car_that_charges_is_closed_only_while_it_is_offered_something() -> None:
    """The state alone stands still while a controller withdraws."""
    model = load("evse_din")
    assert interpret(model, din(r1002=3, r1001=16)).closed
    assert not interpret(model, din(r1002=3, r1001=0)).closed


def test_fault_bits_are_trips() -> None:
    """Diode and residual current, each by its bit; the relay's bit says nothing."""
    model = load("evse_din")
    assert interpret(model, din(r1007=1)).trips == frozenset()
    assert interpret(model, din(r1007=0x12)).trips == {Trip.PILOT_LOST, Trip.RCD}


def test_a_state_that_the_model_does_not_know_is_a_failure() -> None:
    """A wrong model, or a lie."""
    with pytest.raises(EvseFailed, match="shows state 9"):
        interpret(load("evse_din"), din(r1002=9))


def test_a_file_of_ones_own_is_read_by_its_path(tmp_path: Path) -> None:
    """And one that is no model says where it is wrong."""
    mine = tmp_path / "mine.toml"
    mine.write_text((files("edge.drivers") / "controllers" / "evse_din.toml").read_text())
    assert load(str(mine)) == load("evse_din")
    mine.write_text(mine.read_text().replace('"C"', '"Z"'))
    with pytest.raises(ConfigError, match=r"mine\.toml"):
        load(str(mine))
