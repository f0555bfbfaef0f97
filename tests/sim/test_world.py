"""The bay's physics, in a time of its own."""

from __future__ import annotations

import pytest

from edge.errors import SimulationError
from edge.sim.outlet import Contactor, Lock, MeterFault, Outlet, Wire, decode_duty
from edge.sim.world import World

DUTY_32_A = 32 / 60


def bay(*, draw_w: float = 7360.0) -> tuple[World, Outlet]:
    world = World(connectors=2, draw_w=draw_w)
    return world, world.outlet(1)


def plug(world: World) -> None:
    outlet = world.outlet(1)
    outlet.plug_in_socket = outlet.plug_in_car = True
    world.settle()


def drive(world: World, **levels: float) -> None:
    world.outlet(1).outputs.update(levels)
    world.settle()


def charge(world: World) -> None:
    """Plug, offer 32 A, close; from 1 s on everything is drawn."""
    plug(world)
    drive(world, pilot_pwm=DUTY_32_A, coil=1.0)
    world.advance(1.0)


@pytest.mark.parametrize(
    ("duty", "amps"),
    [
        (0.0, 0.0),
        (0.05, 0.0),
        (0.09, 6.0),
        (0.1, 6.0),
        (0.5, 30.0),
        (0.85, 51.0),
        (0.9, 65.0),
        (0.96, 80.0),
        (0.965, 80.0),
        (1.0, 0.0),
    ],
)
def test_duty_means_amps_as_iec_61851_says(duty: float, amps: float) -> None:
    """Steady levels offer nothing; the slope bends at 85 %."""
    assert decode_duty(duty) == pytest.approx(amps)


def test_energy_is_exact_under_piecewise_changes() -> None:
    """Whatever the steps of time, energy is the sum of power times stretches."""
    world, outlet = bay()
    charge(world)
    before = outlet.drawn_wh
    outlet.draw_w = 3600.0
    for tenth in range(1, 101):
        world.advance(1.0 + tenth / 10)
    outlet.draw_w = 1800.0
    world.settle()
    world.advance(31.0)
    assert outlet.drawn_wh - before == pytest.approx(10.0 + 10.0)
    assert world.meter(0).energy_wh == pytest.approx(outlet.drawn_wh)


def test_one_late_look_counts_the_same_as_many() -> None:
    """Changes that happened in between are counted at their own moment."""
    worlds = [bay()[0], bay()[0]]
    for world in worlds:
        plug(world)
        drive(world, pilot_pwm=DUTY_32_A, coil=1.0)
    for step in range(500):
        worlds[0].advance(step / 100)
    for world in worlds:
        world.advance(5.0)
    assert worlds[0].outlet(1).drawn_wh == pytest.approx(worlds[1].outlet(1).drawn_wh)
    assert worlds[1].outlet(1).drawn_wh == pytest.approx(7360 * 4.7 / 3600)


def test_an_eager_car_follows_the_offer_and_returns_to_b_without_it() -> None:
    """A car asks 0.3 s after the offer, and ramps down 0.2 s after it is withdrawn."""
    world, outlet = bay()
    plug(world)
    assert outlet.pilot() == "B"
    drive(world, pilot_pwm=DUTY_32_A)
    world.advance(0.29)
    assert outlet.pilot() == "B"
    world.advance(0.31)
    assert outlet.pilot() == "C"
    assert outlet.power_w() == 0.0
    drive(world, coil=1.0)
    world.advance(0.5)
    assert outlet.power_w() == pytest.approx(7360.0)
    drive(world, pilot_pwm=1.0)
    assert outlet.power_w() == pytest.approx(3680.0)
    world.advance(0.71)
    assert outlet.pilot() == "B"
    assert outlet.power_w() == 0.0


def test_the_offer_limits_what_is_drawn() -> None:
    """Power is at most offer x voltage x phases."""
    world, outlet = bay(draw_w=22000.0)
    charge(world)
    assert outlet.power_w() == pytest.approx(7360.0)
    drive(world, pilot_pwm=0.1)
    assert outlet.power_w() == pytest.approx(6 * 230.0)


def test_a_welded_contactor_goes_on_drawing_when_the_coil_lets_go() -> None:
    """The mirror contact tells it, and energy goes on."""
    world, outlet = bay()
    charge(world)
    outlet.contactor = Contactor.WELDED
    drive(world, coil=0.0, pilot_pwm=1.0)
    world.advance(2.0)
    assert outlet.inputs()["feedback"]
    assert outlet.power_w() == pytest.approx(7360.0)
    outlet.contactor = Contactor.OK
    world.settle()
    world.advance(3.0)
    assert not outlet.inputs()["feedback"]


def test_a_contactor_that_sticks_or_dawdles_shows_in_its_feedback() -> None:
    """Stuck open never closes; a slow one closes after 400 ms, later than drivers wait."""
    world, outlet = bay()
    outlet.contactor = Contactor.STUCK_OPEN
    seen = []
    drive(world, coil=1.0)
    world.advance(1.0)
    seen.append(outlet.closed)
    outlet.contactor = Contactor.SLOW
    world.settle()
    for moment_s in (1.35, 1.41):
        world.advance(moment_s)
        seen.append(outlet.closed)
    assert seen == [False, False, True]
    outlet.wires.add(Wire.FEEDBACK_BROKEN)
    assert not outlet.inputs()["feedback"]


