"""The running central system as a fixture."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest_asyncio

from csms_lite.loop import new_event_loop
from tests.csms_lite.central import Central, running


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """Run what is tested here on the loop that users run it on."""
    return {"loop": new_event_loop}


@pytest_asyncio.fixture
async def central(tmp_path: Path) -> AsyncIterator[Central]:
    """A central system with default settings, on free ports."""
    async with running(tmp_path) as system:
        yield system
