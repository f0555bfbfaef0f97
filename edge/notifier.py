"""Tells the service manager how we are (sd_notify(3)); a leaf, so that every process of ours may.

The charge point, the bridge and `csms_lite` speak by this one place.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

UNWATCHED_S: Final = 30.0  # where nobody waits for it, the loop is proven once in ten seconds
PER_PERIOD: Final = 3  # two proofs may come late before the watchdog bites


class Notifier:
    """Speaks to `$NOTIFY_SOCKET`; silent where nobody listens."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        usec = environment.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(usec) / 1e6 if usec.isdigit() else None

    @property
    def is_heard(self) -> bool:
        """Whether a service manager started us, who starts us again when we end."""
        return bool(self._address)

    def say(self, state: str) -> None:
        """Send one state line, such as `READY=1`; a manager that is gone is no reason to stop."""
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)
            line.sendto(state.encode(), self._address)


async def feed_watchdog(notifier: Notifier, come_round: Callable[[], Awaitable[None]]) -> None:
    """Feed the watchdog three times per period, each time only after the loop came round."""
    period_s = (notifier.watchdog_s or UNWATCHED_S) / PER_PERIOD
    while True:
        await come_round()
        notifier.say("WATCHDOG=1")
        await asyncio.sleep(period_s)
