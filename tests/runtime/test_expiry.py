"""A certificate that ends is told in the log, each warning once, and never by a clock in doubt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from edge.core.instant import Instant
from edge.runtime import expiry
from edge.runtime.expiry import Expiry
from tests.core.bench import setup
from tests.core.build import Rig

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ENDS = NOW + timedelta(days=61)


class Clock:
    def __init__(self) -> None:
        self.days = 0.0
        self.trusted = True

    def now(self) -> Instant:
        wall = NOW + timedelta(days=self.days)
        return Instant(wall=wall, monotonic=self.days * 86400, trusted=self.trusted)

    def learn(self, wall_at: Instant) -> None:
        raise NotImplementedError


async def test_each_warning_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 60, 30 and 7 days, and when it is over; a renewed one is silent again."""
    told: list[tuple[str, Any]] = []
    for level in ("warning", "critical"):
        monkeypatch.setattr(
            expiry.log, level, lambda _event, level=level, **more: told.append((level, more))
        )
    monkeypatch.setattr("edge.runtime.expiry.asyncio.sleep", _end)
    files = {"ca_file": ENDS}

    async def read() -> Mapping[str, datetime]:
        return files

    clock, state = Clock(), Rig(setup()).start().state
    watch = Expiry(read=read, state=lambda: state, clock=clock)
    with pytest.raises(_Ended):
        await watch.run()
    clock.trusted, clock.days = False, 400
    assert watch.report()[0]["days_left"] == -339
    assert told == []
    clock.trusted = True
    for clock.days in (0, 2, 3, 40, 41, 60, 70, 71):
        watch.report()
    assert [(level, more["days_left"]) for level, more in told] == [
        ("warning", 59),
        ("warning", 21),
        ("warning", 1),
        ("critical", -9),
    ]
    files["ca_file"] = ENDS + timedelta(days=365)
    with pytest.raises(_Ended):
        await watch.run()
    assert [one["warning"] for one in watch.report()] == [None]
    assert len(told) == 4


async def test_a_clock_that_becomes_sure_is_told_by_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A station that starts without a clock, and each night, warns all the same."""
    told: list[Any] = []
    monkeypatch.setattr(expiry.log, "warning", lambda _event, **more: told.append(more))
    clock, state = Clock(), Rig(setup()).start().state
    clock.trusted, clock.days = False, 2
    waited_s = 0.0

    async def wait(seconds: float) -> None:
        nonlocal waited_s
        waited_s += seconds
        clock.trusted = True
        if told or waited_s >= 3600:
            raise _Ended

    async def read() -> Mapping[str, datetime]:
        return {"ca_file": ENDS}

    monkeypatch.setattr("edge.runtime.expiry.asyncio.sleep", wait)
    with pytest.raises(_Ended):
        await Expiry(read=read, state=lambda: state, clock=clock).run()
    assert [more["days_left"] for more in told] == [59]


class _Ended(Exception):
    """The wait for the next look."""


async def _end(_: float) -> None:
    raise _Ended
