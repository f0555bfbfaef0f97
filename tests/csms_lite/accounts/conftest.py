"""The HTTP side with its people as a fixture."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.csms_lite.accounts.house import House, housed


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """The HTTP side with default settings and nobody in it."""
    async with housed(tmp_path) as made:
        yield made
