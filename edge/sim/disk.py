"""The disk below the daemon's journal, as the verb `disk` has it: a hook, for there is no wire.

SQLite runs as ever; only the moment at which it would write and sync a commit is ours. What it
would say of a real disk that is full, read-only or broken is said in its words.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping
from typing import Any, Final

MODES: Final[Mapping[str, tuple[int, str] | None]] = {
    "ok": None,
    "full": (sqlite3.SQLITE_FULL, "database or disk is full"),
    "read_only": (sqlite3.SQLITE_READONLY, "attempt to write a readonly database"),
    "broken": (sqlite3.SQLITE_IOERR_FSYNC, "disk I/O error"),
}
MOST_DELAY_S: Final = 30.0


class Disk:
    """What a commit meets; `set` may be called from another thread than commits are made in."""

    def __init__(self) -> None:
        self._refusal: tuple[int, str] | None = None
        self._delay_s = 0.0
        self._changed = threading.Event()

    def set(self, mode: str, delay_s: float) -> None:
        """From now on refuse as *mode* says, after *delay_s* for the sync; who waits is let go."""
        self._refusal, self._delay_s = MODES[mode], delay_s
        self._changed.set()
        self._changed = threading.Event()

    def meet(self) -> None:
        """Be the disk for one commit; raises `sqlite3.OperationalError`."""
        if self._delay_s:
            self._changed.wait(self._delay_s)
        if self._refusal is not None:
            code, words = self._refusal
            error = sqlite3.OperationalError(words)
            error.sqlite_errorcode = code
            raise error

    def connection(self) -> type[sqlite3.Connection]:
        """The kind of connection whose commits meet this disk."""
        disk = self

        class Connection(sqlite3.Connection):
            """A connection on a disk that may fail."""

            def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
                if sql == "COMMIT":
                    disk.meet()
                return super().execute(sql, *parameters)

        return Connection
