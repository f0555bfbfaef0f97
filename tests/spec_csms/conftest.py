"""For every test a central system that knows nothing yet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.spec_csms.bench import Bench, opened

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is of the suite, but for what checks the suite itself."""
    for item in items:
        if item.path.parent == HERE and item.path.name != "test_the_suite.py":
            item.add_marker(pytest.mark.spec)


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """With default settings, on free ports."""
    async with opened(tmp_path) as made:
        yield made
