"""The phase relay's pin: never moved behind a closed contactor, whoever asks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from edge.core.events import EvseSeen
from edge.drivers.gpio_pins import GpioSettings, check_pins
from edge.errors import ConfigError, EvseFailed
from tests.drivers.board import Board, opened
from tests.drivers.rigs import running
from tests.waiting import until

RELAY = 9
FITTED: dict[str, Any] = {"phase_relay": RELAY, "phases": 3}


@pytest.fixture
def board() -> Board:
    """One board of mock pins."""
    return Board()


def level(board: Board) -> int:
    return int(board.factory.pin(RELAY).state)


async def test_safety_23_the_relay_begins_on_one_phase_and_tells_where_it_stands(
    board: Board,
) -> None:
    """Low is the safe level; what is told is the pin's."""
    async with opened(board, **FITTED) as evse, running(evse.run) as inbox:
        assert evse.traits.switches_phases
        assert level(board) == 0
        await inbox.first(EvseSeen, lambda seen: seen.phases == 1)
        evse.switch_phases(3)
        assert level(board) == 1
        await inbox.first(EvseSeen, lambda seen: seen.phases == 3)
        evse.switch_phases(1)
        assert level(board) == 0


async def test_safety_23_the_relay_does_not_move_behind_a_closed_contactor(board: Board) -> None:
    """Neither while the coil is on, nor while the mirror contact shows closed."""
    async with opened(board, **FITTED) as evse:
        board.car("C")
        evse.energise()
        with pytest.raises(EvseFailed, match="not open"):
            evse.switch_phases(3)
        board.drive("feedback", high=True)
        evse.cut()
        with pytest.raises(EvseFailed, match="not open"):
            evse.switch_phases(3)
        assert level(board) == 0
        board.drive("feedback", high=False)
        evse.switch_phases(3)
        assert level(board) == 1


async def test_safety_23_a_start_leaves_the_relay_until_the_contactor_has_opened(
    board: Board,
) -> None:
    """A killed process left both on: the coil falls first, the relay follows."""
    board.drive("feedback", high=True)
    async with opened(board, pull=False, **FITTED) as evse, running(evse.run) as inbox:
        assert board.factory.pin(RELAY).function == "input", "nobody has touched it"
        await inbox.first(EvseSeen, lambda seen: seen.phases == 3)
        with pytest.raises(EvseFailed):
            evse.switch_phases(1)
        board.drive("feedback", high=False)
        await inbox.first(EvseSeen, lambda seen: seen.phases == 1 and not seen.contactor_closed)
        assert board.factory.pin(RELAY).function == "output"
        assert level(board) == 0


async def test_safety_23_at_the_end_the_relay_falls_after_the_contactor(board: Board) -> None:
    """Pins are let go when the mirror contact shows open."""
    async with opened(board, **FITTED) as evse:
        evse.switch_phases(3)
        board.car("C")
        evse.energise()
        board.drive("feedback", high=True)
        evse.close()
        assert board.level("coil") == 0
        assert level(board) == 1
        board.drive("feedback", high=False)
    assert board.factory.pin(RELAY).function == "input"


async def test_safety_23_the_end_waits_for_the_mirror_contact(board: Board) -> None:
    """Not for ever: what is welded stays so."""
    async with opened(board, **FITTED) as evse:
        evse.switch_phases(3)
        board.car("C")
        evse.energise()
        board.drive("feedback", high=True)
        evse.close()
        falls = asyncio.create_task(evse.phase_relay.let_fall(1.0))
        await asyncio.sleep(0)
        assert not falls.done()
        board.drive("feedback", high=False)
        await until(falls.done)


async def test_without_a_relay_nothing_switches(board: Board) -> None:
    """The trait says so, and the driver refuses."""
    async with opened(board, phases=3) as evse, running(evse.run) as inbox:
        assert not evse.traits.switches_phases
        assert (await inbox.first(EvseSeen)).phases is None
        with pytest.raises(EvseFailed):
            evse.switch_phases(3)


@pytest.mark.parametrize(
    "more", [{"phases": 1, "feedback": 4}, {"phases": 3}], ids=["one phase", "no mirror contact"]
)
def test_safety_23_a_relay_that_nobody_could_switch_safely_is_refused(more: Any) -> None:
    """Three phases to switch, and a contact that shows the contactor open."""
    with pytest.raises(ConfigError, match="phase_relay needs feedback"):
        check_pins(GpioSettings(coil=17, phase_relay=RELAY, **more), 1)
