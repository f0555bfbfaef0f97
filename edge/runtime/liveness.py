"""Tells systemd, and what holds a coil, that the loop still runs; sd_notify in a dozen lines."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress


class Notifier:
    """Speaks to `$NOTIFY_SOCKET`; silent where nobody listens."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        usec = environment.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(usec) / 1e6 if usec.isdigit() else None

    def say(self, state: str) -> None:
        """Send one state line, such as `READY=1`; a manager that is gone is no reason to stop."""
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)
            line.sendto(state.encode(), self._address)


async def feed_watchdog(notifier: Notifier, come_round: Callable[[], Awaitable[None]]) -> None:
    """Feed the watchdog three times per period, each time only after the loop came round."""
    period_s = (notifier.watchdog_s or 30.0) / 3
    while True:
        await come_round()
        notifier.say("WATCHDOG=1")
        await asyncio.sleep(period_s)


async def prove_alive(
    prove: Callable[[], None], every_s: float, come_round: Callable[[], Awaitable[None]]
) -> None:
    """Call *prove* each time that the loop came round, so that a dead-man stops with the loop."""
    while True:
        await come_round()
        prove()
        await asyncio.sleep(every_s)
