"""Files that a power cut leaves whole: a leaf, so that every process of ours may write by it.

* The content is on the disk before it gets the name, and the name before the call returns: a cut
  leaves all of the old file (or none, if there was none) or all of the new one, later the new one.
* Nobody can do more with it than *mode* says, whatever the umask is, at no moment. It belongs to
  us; with *like*, to whom that file belongs.
* A symbolic link at *path* is replaced, what it leads to is left alone.
* The draft is a new file beside it, `NAME.????????.new`. An error takes it away. One that a cut or
  a kill left is read by nobody, and taken away when the same name is written again.
* Two writers at once never mix: the later one wins, or one of them raises `FileNotFoundError`.

All raise `OSError`. Unless it was the last sync that failed, *path* is then as it was.
"""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

SECRET: Final = 0o600
"""What a file may be used for unless its writer says more: by its owner alone."""


def write_whole(
    path: Path, content: bytes, *, mode: int = SECRET, like: Path | None = None
) -> None:
    """Write *path* anew, as above."""
    with whole_file(path, mode=mode, like=like) as file:
        file.write(content)


def write_new(path: Path, content: bytes, *, mode: int = SECRET) -> None:
    """Write *path* where nothing is; raises `FileExistsError`, also if another was first.

    Needs a file system with hard links. A cut may leave the draft as a second name of the file.
    """
    with _drafted(path, mode, None) as file:
        file.write(content)
        _settle(file)
        os.link(file.name, path)
    sync_directory(path.parent)


@contextmanager
def whole_file(path: Path, *, mode: int = SECRET, like: Path | None = None) -> Iterator[IO[bytes]]:
    """Give what becomes *path* at the end of the block, if that ends without an error."""
    with _drafted(path, mode, like) as file:
        yield file
        _settle(file)
        os.replace(file.name, path)  # noqa: PTH105  a file's name is no Path
    sync_directory(path.parent)


def take_name(draft: Path, path: Path) -> None:
    """Rename *draft*, which others have written and closed, to *path* beside it, as above."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in *directory* durable: a file that a power cut un-names is lost whole."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _drafted(path: Path, mode: int, like: Path | None) -> Iterator[IO[bytes]]:
    """Give a new file beside *path*, whose own name is gone at the end of the block."""
    for left in path.parent.glob(f"{glob.escape(path.name)}.????????.new"):
        left.unlink(missing_ok=True)
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f"{path.name}.", suffix=".new", delete=False
    ) as file:
        try:
            if like is not None:
                owner = like.lstat()
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            os.fchmod(file.fileno(), mode)
            yield file
        finally:
            with suppress(OSError):
                Path(file.name).unlink(missing_ok=True)


def _settle(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
