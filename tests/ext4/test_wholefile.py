"""Power cuts on the kernel's own ext4: a file that is written anew is whole, and the newest."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from scripts.benches.parts.loop_disk import Disk
from tests.ext4.rewriter import number_of
from tests.ext4.test_cuts import LONGEST_S, cut_once

pytestmark = [pytest.mark.root, pytest.mark.sweep]

REWRITER = "tests.ext4.rewriter"
CUTS = 20


def test_a_file_that_was_told_of_is_there_whole(
    disk: Disk, record_figure: Callable[[str, int], None]
) -> None:
    """Nothing torn, nothing older than what was acknowledged; at most one draft is left."""
    path, random, acknowledged = disk.place / "file", Random(CUTS), 0
    for _ in range(CUTS):
        acknowledged = cut_once(disk, path, random.uniform(0, LONGEST_S), module=REWRITER)
        assert number_of(path) >= acknowledged
        assert len(list(disk.place.glob("file*"))) <= 2
    record_figure("power cuts under a file that is written anew", CUTS)
    record_figure("files acknowledged before them", acknowledged)


def test_the_cut_finds_what_was_not_synced(disk: Disk) -> None:
    """The control."""
    path = disk.place / "file"
    for _ in range(CUTS):
        acknowledged = cut_once(disk, path, LONGEST_S, "--weak", module=REWRITER)
        if number_of(path) < acknowledged:
            return
    pytest.fail(f"{CUTS} cuts lost nothing: they do not cut")
