"""Outputs beside the coil: the dead-man's pulse, the shunt trip, lamps and buzzer."""

from __future__ import annotations

import msgspec
import pytest

from edge.core.effects import Lamp
from edge.core.events import EvseSeen, Trip
from edge.drivers import dead_man, gpio_evse, rcd_pulse
from edge.drivers.gpio_front import ACCEPTED_S, REFUSED_S, beep_s
from edge.drivers.gpio_pins import GpioSettings
from edge.errors import ConfigError, EvseFailed
from tests.drivers.board import Board, charging, opened
from tests.drivers.rigs import running
from tests.waiting import until

DEAD_MAN, SHUNT_TRIP, BUZZER, RCD_TEST = 9, 10, 11, 14


@pytest.fixture
def board() -> Board:
    """One board of mock pins."""
    return Board()


def level(board: Board, pin: int) -> int:
    return int(board.factory.pin(pin).state)


async def test_safety_02_each_proof_of_the_loop_is_one_edge_of_the_pulse(board: Board) -> None:
    """Low, high, low: nothing but the loop's own progress toggles it."""
    async with opened(board, dead_man=DEAD_MAN) as evse:
        assert level(board, DEAD_MAN) == 0
        edges = []
        for _ in range(4):
            evse.prove_alive()
            edges.append(level(board, DEAD_MAN))
        assert edges == [1, 0, 1, 0]
        evse.prove_alive()
    assert level(board, DEAD_MAN) == 0


async def test_safety_02_the_pulse_is_wanted_twenty_times_a_second(board: Board) -> None:
    """A coil driver that falls after half a second bears nine that are missing."""
    async with opened(board, dead_man=DEAD_MAN) as evse:
        assert evse.proof_s == 0.05
    async with opened(Board()) as evse:
        assert evse.proof_s == 1.0