def test_cutting_the_mains_drops_the_coil_but_not_a_bistable_lock() -> None:
    """Power kill: nothing is drawn, outputs are low, the cable stays shut."""
    world, outlet = bay()
    charge(world)
    drive(world, lock=1.0)
    world.advance(2.0)
    drawn = outlet.drawn_wh
    world.cut_mains()
    world.settle()
    world.advance(60.0)
    assert (outlet.drawn_wh, outlet.closed, outlet.locked) == (drawn, False, True)
    world.restore_mains()
    world.settle()
    world.advance(61.0)
    assert (outlet.outputs["coil"], outlet.closed, outlet.locked) == (0.0, False, True)


def test_a_grid_that_fails_leaves_the_outputs_to_the_back_up() -> None:
    """Coils fall and meters are dark, but what the computer drives stays driven."""
    world, outlet = bay()
    charge(world)
    world.fail_grid()
    world.settle()
    world.advance(5.0)
    assert (outlet.outputs["coil"], outlet.closed, outlet.power_w()) == (1.0, False, 0.0)
    assert (world.mains, world.meter_fault(1)) == (False, MeterFault.TIMEOUT)
    world.restore_mains()
    world.settle()
    world.advance(6.0)
    assert (world.mains, outlet.closed, world.meter_fault(1)) == (True, True, MeterFault.NONE)


def test_a_locked_plug_comes_out_when_the_lock_lets_go() -> None:
    """Pulling at a locked plug frees nothing, until it is unlocked."""
    world, outlet = bay()
    plug(world)
    drive(world, lock=1.0)
    world.advance(1.0)
    outlet.pulling = True
    world.settle()
    assert outlet.plug_in_socket
    drive(world, lock=0.0)
    world.advance(2.0)
    assert not outlet.plug_in_socket


@pytest.mark.parametrize(
    ("mode", "ordered", "locked"),
    [(Lock.FAIL_LOCK, 1.0, False), (Lock.ABSENT, 1.0, False), (Lock.OK, 1.0, True)],
)
def test_the_lock_does_what_its_mode_allows(mode: Lock, ordered: float, locked: bool) -> None:
    """A lock that fails stays where it was."""
    world, outlet = bay()
    outlet.lock = mode
    drive(world, lock=ordered)
    world.advance(1.0)
    assert outlet.locked is locked


def test_a_lock_that_fails_to_unlock_stays_shut() -> None:
    """Its feedback goes on saying locked."""
    world, outlet = bay()
    drive(world, lock=1.0)
    world.advance(1.0)
    outlet.lock = Lock.FAIL_UNLOCK
    drive(world, lock=0.0)
    world.advance(2.0)
    assert outlet.inputs()["locked"]


def test_a_residual_current_trip_stops_the_load() -> None:
    """The breaker is open even while the contactor is not yet."""
    world, outlet = bay()
    charge(world)
    outlet.wires.add(Wire.RCD)
    assert outlet.power_w() == 0.0
    assert outlet.inputs()["rcd"]


def test_forced_load_and_time_scale_move_the_register() -> None:
    """The verb `meter` sets the load; time can run faster for the register."""
    world, outlet = bay(draw_w=0.0)
    drive(world, coil=1.0)
    world.advance(1.0)
    outlet.forced_w, outlet.time_scale = 3600.0, 60.0
    world.advance(11.0)
    assert outlet.energy_wh == pytest.approx(600.0)
    world.set_main_energy(1000.0)
    assert world.meter(0).energy_wh == pytest.approx(1000.0)


def test_cards_are_laid_one_after_the_other_with_a_pause() -> None:
    """Two taps are two cards, however fast they were asked for."""
    world, _ = bay()
    spot = world.spots[0]
    spot.tap("AA", 0.6, world.now_s)
    spot.tap("BB", 0.6, world.now_s)
    seen = []
    for tenth in range(25):
        world.advance(tenth / 10 + 0.05)
        seen.append(spot.laid)
    assert seen == ["AA"] * 6 + [None] * 4 + ["BB"] * 6 + [None] * 9


def test_too_many_cards_and_unknown_parts_are_refused_in_a_sentence() -> None:
    """Bounds have names, and answers say what is allowed."""
    world, _ = bay()
    for _ in range(16):
        world.spots[0].tap("AA", 0.6, 0.0)
    with pytest.raises(SimulationError, match="waiting"):
        world.spots[0].tap("AA", 0.6, 0.0)
    with pytest.raises(SimulationError, match="no connector 3, only 1 to 2"):
        world.outlet(3)
    with pytest.raises(SimulationError, match="no reader 1"):
        world.spot(1)


def test_safety_23_a_relay_that_moves_under_load_is_counted() -> None:
    """One phase while the pin is low; a move behind an open contactor is none of ours."""
    world, outlet = bay(draw_w=22_000.0)
    outlet.phases, outlet.has_phase_relay = 3, True
    charge(world)
    assert outlet.current_a() == pytest.approx((32.0, 0.0, 0.0))
    drive(world, phase_relay=1.0)
    assert outlet.breaches == 1
    assert outlet.current_a() == pytest.approx((22_000 / 690,) * 3)
    drive(world, coil=0.0)
    world.advance(2.0)
    drive(world, phase_relay=0.0)
    assert outlet.breaches == 1
