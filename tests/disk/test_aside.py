"""A damaged journal is set aside whole, whenever the power goes meanwhile."""

from __future__ import annotations

import pytest

from tests.disk.disk import Disk
from tests.disk.recording import NAME, on_disk

DAMAGED = b"no database at all" * 400
FATES = 12


@pytest.mark.sweep
async def test_no_cut_takes_a_byte_of_a_damaged_journal() -> None:
    """The driver's money may still be in it; and no later start stumbles over it."""
    disk = Disk()
    disk.create(NAME)
    disk.write(0, 0, DAMAGED)
    disk.sync(0)
    disk.sync_directory()
    disk.log.clear()
    cut = disk.copy()
    async with on_disk(disk) as journal:
        assert (await journal.load()).damage
    assert disk.contents(f"{NAME}.damaged-1") == DAMAGED
    for step in disk.log:
        cut.apply(step)
        for fate in range(FATES):
            found = cut.cut(fate)
            assert DAMAGED in contents(found), f"{step[0]}, fate {fate}: {found.names}"
            async with on_disk(found):
                assert DAMAGED in contents(found)
                assert found.contents(NAME) != DAMAGED


def contents(disk: Disk) -> list[bytes]:
    """What is in its files."""
    return [disk.contents(name) for name in disk.names]
