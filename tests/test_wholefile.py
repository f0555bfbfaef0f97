"""A file is the old one or the new one, whole, whenever the power goes; and nobody else's."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from edge.wholefile import take_name, whole_file, write_new, write_whole
from tests.disk.disk import SECTOR, Disk
from tests.disk.mirror import mirrored
from tests.disk.planted import LyingDisk, NamelessDisk

FATES: Final = range(60)
OLD, NEW = b"o" * 3 * SECTOR, b"n" * 5 * SECTOR
NAME: Final = "file"


def brought(path: Path) -> None:
    """As an upload comes, and is not synced by whoever wrote it."""
    part = path.with_name("file.part")
    part.write_bytes(NEW)
    take_name(part, path)


def replaced(path: Path) -> None:
    write_whole(path, NEW)


def made(path: Path) -> None:
    write_new(path, NEW)


Way = tuple[Callable[[Path], None], bytes | None]
WAYS: Final[tuple[Way, ...]] = (
    (replaced, OLD),
    (replaced, None),
    (brought, OLD),
    (brought, None),
    (made, None),
)
ways = pytest.mark.parametrize(("write", "before"), WAYS)
Contents = set[bytes | None]


def left_by_cuts(
    folder: Path, write: Callable[[Path], None], before: bytes | None, disk: Disk
) -> tuple[Contents, Contents]:
    """What may be found under the name after a cut: amid the call, and after it."""
    if before is not None:
        (folder / NAME).write_bytes(before)
    with mirrored(folder, disk):
        start = disk.copy()
        write(folder / NAME)
    amid: Contents = set()
    for step in disk.log:
        amid |= found(start)
        start.apply(step)
    return amid, found(start)


def found(disk: Disk) -> Contents:
    cut = [disk.cut(fate) for fate in FATES]
    return {one.contents(NAME) if NAME in one.names else None for one in cut}


@ways
def test_a_cut_leaves_the_old_file_or_the_new_one(
    tmp_path: Path, write: Callable[[Path], None], before: bytes | None
) -> None:
    """Whole, at every step; and from the end of the call on the new one, whatever the fate."""
    assert left_by_cuts(tmp_path, write, before, Disk()) == ({before, NEW}, {NEW})
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


@ways
def test_a_name_that_is_not_synced_is_missed(
    tmp_path: Path, write: Callable[[Path], None], before: bytes | None
) -> None:
    """The control: without the directory's sync the file that was told of may be the old one."""
    assert left_by_cuts(tmp_path, write, before, NamelessDisk())[1] == {before, NEW}


@ways
def test_content_that_is_not_synced_is_missed(
    tmp_path: Path, write: Callable[[Path], None], before: bytes | None
) -> None:
    """The control: without its own sync a file gets its name before its content."""
    assert left_by_cuts(tmp_path, write, before, LyingDisk())[1] - {before, NEW}


@pytest.mark.parametrize(
    ("call", "turn", "way", "after"),
    [
        ("fchmod", 1, (replaced, OLD), OLD),
        ("fsync", 1, (replaced, OLD), OLD),
        ("replace", 1, (replaced, OLD), OLD),
        ("fsync", 2, (replaced, OLD), NEW),
        ("fsync", 1, (made, None), None),
        ("link", 1, (made, None), None),
        ("fsync", 2, (made, None), NEW),
    ],
)
def test_an_error_leaves_what_was_there_and_no_draft(
    tmp_path: Path, call: str, turn: int, way: Way, after: bytes | None
) -> None:
    """A disk that is full or dying; behind the last step it is the new one, and still an error."""
    write, before = way
    if before is not None:
        (tmp_path / NAME).write_bytes(before)
    real, turns = getattr(os, call), iter(range(1, turn + 1))

    def failing(*arguments: Any) -> Any:
        if next(turns) == turn:
            raise OSError(errno.EIO, "it is dying")
        return real(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, call, failing)
        with pytest.raises(OSError, match="dying"):
            write(tmp_path / NAME)
    assert contents(tmp_path) == ({} if after is None else {NAME: after})


