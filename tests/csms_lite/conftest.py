"""The running central system as a fixture."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.csms_lite.central import Central, running


@pytest_asyncio.fixture
async def central(tmp_path: Path) -> AsyncIterator[Central]:
    """A central system with default settings, on free ports."""
    async with running(tmp_path) as system:
        yield system
