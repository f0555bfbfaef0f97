"""A real file system that can lose its power, for who may have one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from scripts.benches.parts.loop_disk import Disk, NoDisk, open_disk


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: a Unix socket's name has 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="tw"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def disk(directory: Path) -> Iterator[Disk]:
    """ext4 at `edge` in the directory, which can be shut down hard."""
    place = directory / "edge"
    place.mkdir()
    with ExitStack() as stack:
        try:
            made = stack.enter_context(open_disk(place))
            made.cut()
            made.come_back()
        except NoDisk as why:
            pytest.skip(f"no file system to cut the power of: {why}")
        yield made
