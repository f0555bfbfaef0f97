"""The numbers of the page's documents rise over restarts, whatever became of disk or clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.app.board import A_RUN, EXACT, NAME, first_number
from edge.core.instant import Instant

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def at(wall: datetime) -> Instant:
    return Instant(wall=wall, monotonic=0.0)


def test_a_restarted_daemon_never_looks_older(tmp_path: Path) -> None:
    """Even at once, even with a clock that was set back by years."""
    file = tmp_path / NAME
    first = first_number(file, at(NOON))
    second = first_number(file, at(NOON + timedelta(seconds=1)))
    third = first_number(file, at(NOON - timedelta(days=9000)))
    assert first + A_RUN <= second
    assert second + A_RUN <= third < EXACT


def test_a_lost_disk_is_made_up_for_by_the_clock(tmp_path: Path) -> None:
    """A new SD card knows no number; time does."""
    before = first_number(tmp_path / NAME, at(NOON))
    (tmp_path / NAME).unlink()
    assert first_number(tmp_path / NAME, at(NOON + timedelta(seconds=60))) > before + 50


@pytest.mark.parametrize("held", ["", "many", "-5", "9" * 30, "\x00" * 9])
def test_a_torn_file_is_no_number(tmp_path: Path, held: str) -> None:
    """The clock then."""
    (tmp_path / NAME).write_text(held)
    first = first_number(tmp_path / NAME, at(NOON))
    assert first == int(NOON.timestamp() * 1000)
    assert int((tmp_path / NAME).read_text()) == first


def test_a_disk_that_takes_nothing_does_not_stop_the_page(tmp_path: Path) -> None:
    """It goes by the clock."""
    assert first_number(tmp_path / "gone" / NAME, at(NOON)) == int(NOON.timestamp() * 1000)
