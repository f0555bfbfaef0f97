"""The database files as somebody beside the running system may open them: to read only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from csms_lite.errors import SettingsError

MONEY, LOG = "csms.db", "messages.db"
BUSY_S: Final = 5.0


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file at *path* while the block lasts; never checkpoints, see `store.thread`.

    Raises `SettingsError` when there is none or it cannot be read.
    """
    if not path.is_file():
        raise SettingsError(f"there is no {path}: give --state-dir, or start the system once")
    try:
        address = f"file:{quote(str(path.resolve()))}?mode=ro"
        with closing(
            sqlite3.connect(address, uri=True, isolation_level=None, timeout=BUSY_S)
        ) as db:
            db.execute("PRAGMA query_only = ON")
            yield db
    except sqlite3.Error as failure:
        raise SettingsError(f"{path} cannot be read: {failure}") from failure
