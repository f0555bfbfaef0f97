"""The simulated disk keeps what was synced, and of the rest what its fate says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.disk.disk import SECTOR, Disk

OLD, NEW = b"o" * SECTOR, b"n" * SECTOR
FATES = range(300)


@pytest.fixture
def disk() -> Disk:
    """Four old sectors in one file, all of it synced."""
    disk = Disk()
    disk.create("a")
    disk.write(0, 0, 4 * OLD)
    disk.sync(0)
    disk.sync_directory()
    return disk


def found(disk: Disk, name: str = "a") -> set[bytes]:
    """What a file may hold after a cut, by all fates in which it is there."""
    disks = [disk.cut(fate) for fate in FATES]
    return {one.contents(name) for one in disks if name in one.names}


def test_what_is_synced_is_there_whatever_the_fate(disk: Disk) -> None:
    """All that SQLite builds on."""
    assert disk.is_settled()
    assert found(disk) == {4 * OLD}


def test_each_unsynced_sector_has_a_fate_of_its_own(disk: Disk) -> None:
    """A later sector may be there without an earlier one, and one may be torn."""
    disk.write(0, SECTOR, NEW + NEW)
    after = found(disk)
    for two in (OLD + OLD, OLD + NEW, NEW + OLD, NEW + NEW):
        assert OLD + two + OLD in after
    assert any(b"on" in one[SECTOR : 2 * SECTOR] for one in after)
    assert {one[:SECTOR] + one[3 * SECTOR :] for one in after} == {OLD + OLD}


@pytest.mark.parametrize(
    "change",
    [
        lambda disk: disk.write(0, 7, b"!"),
        lambda disk: disk.write(0, 4 * SECTOR, b"\0"),
        lambda disk: disk.truncate(0, 4 * SECTOR - 1),
        lambda disk: disk.rename("a", "b"),
        lambda disk: disk.remove("a"),
        lambda disk: disk.create("b"),
    ],
    ids=["a byte", "longer", "shorter", "another name", "gone", "an empty file"],
)
def test_disks_that_differ_have_another_digest(
    disk: Disk, change: Callable[[Disk], object]
) -> None:
    """A sweep judges what looks alike once: only what a process finds the same may."""
    other = disk.copy()
    assert other.digest() == disk.digest()
    change(other)
    assert other.digest() != disk.digest()


def test_a_sector_may_be_found_as_it_was_in_between(disk: Disk) -> None:
    """A card writes when it likes: an overwritten version may be what is left."""
    disk.write(0, 0, NEW)
    disk.write(0, 0, b"x" * SECTOR)
    assert {one[:SECTOR] for one in found(disk)} >= {OLD, NEW, b"x" * SECTOR}


def test_the_extreme_fates_drop_all_and_keep_all(disk: Disk) -> None:
    """So that both are always tried."""
    disk.write(0, 0, NEW)
    disk.write(0, 6 * SECTOR, NEW)
    disk.create("b")
    none, everything = disk.cut(0), disk.cut(1)
    assert (none.contents("a"), set(none.names)) == (4 * OLD, {"a"})
    assert everything.contents("a") == NEW + 3 * OLD + bytes(2 * SECTOR) + NEW
    assert set(everything.names) == {"a", "b"}


def test_a_grown_file_may_be_short_or_have_holes(disk: Disk) -> None:
    """Its size and its sectors are written by different hands."""
    disk.write(0, 4 * SECTOR, NEW)
    assert found(disk) >= {4 * OLD, 4 * OLD + bytes(SECTOR), 4 * OLD + NEW}


def test_what_was_cut_off_may_come_back_until_it_is_synced(disk: Disk) -> None:
    """A truncated file is short for good only by a sync."""
    disk.truncate(0, SECTOR)
    assert found(disk) >= {OLD, 4 * OLD}
    disk.sync(0)
    assert found(disk) == {OLD}


def test_names_come_and_go_one_by_one_until_the_directory_is_synced(disk: Disk) -> None:
    """A synced file without a name is lost; a deleted one may be back."""
    disk.create("b")
    disk.write(1, 0, NEW)
    disk.sync(1)
    disk.remove("a")
    names = {frozenset(disk.cut(fate).names) for fate in FATES}
    assert names == {frozenset(), frozenset("a"), frozenset("b"), frozenset("ab")}
    disk.sync_directory()
    assert {frozenset(disk.cut(fate).names) for fate in FATES} == {frozenset("b")}


def test_a_renamed_file_has_one_name_or_the_other(disk: Disk) -> None:
    """Never both, never none."""
    disk.rename("a", "b")
    assert {frozenset(disk.cut(fate).names) for fate in FATES} == {frozenset("a"), frozenset("b")}


def test_what_a_failed_sync_was_to_write_no_later_sync_writes(disk: Disk) -> None:
    """The kernel took the pages for clean; only what is written anew is synced anew."""
    disk.write(0, 0, NEW)
    disk.fail_sync(0)
    disk.sync(0)
    assert {one[:SECTOR] for one in found(disk)} >= {OLD, NEW}
    disk.write(0, 0, NEW)
    disk.sync(0)
    assert found(disk) == {NEW + 3 * OLD}


def test_a_log_makes_the_same_disk_again(disk: Disk) -> None:
    """What is recorded once is cut many times."""
    again = Disk()
    disk.rename("a", "c")
    disk.write(0, 100, NEW)
    for step in list(disk.log):
        again.apply(step)
    for fate in FATES:
        first, second = disk.cut(fate), again.cut(fate)
        assert first.names == second.names
        assert [first.contents(one) for one in first.names] == [
            second.contents(one) for one in second.names
        ]
