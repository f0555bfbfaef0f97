"""One world per worker; for every test a daemon and a central system that know nothing yet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.spec.central import Central
from tests.spec.rows import is_due
from tests.spec.station import Station, station

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is of the suite, but for what checks the suite itself."""
    for item in items:
        if item.path.parent == HERE and item.path.name != "test_the_suite.py":
            item.add_marker(pytest.mark.spec)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """What the charge point does not claim yet is pending on the card, not a failure."""
    return True if collection_path.parent == HERE and not is_due(collection_path.name) else None


@pytest.fixture(scope="session")
def bay() -> Iterator[Station]:
    """The world, which is expensive enough to be kept."""
    with station() as made:
        yield made


@pytest.fixture
def central() -> Iterator[Central]:
    """A scripted central system; at the end the wire's own rules must have been kept."""
    made = Central()
    with made.open():
        yield made
        assert made.violations == []


@pytest.fixture
def point(bay: Station, central: Central) -> Iterator[Station]:
    """A charge point in the start state, not started yet."""
    bay.wipe()
    bay.central = central
    yield bay
    bay.end()
