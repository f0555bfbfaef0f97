"""The power-good input on gpiozero's mock pins: what lasts is told, once each time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from edge.core.events import Event, PowerFailing, PowerReturned
from edge.drivers import gpio_supply
from edge.drivers.gpio_supply import GLITCH_S, MOST_GLITCH_S, SupplySettings, open_supply
from edge.errors import EvseFailed
from tests.drivers.rigs import Inbox, rig, running

PIN = 18


class Mains:
    """The circuit behind the pin."""

    def __init__(self) -> None:
        self.factory = MockFactory(pin_class=MockPWMPin)

    def drive(self, *, high: bool) -> None:
        """Bring the pin to a level, from a thread of gpiozero's own as on a Pi."""
        pin = self.factory.pin(PIN)
        thread = threading.Thread(target=pin.drive_high if high else pin.drive_low)
        thread.start()
        thread.join()

    @asynccontextmanager
    async def watched(self, **more: Any) -> AsyncIterator[Inbox]:
        settings = SupplySettings(pin=PIN, **more)
        async with (
            open_supply(settings, rig(pin_factory=self.factory), 0) as supply,
            running(supply.run) as inbox,
        ):
            yield inbox


@pytest.fixture
def mains() -> Mains:
    """A circuit that is not yet connected to anything."""
    return Mains()


@pytest.fixture(autouse=True)
def quickly_steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recloser's second is a tenth here."""
    monkeypatch.setattr(gpio_supply, "STEADY_S", 0.1)


def kinds(events: list[Event]) -> list[type]:
    return [type(event) for event in events]


async def test_mains_that_are_there_are_not_told(mains: Mains) -> None:
    """It is what everybody takes for granted; the news is that they go, and come back."""
    mains.factory.pin(PIN).drive_high()
    async with mains.watched(pull=False) as inbox:
        mains.drive(high=False)
        await inbox.first(PowerFailing)
        mains.drive(high=True)
        await inbox.first(PowerReturned)
        assert kinds(inbox.events) == [PowerFailing, PowerReturned]


async def test_a_dip_is_not_told_and_a_longer_one_is_after_the_glitch_time(mains: Mains) -> None:
    """IEC 61000-4-11: what the power supply bridges ends no session."""
    mains.factory.pin(PIN).drive_high()
    async with mains.watched(pull=False, glitch_s=0.25) as inbox:
        loop = asyncio.get_running_loop()
        for _ in range(3):
            mains.drive(high=False)
            mains.drive(high=True)
        began = loop.time()
        mains.drive(high=False)
        await inbox.first(PowerFailing)
        assert loop.time() - began >= 0.25
        assert kinds(inbox.events) == [PowerFailing]


async def test_mains_that_come_and_go_are_not_back(mains: Mains) -> None:
    """A recloser tries three times; a session that begins in between ends at once."""
    async with mains.watched(glitch_s=0) as inbox:
        await inbox.first(PowerFailing)
        inbox.forget()
        mains.drive(high=True)
        mains.drive(high=False)
        mains.drive(high=True)
        await inbox.first(PowerReturned)
        assert kinds(inbox.events) == [PowerReturned]


async def test_mains_that_are_gone_at_the_start_are_told(mains: Mains) -> None:
    """A process that begins on the back-up; a broken wire looks the same: pulled to not good."""
    async with mains.watched() as inbox:
        await inbox.first(PowerFailing)


async def test_active_low_is_the_other_way_round(mains: Mains) -> None:
    """An open collector that a good supply pulls down."""
    async with mains.watched(active_high=False) as inbox:
        await inbox.first(PowerFailing)
        mains.drive(high=False)
        await inbox.first(PowerReturned)


async def test_nothing_is_told_after_the_end(mains: Mains) -> None:
    """The pin's thread outlives the loop's interest."""
    mains.factory.pin(PIN).drive_high()
    async with mains.watched(pull=False, glitch_s=0) as inbox:
        pass
    assert inbox.events == []
    mains.drive(high=False)
    await asyncio.sleep(0)
    assert inbox.events == []


async def test_a_pin_in_use_is_said_with_its_number(mains: Mains) -> None:
    """The installer sees which line of edge.toml to look at."""
    async with mains.watched():
        with pytest.raises(EvseFailed, match="GPIO pin 18 cannot be used"):
            async with open_supply(SupplySettings(pin=PIN), rig(pin_factory=mains.factory), 0):
                pass


def test_the_glitch_time_is_bounded() -> None:
    """A back-up holds for a moment only; the default passes two periods of the grid."""
    assert 0.04 < GLITCH_S < MOST_GLITCH_S
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"pin": PIN, "glitch_s": MOST_GLITCH_S + 0.01}, SupplySettings)
