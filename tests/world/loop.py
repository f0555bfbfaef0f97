"""An asyncio loop whose time is a number: waiting costs nothing, the same run is the same run."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any, Final

TURN_S: Final = 1e-9  # even a busy loop takes time: a deadline missed by a rounding error comes


class StuckError(RuntimeError):
    """Every task waits and no timer is set: a deadlock."""


class _Advancing(selectors.BaseSelector):
    """Selects nothing; a wait moves the clock instead."""

    def __init__(self) -> None:
        self.now = 0.0
        self._files: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, 0, events, data)
        self._files[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._files.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise StuckError
        self.now += max(timeout, TURN_S)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._files


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs timers in order, at once."""

    def __init__(self) -> None:
        self._advancing = _Advancing()
        super().__init__(self._advancing)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._advancing.now


async def elapse(seconds: float) -> None:
    """Let virtual time pass."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    timer = loop.call_later(seconds, over.set_result, None)
    try:
        await over
    finally:
        timer.cancel()
