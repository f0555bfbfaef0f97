"""Recordings on the disk: few, for our own user, and nothing unless somebody needs it."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from edge.drivers.recordings import MOST_CRASHES, Recordings
from edge.errors import TransferFailed
from tests.core.bench import at


def test_nothing_is_made_before_something_is_kept(tmp_path: Path) -> None:
    """Whoever only looks does not wear the card."""
    assert Recordings(tmp_path / "r").crashes() == []
    assert list(tmp_path.iterdir()) == []


def test_a_crash_is_kept_packed_and_private(tmp_path: Path) -> None:
    """It says who charged when."""
    path = Recordings(tmp_path / "r").keep((b"one\n", b"two\n"), at(5))
    assert gzip.decompress(path.read_bytes()) == b"one\ntwo\n"
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    assert path.name == "crash-20260301T120005.000000.rec.gz"


def test_the_oldest_crash_goes(tmp_path: Path) -> None:
    """A process that dies all night fills no disk."""
    recordings = Recordings(tmp_path)
    kept = [recordings.keep((b"x",), at(second)) for second in range(MOST_CRASHES + 3)]
    assert recordings.crashes() == kept[3:]


async def test_an_export_replaces_the_one_before(tmp_path: Path) -> None:
    """One place, for whoever asked to take it away."""
    recordings = Recordings(tmp_path)
    await recordings.export((b"old",))
    path = await recordings.export((b"new", b"er"))
    assert path.read_bytes() == b"newer"
    assert path.stat().st_mode & 0o077 == 0
    assert os.listdir(tmp_path) == [path.name]  # noqa: PTH208  no pathlib in async functions


async def test_a_disk_that_takes_no_export_is_told(tmp_path: Path) -> None:
    """A sentence, no stack."""
    (tmp_path / "r").write_text("no directory")
    with pytest.raises(TransferFailed, match="no recording was written"):
        await Recordings(tmp_path / "r").export((b"x",))