async def test_safety_02_a_loop_that_hangs_loses_the_coil_and_gets_it_back(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a thread of the driver's own; once the loop is back, it is a trip that can be rearmed."""
    monkeypatch.setattr(dead_man, "EXPIRES_S", 0.05)
    monkeypatch.setattr(dead_man, "LOOK_S", 0.02)
    async with charging(board) as (evse, inbox):
        assert board.level("coil") == 1
        evse.prove_alive()
        await until(lambda: board.level("coil") == 0)
        await inbox.first(EvseSeen, lambda seen: Trip.DEAD_MAN in seen.tripped)
        with pytest.raises(EvseFailed, match="dead_man"):
            evse.energise()


async def test_safety_02_nobody_is_missed_before_his_first_proof(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver that runs without the daemon's loop, in a test or the doctor, is not cut."""
    monkeypatch.setattr(dead_man, "EXPIRES_S", 0.0)
    async with charging(board) as (_, inbox):
        assert board.level("coil") == 1
        assert inbox.of(EvseSeen) == []


async def test_safety_09_a_weld_trips_what_is_upstream(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shunt trip is high while the contact is stuck, and only then."""
    monkeypatch.setattr(gpio_evse, "OPEN_WITHIN_S", 0.05)
    async with opened(board, shunt_trip=SHUNT_TRIP) as evse, running(evse.run) as inbox:
        assert level(board, SHUNT_TRIP) == 0
        board.car("C")
        evse.energise()
        board.drive("feedback", high=True)
        evse.cut()
        await inbox.first(EvseSeen, lambda seen: Trip.WELDED in seen.tripped)
        assert (board.level("coil"), level(board, SHUNT_TRIP)) == (0, 1)
        evse.rearm()
        assert level(board, SHUNT_TRIP) == 1
        board.drive("feedback", high=False)
        evse.rearm()
        assert level(board, SHUNT_TRIP) == 0


async def test_safety_12_the_test_coil_is_on_for_one_bounded_pulse(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begin, trip and end are told in their order; the reflex latches as ever, and is rearmed."""
    monkeypatch.setattr(rcd_pulse, "PULSE_S", 0.2)
    async with opened(board, rcd_test=RCD_TEST) as evse, running(evse.run) as inbox:
        assert evse.traits.has_rcd_test
        assert level(board, RCD_TEST) == 0
        evse.fire_test_coil()
        assert level(board, RCD_TEST) == 1
        board.drive("rcd", high=True)
        evse.fire_test_coil()
        await inbox.first(EvseSeen, lambda seen: Trip.RCD in seen.tripped and not seen.rcd_pulsed)
        assert level(board, RCD_TEST) == 0
        told = [(seen.rcd_pulsed, Trip.RCD in seen.tripped) for seen in inbox.of(EvseSeen)]
        assert list(dict.fromkeys(told)) == [
            (False, False),
            (True, False),
            (True, True),
            (False, True),
        ]
        with pytest.raises(EvseFailed, match="rcd"):
            evse.energise()
        board.drive("rcd", high=False)
        evse.rearm()
        await inbox.first(EvseSeen, lambda seen: not seen.rcd_pulsed and not seen.tripped)


async def test_safety_12_a_real_trip_opens_the_coil_with_a_test_output_as_without(
    board: Board,
) -> None:
    """The reflex knows nothing of tests."""
    async with opened(board, rcd_test=RCD_TEST) as evse, running(evse.run) as inbox:
        board.car("C")
        evse.energise()
        board.drive("rcd", high=True)
        assert board.level("coil") == 0
        await inbox.first(EvseSeen, lambda seen: Trip.RCD in seen.tripped)


@pytest.mark.parametrize("how", ["ordered", "welded", "without"])
async def test_safety_12_no_pulse_behind_a_closed_contactor_nor_without_a_coil(
    board: Board, how: str
) -> None:
    """By order, or by what the mirror contact shows."""
    pins = {} if how == "without" else {"rcd_test": RCD_TEST}
    async with opened(board, **pins) as evse:
        assert evse.traits.has_rcd_test is (how != "without")
        if how == "ordered":
            board.car("C")
            evse.energise()
        elif how == "welded":
            board.drive("feedback", high=True)
        with pytest.raises(EvseFailed, match="fires no test coil"):
            evse.fire_test_coil()


async def test_safety_12_a_driver_that_closes_leaves_no_test_current(board: Board) -> None:
    """Off at the end, in the middle of a pulse too."""
    async with opened(board, rcd_test=RCD_TEST) as evse:
        evse.fire_test_coil()
        pin = board.factory.pin(RCD_TEST)
        assert pin.state == 1
    assert pin.state == 0


async def test_safety_12_a_test_that_nobody_sees_the_end_of_is_refused(board: Board) -> None:
    """`rcd_test` without `rcd`."""
    with pytest.raises(ConfigError, match="rcd_test needs rcd"):
        async with opened(board, "rcd", rcd_test=RCD_TEST):
            pass


async def test_safety_10_the_off_command_is_given_once(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A welded contactor is alarmed, not hammered: the coil's pin does not move again."""
    monkeypatch.setattr(gpio_evse, "OPEN_WITHIN_S", 0.05)
    async with opened(board) as evse, running(evse.run) as inbox:
        board.car("C")
        evse.energise()
        board.drive("feedback", high=True)
        evse.cut()
        await inbox.first(EvseSeen, lambda seen: Trip.WELDED in seen.tripped)
        moves = len(board.factory.pin(17).states)
        evse.rearm()
        await until(lambda: Trip.WELDED in inbox.of(EvseSeen)[-1].tripped)
        assert len(board.factory.pin(17).states) == moves


async def test_lamps_with_a_common_anode_light_at_low(board: Board) -> None:
    """Dark is high, from the first moment on."""
    low = ("lamp_red", "lamp_green", "lamp_blue")
    async with opened(board, active_low=low) as evse:
        assert [board.level(name) for name in low] == [1, 1, 1]
        evse.show(Lamp.CHARGING)
        assert [board.level(name) for name in low] == [1, 1, 0]


@pytest.mark.parametrize(
    "name", ["coil", "shunt_trip", "dead_man", "rcd_test", "lock", "pilot_pwm"]
)
def test_safety_01_what_danger_hangs_on_is_active_high_only(name: str) -> None:
    """A pin that nobody drives is low, and low is off."""
    table = {"coil": 17, "active_low": [name]}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(table, GpioSettings)


async def test_the_buzzer_beeps_and_is_still_again(board: Board) -> None:
    """A refusal, heard."""
    async with opened(board, buzzer=BUZZER) as evse:
        evse.show(Lamp.REFUSED)
        await until(lambda: level(board, BUZZER) == 1)
        await until(lambda: level(board, BUZZER) == 0)


@pytest.mark.parametrize(
    ("before", "after", "seconds"),
    [
        (Lamp.WAITING, Lamp.CHARGING, ACCEPTED_S),
        (Lamp.WAITING, Lamp.SUSPENDED, ACCEPTED_S),
        (Lamp.WAITING, Lamp.READY, ACCEPTED_S),
        (Lamp.WAITING, Lamp.FINISHED, ACCEPTED_S),
        (Lamp.WAITING, Lamp.REFUSED, REFUSED_S),
        (Lamp.READY, Lamp.REFUSED, REFUSED_S),
        (Lamp.AVAILABLE, Lamp.READY, 0.0),
        (Lamp.SUSPENDED, Lamp.CHARGING, 0.0),
        (Lamp.WAITING, Lamp.FAULTED, 0.0),
    ],
)
def test_a_beep_is_short_for_yes_and_long_for_no(before: Lamp, after: Lamp, seconds: float) -> None:
    """Only where a card was judged: a car that pauses makes no noise."""
    assert beep_s(before, after) == seconds
