"""The real charging-point driver on gpiozero's mock pins: the reflex above all."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from edge.core.effects import Lamp
from edge.core.events import EvseSeen, Pilot, Trip
from edge.drivers.gpio_evse import COLOURS, GpioEvse, open_evse
from edge.drivers.gpio_pins import INPUTS, GpioSettings, duty
from edge.errors import ConfigError, EvseFailed
from tests.drivers.rigs import Inbox, rig, running

PINS: dict[str, int] = {
    "coil": 17,
    "feedback": 27,
    "plug": 22,
    "pilot_pwm": 12,
    "vehicle": 23,
    "ready": 24,
    "ventilation": 25,
    "pilot_fault": 8,
    "emergency_stop": 5,
    "rcd": 6,
    "over_temperature": 7,
    "lamp_red": 16,
    "lamp_green": 20,
    "lamp_blue": 21,
    "lock": 26,
    "locked": 19,
}


class Board:
    """The pins from outside: what the circuit does to them."""

    def __init__(self) -> None:
        self.factory = MockFactory(pin_class=MockPWMPin)

    def drive(self, name: str, *, high: bool) -> None:
        pin = self.factory.pin(PINS[name])
        (pin.drive_high if high else pin.drive_low)()

    def level(self, name: str) -> float:
        return float(self.factory.pin(PINS[name]).state)

    def car(self, state: str) -> None:
        """Show the pilot of a car in state A, B, C, D or E."""
        self.drive("pilot_fault", high=state == "E")
        self.drive("vehicle", high=state != "A")
        self.drive("ventilation", high=state == "D")
        self.drive("ready", high=state in "CD")


@pytest.fixture
def board() -> Board:
    """One board of mock pins."""
    return Board()


@asynccontextmanager
async def opened(board: Board, *without: str, **more: Any) -> AsyncIterator[GpioEvse]:
    pins = {name: pin for name, pin in PINS.items() if name not in without}
    settings = GpioSettings(**(pins | more))
    async with open_evse(settings, rig(pin_factory=board.factory), 1) as evse:
        yield evse


@asynccontextmanager
async def charging(board: Board) -> AsyncIterator[tuple[GpioEvse, Inbox]]:
    """A car in state C behind a closed contactor."""
    async with opened(board) as evse, running(evse.run) as inbox:
        board.drive("plug", high=True)
        board.car("C")
        evse.offer(16)
        evse.energise()
        board.drive("feedback", high=True)
        await inbox.first(EvseSeen, lambda seen: seen.contactor_closed and seen.plugged)
        inbox.forget()
        yield evse, inbox


async def test_all_is_off_and_told_when_the_driver_starts(board: Board) -> None:
    """Level before direction: the coil never pulses; the offer is steady +12 V."""
    async with opened(board) as evse, running(evse.run) as inbox:
        seen = await inbox.first(EvseSeen)
        assert (board.level("coil"), board.level("pilot_pwm")) == (0, 1.0)
        assert not any(state.state for state in board.factory.pin(PINS["coil"]).states)
        assert (seen.connector, seen.plugged, seen.pilot) == (1, False, Pilot.A)
        assert (seen.contactor_closed, seen.locked, seen.tripped) == (False, False, frozenset())


@pytest.mark.parametrize(
    ("offer_a", "expected"),
    [(0, 1.0), (5.9, 1.0), (6, 0.10), (16, 0.2667), (32, 0.5333), (51, 0.85), (80, 0.96)],
)
def test_the_duty_cycle_follows_iec_61851(offer_a: float, expected: float) -> None:
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
    """The reflex runs in the thread of the input (ruling 1): pin low in 20 ms."""
    async with charging(board) as (_, inbox):
        took_s: list[float] = []

        def press() -> None:
            began = time.monotonic()
            board.drive("emergency_stop", high=True)
            while board.level("coil"):
                pass
            took_s.append(time.monotonic() - began)

        thread = threading.Thread(target=press)
        thread.start()
        thread.join()  # this blocks the event loop: nothing but the reflex can act
        assert board.level("coil") == 0
        assert took_s[0] < 0.02
        assert inbox.events == []
        seen = await inbox.first(EvseSeen)
        assert seen.tripped == {Trip.EMERGENCY_STOP}


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
async def test_a_car_that_stops_asking_opens_the_coil_without_a_latch(
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


async def test_a_pilot_fault_under_load_trips(board: Board) -> None:
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


async def test_a_car_that_no_longer_asks_is_not_energised(board: Board) -> None:
    """The gate is judged at the output (safety 3); the core learns why by the inputs."""
    async with opened(board) as evse, running(evse.run) as inbox:
        board.car("B")
        await inbox.first(EvseSeen, lambda seen: seen.pilot is Pilot.B)
        inbox.forget()
        evse.energise()
        assert board.level("coil") == 0
        assert (await inbox.first(EvseSeen)).pilot is Pilot.B


async def test_a_contactor_that_does_not_close_trips(board: Board) -> None:
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


async def test_a_welded_contactor_trips_and_is_not_hammered(board: Board) -> None:
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


async def test_closing_leaves_everything_off(board: Board) -> None:
    """Coil first, then offer and lamps."""
    async with charging(board) as (evse, _):
        evse.show(Lamp.CHARGING)
    assert [board.level(name) for name in ("coil", "lamp_blue")] == [0, 0]


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
