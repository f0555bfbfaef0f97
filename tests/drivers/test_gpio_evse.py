"""The real charging-point driver on gpiozero's mock pins: the reflex above all."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from gpiozero.pins.mock import MockPWMPin

from edge.core.effects import Lamp
from edge.core.events import EvseSeen, Pilot, StopPressed, Trip
from edge.errors import EvseFailed
from tests.drivers.board import PINS, Board, charging, opened
from tests.drivers.rigs import running


@pytest.fixture
def board() -> Board:
    """One board of mock pins."""
    return Board()


async def test_all_is_off_and_told_when_the_driver_starts(board: Board) -> None:
    """Level before direction: the coil never pulses; the offer is steady +12 V."""
    async with opened(board) as evse, running(evse.run) as inbox:
        seen = await inbox.first(EvseSeen)
        assert (board.level("coil"), board.level("pilot_pwm")) == (0, 1.0)
        assert not any(state.state for state in board.factory.pin(PINS["coil"]).states)
        assert (seen.connector, seen.plugged, seen.pilot) == (1, False, Pilot.A)
        assert (seen.contactor_closed, seen.locked, seen.tripped) == (False, False, frozenset())


@pytest.mark.parametrize("state", ["A", "B", "C", "D", "E"])
async def test_the_pilot_is_read_from_its_wires(board: Board, state: str) -> None:
    """A no car, B car, C asks, D asks with ventilation, E fault."""
    async with opened(board) as evse:
        board.car("B")
        board.car(state)
        async with running(evse.run) as inbox:
            assert (await inbox.first(EvseSeen)).pilot is Pilot(state)


async def test_a_car_that_asks_gets_energy_and_the_feedback_is_told(board: Board) -> None:
    """The mirror contact, not the order, says closed."""
    async with opened(board) as evse, running(evse.run) as inbox:
        board.car("C")
        evse.energise()
        assert board.level("coil") == 1
        assert not any(seen.contactor_closed for seen in inbox.of(EvseSeen))
        board.drive("feedback", high=True)
        await inbox.first(EvseSeen, lambda seen: seen.contactor_closed)


async def test_the_emergency_stop_opens_the_coil_while_the_loop_hangs(board: Board) -> None:
    """The reflex runs in the thread of the input (ruling 1); how fast is `scripts/bench stop`."""
    async with charging(board) as (_, inbox):
        thread = threading.Thread(target=lambda: board.drive("emergency_stop", high=True))
        thread.start()
        thread.join()  # this blocks the event loop: nothing but the reflex can act
        assert board.level("coil") == 0
        assert inbox.events == []
        seen = await inbox.first(EvseSeen)
        assert seen.tripped == {Trip.EMERGENCY_STOP}


async def test_the_stop_button_is_told_and_switches_nothing(board: Board) -> None:
    """It is a wish: the core ends the session without breaking the load (ruling 2)."""
    async with charging(board) as (_, inbox):
        board.drive("stop_button", high=True)
        assert (await inbox.first(StopPressed)).connector == 1
        assert board.level("coil") == 1


@pytest.mark.parametrize("name", ["emergency_stop", "rcd", "over_temperature"])
async def test_a_tripped_reflex_latches_until_rearmed(board: Board, name: str) -> None:
    """Releasing the button is not enough, and rearming before it is released neither."""
    async with charging(board) as (evse, inbox):
        board.drive(name, high=True)
        board.drive("feedback", high=False)
        with pytest.raises(EvseFailed, match=name):
            evse.energise()
        evse.rearm()
        board.drive(name, high=False)
        with pytest.raises(EvseFailed, match=name):
            evse.energise()
        assert board.level("coil") == 0
        inbox.forget()
        evse.rearm()
        await inbox.first(EvseSeen, lambda seen: not seen.tripped)
        evse.energise()
        assert board.level("coil") == 1


async def test_a_stop_pressed_at_start_is_latched_from_the_start(board: Board) -> None:
    """Nobody has to press it again."""
    board.drive("emergency_stop", high=True)
    async with opened(board, pull=False) as evse:
        board.car("C")
        with pytest.raises(EvseFailed):
            evse.energise()


@pytest.mark.parametrize("state", ["A", "B"])
async def test_safety_04_a_car_that_stops_asking_opens_the_coil_without_a_latch(
    board: Board, state: str
) -> None:
    """C to B or A within 100 ms (safety 4), which is no fault: it may ask again."""
    async with charging(board) as (evse, inbox):
        board.car(state)
        assert board.level("coil") == 0
        board.drive("feedback", high=False)
        seen = await inbox.first(EvseSeen, lambda seen: not seen.contactor_closed)
        assert (seen.pilot, seen.tripped) == (Pilot(state), frozenset())
        board.car("C")
        evse.energise()
        assert board.level("coil") == 1


async def test_safety_08_a_pilot_fault_under_load_trips(board: Board) -> None:
    """State E (safety 8)."""
    async with charging(board) as (evse, inbox):
        board.car("E")
        assert board.level("coil") == 0
        seen = await inbox.first(EvseSeen, lambda seen: bool(seen.tripped))
        assert (seen.pilot, seen.tripped) == (Pilot.E, frozenset({Trip.PILOT_LOST}))
        board.car("C")
        evse.rearm()
        board.drive("feedback", high=False)
        evse.energise()
        assert board.level("coil") == 1


async def test_safety_03_a_car_that_no_longer_asks_is_not_energised(board: Board) -> None:
    """The gate is judged at the output (safety 3); the core learns why by the inputs."""
    async with opened(board) as evse, running(evse.run) as inbox:
        board.car("B")
        await inbox.first(EvseSeen, lambda seen: seen.pilot is Pilot.B)
        inbox.forget()
        evse.energise()
        assert board.level("coil") == 0
        assert (await inbox.first(EvseSeen)).pilot is Pilot.B


async def test_safety_09_a_contactor_that_does_not_close_trips(board: Board) -> None:
    """No feedback within 300 ms (safety 9): coil off, latched, clear after rearming."""
    async with opened(board) as evse, running(evse.run) as inbox:
        board.car("C")
        evse.energise()
        seen = await inbox.first(EvseSeen, lambda seen: bool(seen.tripped))
        assert seen.tripped == {Trip.NOT_CLOSED}
        assert board.level("coil") == 0
        evse.rearm()
        evse.energise()
        assert board.level("coil") == 1


async def test_a_feedback_lost_under_load_trips(board: Board) -> None:
    """A broken wire or a contact that fell open."""
    async with charging(board) as (_, inbox):
        board.drive("feedback", high=False)
        seen = await inbox.first(EvseSeen, lambda seen: bool(seen.tripped))
        assert seen.tripped == {Trip.NOT_CLOSED}
        assert board.level("coil") == 0


async def test_safety_09_a_welded_contactor_trips_and_is_not_hammered(board: Board) -> None:
    """Ordered open, still closed after a second (safety 9, 10); only an open one clears it."""
    async with charging(board) as (evse, inbox):
        evse.cut()
        orders = len(board.factory.pin(PINS["coil"]).states)
        seen = await inbox.first(EvseSeen, lambda seen: bool(seen.tripped))
        assert (seen.tripped, seen.contactor_closed) == (frozenset({Trip.WELDED}), True)
        evse.rearm()
        with pytest.raises(EvseFailed, match="welded"):
            evse.energise()
        assert len(board.factory.pin(PINS["coil"]).states) == orders
        board.drive("feedback", high=False)
        evse.rearm()
        evse.energise()
        assert board.level("coil") == 1


async def test_a_weld_found_at_the_start_is_told(board: Board) -> None:
    """It welded while we were away."""
    async with opened(board) as evse, running(evse.run) as inbox:
        board.drive("feedback", high=True)
        await inbox.first(EvseSeen, lambda seen: seen.tripped == {Trip.WELDED})


async def test_a_contactor_that_follows_in_time_does_not_trip(board: Board) -> None:
    """20-50 ms are usual."""
    async with charging(board) as (evse, inbox):
        evse.cut()
        timer = evse._mismatch_timer
        assert timer is not None
        board.drive("feedback", high=False)
        timer.join(0.5)
        assert not timer.is_alive()
        await inbox.first(EvseSeen, lambda seen: not seen.contactor_closed)
        assert not any(seen.tripped for seen in inbox.of(EvseSeen))


class SlowCoil(MockPWMPin):  # type: ignore[misc]  # gpiozero ships no types
    """A coil's pin on which, once, an emergency stop comes in the middle of switching on."""

    stop: Callable[[], None] | None = None

    def _set_state(self, value: float) -> None:
        stop, off_written = self.stop, self.__dict__.setdefault("off_written", threading.Event())
        if value and stop is not None:
            self.stop = None
            off_written.clear()
            self.pressing = threading.Thread(target=stop)
            self.pressing.start()
            assert off_written.wait(5), "the reflex waited for the lock before it wrote the pin"
        super()._set_state(value)
        if not value:
            off_written.set()


