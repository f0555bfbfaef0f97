"""Power good: a GPIO pin that tells whether the mains are there, by gpiozero.

Behind it stands a back-up, a supercapacitor or a UPS, that holds the computer up for a moment
longer. A level counts once it has stood still for a while: a dip that the power supply itself
bridges must not end a session, and mains that come and go must not begin one.

The level must be steady while the mains are there: an opto-coupler straight on the mains blinks
with every half wave and needs a capacitor. A broken wire reads as mains gone, with `pull`.

Quality: gpiozero's mock pins and the simulated bay.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final

import msgspec
import structlog

from edge.core.events import PowerFailing, PowerReturned
from edge.drivers.gpio_pins import Pin, open_input
from edge.drivers.registry import Rig
from edge.ports import Clock, Post

GLITCH_S: Final = 0.05
"""Two periods and a half at 50 Hz: what power supplies are made to bridge (IEC 61000-4-11) passes.

It costs 0.3 Wh at 22 kW, and that much of the back-up's moment.
"""

MOST_GLITCH_S: Final = 0.25  # more eats the moment that a back-up gives
STEADY_S: Final = 1.0  # the mains are back: a recloser that tries again does so within this

log = structlog.get_logger()


class SupplySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[power_good]` with `kind = "gpio"`: the BCM number of the pin, and the level that is good.

    `glitch_s` is how long the mains must be gone before that counts.
    """

    pin: Pin
    active_high: bool = True
    pull: bool = True
    glitch_s: Annotated[float, msgspec.Meta(ge=0, le=MOST_GLITCH_S)] = GLITCH_S


@asynccontextmanager
async def open_supply(settings: SupplySettings, rig: Rig, _place: int) -> AsyncIterator[GpioSupply]:
    """Watch the pin until the block ends; raises `EvseFailed` if it cannot be had."""
    device = open_input(
        settings.pin,
        active_high=settings.active_high,
        pull=settings.pull,
        pin_factory=rig.pin_factory,
    )
    with device:
        yield GpioSupply(device, rig.clock, settings.glitch_s)


class GpioSupply:
    """Implements `edge.ports.Supply`."""

    def __init__(self, device: Any, clock: Clock, glitch_s: float) -> None:
        self._device = device
        self._clock = clock
        self._glitch_s = glitch_s

    async def run(self, post: Post) -> None:
        """Tell what lasts; at first the mains are taken to be there."""
        moved = asyncio.Event()
        loop = asyncio.get_running_loop()

        def move() -> None:  # in gpiozero's thread
            loop.call_soon_threadsafe(moved.set)

        self._device.when_activated = self._device.when_deactivated = move
        told = True
        try:
            while True:
                moved.clear()
                is_good = bool(self._device.is_active)
                if is_good is told:
                    await moved.wait()
                elif await _stays(moved, STEADY_S if is_good else self._glitch_s):
                    told = is_good
                    self._tell(post, is_good)
        finally:
            self._device.when_activated = self._device.when_deactivated = None

    def _tell(self, post: Post, is_good: bool) -> None:
        log.warning("mains_are_back" if is_good else "mains_are_going")
        kind = PowerReturned if is_good else PowerFailing
        post(kind(at=self._clock.now()))


async def _stays(moved: asyncio.Event, for_s: float) -> bool:
    """Whether nothing moves *for_s* long."""
    try:
        async with asyncio.timeout(for_s):
            await moved.wait()
    except TimeoutError:
        return True
    return False
