"""The ways in that came over OCPP, in a journal that no process has open, and their end.

Whoever enrols a station at its own machine gives it a new way in: what central systems set before
must not come first, or be dialled as rarely as the one that never answered.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from edge.drivers.journal import files
from edge.errors import ConfigError

KEY, PROFILE = "AuthorizationKey", "SecurityProfile"
ENDED: Final = (
    f"DELETE FROM configuration WHERE key IN ('{KEY}', '{PROFILE}')",  # noqa: S608  our own words
    "DELETE FROM fallback",
    "DELETE FROM backoff",
)


@contextmanager
def ways_ended(state_dir: Path) -> Iterator[Mapping[str, str]]:
    """Give the `KEY` and `PROFILE` that are kept; all are let go when the block ends, or none.

    Of two the ones that have worked. No journal is made where there is none. Raises `ConfigError`
    for one that cannot be read or written; an error in the block keeps everything.
    """
    path = state_dir / files.NAME
    if not path.exists():
        yield {}
        return
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as journal:
            journal.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
            journal.execute("PRAGMA synchronous = FULL")
            journal.execute("BEGIN IMMEDIATE")
            yield _kept(journal)
            for statement in ENDED:
                journal.execute(statement)
            journal.execute("COMMIT")
    except sqlite3.Error as error:
        raise ConfigError(
            f"{path} keeps the old key ({error}): start the controller, which mends it, stop it,"
            " and try again"
        ) from error


def _kept(journal: sqlite3.Connection) -> Mapping[str, str]:
    known = {str(key): str(value) for key, value in journal.execute("SELECT * FROM configuration")}
    kept = {name: known[name] for name in (KEY, PROFILE) if known.get(name)}
    for profile, key in journal.execute("SELECT profile, key FROM fallback"):
        worked = {KEY: key, PROFILE: profile}
        kept |= {name: str(value) for name, value in worked.items() if value is not None}
    return kept
