"""How many may follow the changes, and that nobody takes every place."""

from __future__ import annotations

from pathlib import Path

import pytest

from csms_lite.clock import SystemClock
from csms_lite.errors import Refused
from csms_lite.live import changes as changes_module
from csms_lite.live.changes import Changes
from csms_lite.stations.presence import Presence
from tests.csms_lite.live.test_changes import a_store


async def test_followers_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one is told what to do instead."""
    monkeypatch.setattr(changes_module, "MAX_FOLLOWERS", 1)
    async with a_store(tmp_path) as store:
        changes = Changes(store, SystemClock(), Presence())
        first = changes.follow(None, None)
        await anext(first)
        with pytest.raises(Refused):
            changes.follow(None, None)
        await first.aclose()
        again = changes.follow(None, None)
        assert (await anext(again)).kind == "hello"
        await again.aclose()


async def test_one_account_cannot_take_the_places_of_all(tmp_path: Path) -> None:
    """Nor can many accounts take those of staff."""
    async with a_store(tmp_path) as store:
        changes = Changes(store, SystemClock(), Presence())
        streams = []
        for account in range(15):
            for _ in range(changes_module.MAX_OF_ONE):
                streams.append(changes.follow(account, None))
                await anext(streams[-1])
            if account == 0:
                with pytest.raises(Refused):
                    changes.follow(account, None)
        with pytest.raises(Refused):
            changes.follow(99, None)
        streams.append(changes.follow(None, None))
        assert (await anext(streams[-1])).kind == "hello"
        for stream in streams:
            await stream.aclose()
