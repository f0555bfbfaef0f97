"""A consistent copy of the databases, made while the system runs, and read back before it counts.

Each file is copied in one step of SQLite's backup: readers hold up no writer (WAL), and a copy in
several steps would begin anew with each commit. The copy gets its name only when it is whole.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from csms_lite.errors import SettingsError
from csms_lite.tls import OWN
from csms_lite.upkeep.files import LOG, MONEY, reading
from edge.wholefile import sync_directory, take_name, write_whole


def back_up(state_dir: Path, target: Path, *, with_log: bool) -> list[Path]:
    """Copy the databases of *state_dir* into the new folder *target*; gives the copies.

    The authority of a closed site goes with them: without its key every charger had to be enrolled
    anew. Passwords' hashes and secrets are in there: only the owner may read the folder.
    Raises `SettingsError` when something cannot be read, written or trusted.
    """
    names = [MONEY, LOG] if with_log and (state_dir / LOG).is_file() else [MONEY]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.mkdir(mode=0o700)
        sync_directory(target.parent)
    except FileExistsError:
        raise SettingsError(f"{target} is there already: a backup overwrites none") from None
    except OSError as failure:
        raise SettingsError(f"{target} cannot be made: {failure.strerror}") from failure
    copies = [_copy(state_dir / name, target / name) for name in names]
    return [*copies, *_copy_keys(state_dir / OWN, target / OWN)]


def _copy(source: Path, target: Path) -> Path:
    unfinished = target.with_name(target.name + ".unfinished")
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with reading(source) as original, closing(sqlite3.connect(unfinished)) as copy:
            original.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            found = [str(row[0]) for row in copy.execute("PRAGMA integrity_check(3)")]
            copy.commit()
        if found != ["ok"]:
            raise SettingsError(f"the copy of {source} is damaged: {'; '.join(found)}")
        take_name(unfinished, target)
    except (OSError, sqlite3.Error) as failure:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise SettingsError(f"{source} cannot be copied to {target}: {failure}") from failure
    return target


def _copy_keys(source: Path, target: Path) -> list[Path]:
    """Copy the certificates and keys that `csms tls` made, if it did."""
    if not source.is_dir():
        return []
    copies = []
    try:
        target.mkdir(mode=0o700)
        sync_directory(target.parent)
        for path in sorted(source.glob("*.*")):
            copies.append(target / path.name)
            write_whole(copies[-1], path.read_bytes())
    except OSError as failure:
        raise SettingsError(f"{source} cannot be copied to {target}: {failure}") from failure
    return copies
