"""Offer, lamp, lock and settings of the real charging-point driver, on gpiozero's mock pins."""

from __future__ import annotations

import pytest

from edge.core.effects import Lamp
from edge.core.events import EvseSeen
from edge.drivers.gpio_front import COLOURS
from edge.drivers.gpio_pins import INPUTS, GpioSettings, duty
from edge.errors import ConfigError, EvseFailed
from tests.drivers.board import Board, opened
from tests.drivers.rigs import running


@pytest.fixture
def board() -> Board:
    """One board of mock pins."""
    return Board()


@pytest.mark.parametrize(
    ("offer_a", "expected"),
    [(0, 1.0), (5.9, 1.0), (6, 0.10), (16, 0.2667), (32, 0.5333), (51, 0.85), (80, 0.96)],
)
def test_safety_07_the_duty_cycle_follows_iec_61851(offer_a: float, expected: float) -> None:
    """Never below 6 A: less is steady +12 V (safety 7)."""
    assert duty(offer_a) == pytest.approx(expected, abs=1e-4)


async def test_an_offer_reaches_the_pilot_and_stops_at_the_rating(board: Board) -> None:
    """The installer's maximum holds whatever is asked."""
    async with opened(board, rated_a=16) as evse:
        evse.offer(10)
        assert board.level("pilot_pwm") == pytest.approx(10 / 60)
        evse.offer(32)
        assert board.level("pilot_pwm") == pytest.approx(16 / 60)
        evse.offer(0)
        assert board.level("pilot_pwm") == 1.0


async def test_the_traits_tell_what_the_wires_allow(board: Board) -> None:
    """Ruling 3: what each kind can know."""
    async with opened(board, rated_a=16, phases=3) as evse:
        assert evse.traits.has_pilot
        assert evse.traits.has_lock
        assert (evse.traits.rated_a, evse.traits.phases) == (16, 3)
    bare = ("pilot_pwm", "vehicle", "ready", "lock", "locked", "plug")
    async with opened(Board(), *bare) as evse:
        traits = evse.traits
        assert (traits.has_pilot, traits.has_plug_sense, traits.has_lock) == (False, False, False)


async def test_the_lock_is_told_by_its_feedback(board: Board) -> None:
    """Ordered is not locked."""
    async with opened(board) as evse, running(evse.run) as inbox:
        evse.set_lock(True)
        assert board.level("lock") == 1
        assert not any(seen.locked for seen in inbox.of(EvseSeen))
        board.drive("locked", high=True)
        await inbox.first(EvseSeen, lambda seen: seen.locked is True)


async def test_a_lock_found_locked_is_not_let_go_at_the_start(board: Board) -> None:
    """A bistable lock outlives a power cut; the core decides when it opens (ruling 14)."""
    board.drive("locked", high=True)
    async with opened(board, pull=False):
        assert board.level("lock") == 1


@pytest.mark.parametrize("lamp", list(Lamp))
async def test_each_lamp_lights_its_colours(board: Board, lamp: Lamp) -> None:
    """Steady colours by a complete table."""
    async with opened(board) as evse:
        evse.show(lamp)
        lit = {name for name in ("red", "green", "blue") if board.level(f"lamp_{name}")}
        assert lit == set(COLOURS[lamp].split())


async def test_active_low_inputs_are_read_the_other_way_round(board: Board) -> None:
    """An emergency stop that pulls to ground."""
    async with opened(board, active_low=("emergency_stop",)) as evse:
        board.car("C")
        evse.energise()
        board.drive("emergency_stop", high=False)
        assert board.level("coil") == 0


async def test_a_pin_used_twice_is_refused(board: Board) -> None:
    """Before anything is switched."""
    with pytest.raises(ConfigError, match="plug and coil are both on pin 17"):
        async with opened(board, plug=17):
            pass


async def test_half_a_pilot_is_refused(board: Board) -> None:
    """A pilot that offers but does not look at the car would be a live socket."""
    with pytest.raises(ConfigError, match="all of pilot_pwm, vehicle and ready"):
        async with opened(board, "vehicle"):
            pass


async def test_a_pin_in_use_is_told(board: Board) -> None:
    """Two connectors on one pin, or another program."""
    async with opened(board):
        with pytest.raises(EvseFailed, match="cannot be used"):
            async with opened(board):
                pass


def test_every_input_has_a_setting() -> None:
    """The table of inputs and the settings' keys agree."""
    assert set(INPUTS) <= set(GpioSettings.__struct_fields__)