async def test_a_stop_in_the_middle_of_energising_has_the_last_word(board: Board) -> None:
    """The reflex writes the pin without waiting, and once more if the coil came on meanwhile."""
    coil = board.factory.pin(PINS["coil"], pin_class=SlowCoil)
    async with opened(board) as evse:
        board.car("C")
        coil.stop = lambda: board.drive("emergency_stop", high=True)
        evse.energise()
        coil.pressing.join()
        assert board.level("coil") == 0
        with pytest.raises(EvseFailed):
            evse.energise()


async def test_a_bouncing_plug_is_told_once(board: Board) -> None:
    """50 ms of rest; the mock's bounce time does nothing, so the driver has its own."""
    async with opened(board, "vehicle", "ready", "pilot_pwm") as evse, running(evse.run) as inbox:
        await inbox.first(EvseSeen)
        for high in (True, False, True, False, True):
            board.drive("plug", high=high)
        await inbox.first(EvseSeen, lambda seen: seen.plugged)
        changes = [seen.plugged for seen in inbox.of(EvseSeen)]
        assert changes == sorted(changes)


async def test_without_feedback_the_coil_is_taken_for_the_contactor(board: Board) -> None:
    """An installation without mirror contact."""
    async with opened(board, "feedback") as evse, running(evse.run) as inbox:
        board.car("C")
        evse.energise()
        await inbox.first(EvseSeen, lambda seen: seen.contactor_closed)
        inbox.forget()
        evse.cut()
        await inbox.first(EvseSeen, lambda seen: not seen.contactor_closed)


async def test_closing_leaves_everything_off(board: Board) -> None:
    """Coil first, then offer and lamps."""
    async with charging(board) as (evse, _):
        evse.show(Lamp.CHARGING)
    assert [board.level(name) for name in ("coil", "lamp_blue")] == [0, 0]
