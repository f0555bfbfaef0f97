"""The double, running."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rtdb.double import Double


@pytest.fixture
def double() -> Iterator[Double]:
    """A double of its own for each test."""
    with Double(keep_alive_s=0.5).running() as running:
        yield running
