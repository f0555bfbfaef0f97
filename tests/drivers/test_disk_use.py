"""The kernel's count of what a process writes."""

from __future__ import annotations

import os
from pathlib import Path

from edge.drivers.disk_use import written_bytes


def test_what_is_written_and_synced_is_counted(tmp_path: Path) -> None:
    """By whole pages, each time that they go to the disk."""
    with (tmp_path / "file").open("wb", buffering=0) as file:
        before = written_bytes()
        assert before is not None
        for _ in range(3):
            file.seek(0)
            file.write(b"x")
            os.fsync(file.fileno())
        after = written_bytes()
    assert after is not None
    assert after - before >= 3 * 4096


def test_a_process_that_is_not_there_has_no_count() -> None:
    """Like a kernel that does not count."""
    assert written_bytes("none") is None