def test_a_block_that_ends_in_an_error_writes_nothing(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a backup, too."""

    def interrupted() -> None:
        with whole_file(tmp_path / NAME) as file:
            file.write(NEW)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert contents(tmp_path) == {}


def test_what_a_kill_left_goes_with_the_next_write_of_that_name(tmp_path: Path) -> None:
    """And nothing else goes."""
    names = ("file.abcd_123.new", "file.new", "file.abcd_123.new.old", "other.abcd_123.new")
    for name in names:
        (tmp_path / name).write_bytes(b"left")
    write_whole(tmp_path / NAME, NEW)
    assert contents(tmp_path) == {NAME: NEW, **dict.fromkeys(names[1:], b"left")}


def test_a_name_with_signs_that_match_others_takes_nothing_of_theirs(tmp_path: Path) -> None:
    """A backup's name is anybody's choice."""
    (tmp_path / "file.abcd_123.new").write_bytes(b"left")
    write_whole(tmp_path / "[a-z]*", NEW)
    assert contents(tmp_path) == {"[a-z]*": NEW, "file.abcd_123.new": b"left"}


def test_two_writers_at_once_never_mix(tmp_path: Path) -> None:
    """The one that began first is told that it came too late."""

    def overtaken() -> None:
        with whole_file(tmp_path / NAME) as first:
            first.write(OLD)
            write_whole(tmp_path / NAME, NEW)

    with pytest.raises(FileNotFoundError):
        overtaken()
    assert contents(tmp_path) == {NAME: NEW}


def test_a_new_file_is_never_written_over_another(tmp_path: Path) -> None:
    """A key that somebody uses already; a link that leads nowhere is something, too."""
    (tmp_path / NAME).write_bytes(OLD)
    (tmp_path / "link").symlink_to("nowhere")
    for name in (NAME, "link"):
        with pytest.raises(FileExistsError):
            write_new(tmp_path / name, NEW)
    assert contents(tmp_path, but="link") == {NAME: OLD}
    assert (tmp_path / "link").readlink() == Path("nowhere")


@pytest.mark.parametrize("umask", [0o000, 0o277])
@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_a_secret_is_never_open_to_others(tmp_path: Path, umask: int, mode: int) -> None:
    """Not for a moment: who has opened it may read what is written later."""
    before = os.umask(umask)
    try:
        (tmp_path / NAME).write_bytes(OLD)
        (tmp_path / NAME).chmod(0o666)
        with whole_file(tmp_path / NAME, mode=mode) as file:
            assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == mode
        assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == mode
    finally:
        os.umask(before)


def test_a_link_is_replaced_and_what_it_leads_to_is_left_alone(tmp_path: Path) -> None:
    """Whoever owns the folder must not have root write elsewhere, nor root's file given to him."""
    theirs, path = tmp_path / "theirs", tmp_path / NAME
    theirs.write_bytes(OLD)
    path.symlink_to(theirs)
    with theirs.open("rb") as opened:
        write_whole(path, NEW, like=path)
        assert opened.read() == OLD
    assert not path.is_symlink()
    assert contents(tmp_path) == {NAME: NEW, "theirs": OLD}


@pytest.mark.root
def test_it_belongs_to_whom_the_file_like_it_belongs(tmp_path: Path) -> None:
    """A configuration that root rewrites is still the daemon's to read."""
    if os.geteuid() != 0:
        pytest.skip("only root may give files away")
    path = tmp_path / NAME
    path.write_bytes(OLD)
    os.chown(path, 1234, 2345)
    write_whole(path, NEW, mode=0o640, like=path)
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1234, 2345, 0o640)
    theirs = path.with_name("theirs")
    path.rename(theirs)
    path.symlink_to(theirs)
    write_whole(path, NEW, like=path)
    assert path.stat().st_uid == 0, "whoever lays a link is given nothing"


def contents(folder: Path, but: str = "") -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != but}
