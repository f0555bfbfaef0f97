"""Outputs beside the coil: the dead-man's pulse, the shunt trip, lamps and buzzer."""

from __future__ import annotations

import msgspec
import pytest

from edge.core.effects import Lamp
from edge.core.events import EvseSeen, Trip
from edge.drivers import dead_man, gpio_evse
from edge.drivers.gpio_front import ACCEPTED_S, REFUSED_S, beep_s
from edge.drivers.gpio_pins import GpioSettings
from edge.errors import EvseFailed
from tests.drivers.board import Board, charging, opened
from tests.drivers.rigs import running
from tests.waiting import until

DEAD_MAN, SHUNT_TRIP, BUZZER = 9, 10, 11


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


@pytest.mark.parametrize("name", ["coil", "shunt_trip", "dead_man", "lock", "pilot_pwm"])
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
