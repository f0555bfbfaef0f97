"""The journal's files: the damaged ones set aside, and names that a power cut cannot take."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from edge import wholefile

NAME: Final = "journal.sqlite3"  # in the state directory
MENDED: Final = ".mended"  # what is made beside a damaged journal, to replace it


def finish_replacing(path: Path, mended: Path) -> None:
    """Take what was mended, unless the damaged one, of which it was made, is still in its place.

    A cut may have left its WAL behind: that belongs to it, and would spoil another file.
    """
    if mended.exists() and not path.exists():
        for aside in asides(path)[-2:-1]:
            _move_log(path, aside)
        mended.rename(path)
        wholefile.sync_directory(path.parent)


def asides(path: Path) -> list[Path]:
    """The names that damaged journals have, and behind them the next one."""
    names = [path.with_name(f"{path.name}.damaged-1")]
    while names[-1].exists():
        names.append(path.with_name(f"{path.name}.damaged-{len(names) + 1}"))
    return names


def move(path: Path, aside: Path) -> None:
    """Rename a journal, and only then its WAL: without it a journal is an older one."""
    path.rename(aside)
    wholefile.sync_directory(path.parent)
    _move_log(path, aside)


def _move_log(path: Path, aside: Path) -> None:
    with suppress(FileNotFoundError):
        path.with_name(f"{path.name}-wal").rename(aside.with_name(f"{aside.name}-wal"))
        wholefile.sync_directory(path.parent)


def copy(connection: sqlite3.Connection, path: Path) -> Path:
    """Copy what *connection* has open to *path*, in one step; a copy that is not whole is none."""
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(sqlite3.connect(path)) as made:
            made.execute("PRAGMA synchronous = OFF")  # whoever takes it away makes it durable
            connection.backup(made)
            made.execute("PRAGMA journal_mode = DELETE")
            verdict = str(made.execute("PRAGMA quick_check(1)").fetchone()[0])
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    if verdict == "ok":
        return path
    path.unlink()
    raise sqlite3.DatabaseError(f"the copy is damaged: {verdict}")
