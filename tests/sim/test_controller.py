"""The simulated controller is a reflex: what it does by itself happens once."""

from __future__ import annotations

import pytest

from edge.sim import outlet as outlets
from edge.sim.controller import AMPS, RELEASE_S, Controller
from edge.sim.outlet import Outlet
from edge.sim.world import World


@pytest.fixture
def charging(monkeypatch: pytest.MonkeyPatch) -> World:
    """A car that draws, and never lets go by itself."""
    monkeypatch.setattr(outlets, "RAMP_S", 1e6)
    world = World(connectors=1, draw_w=3680.0, ev_delay_s=0.0)
    outlet = world.outlets[1]
    outlet.controller = Controller()
    outlet.plug_in_socket = outlet.plug_in_car = True
    world.settle()
    world.advance(1.0)
    assert (outlet.car, outlet.closed) == ("C", True)
    return world


def withdraw(world: World) -> Outlet:
    outlet = world.outlets[1]
    assert outlet.controller is not None
    outlet.controller.registers[AMPS] = 0
    world.settle()
    return outlet


def test_safety_05_a_car_that_never_lets_go_is_opened_after_six_seconds(charging: World) -> None:
    """Not before: it ends its load in that time."""
    outlet = withdraw(charging)
    charging.advance(1.0 + RELEASE_S - 0.1)
    assert outlet.closed
    outlet.fire(1.0 + RELEASE_S)
    assert not outlet.outputs["coil"]


def test_what_was_due_is_not_due_again(charging: World) -> None:
    """A world that never comes past a moment hangs whoever looks at it."""
    outlet = withdraw(charging)
    outlet.fire(1.0 + RELEASE_S)
    due = outlet.next_due()
    assert due is not None
    assert due > 1.0 + RELEASE_S  # the contactor, which takes its time


def test_an_offer_that_comes_back_in_time_keeps_it_closed(charging: World) -> None:
    """The car goes on where it was."""
    outlet = withdraw(charging)
    charging.advance(1.0 + RELEASE_S - 0.1)
    assert outlet.controller is not None
    outlet.controller.registers[AMPS] = 16
    charging.settle()
    charging.advance(1.0 + 2 * RELEASE_S)
    assert outlet.closed
