"""Calls of SQLite that fail: the n-th alone, or all from the n-th until the fault is healed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import apsw

EIO: Final[Mapping[str, int]] = {
    "read": apsw.SQLITE_IOERR_CORRUPTFS,
    "write": apsw.SQLITE_IOERR_WRITE,
    "truncate": apsw.SQLITE_IOERR_TRUNCATE,
    "sync": apsw.SQLITE_IOERR_FSYNC,
    "size": apsw.SQLITE_IOERR_FSTAT,
    "access": apsw.SQLITE_IOERR_ACCESS,
    "delete": apsw.SQLITE_IOERR_DELETE,
    "open": apsw.SQLITE_CANTOPEN,
}
"""What the Unix layer makes of a device that does not answer."""

FULL: Final[Mapping[str, int]] = {"write": apsw.SQLITE_FULL}
"""No room: half of a write is done, then it fails."""


@dataclass(slots=True)
class Fault:
    """Put it in `Disk.before_call`; *first* counts the calls that can fail at all, from 1."""

    errors: Mapping[str, int]
    first: int
    lasts: bool
    seen: int = 0

    def __call__(self, call: str) -> None:
        """Raise what this call fails with, if it does."""
        if call in self.errors:
            self.seen += 1
            if self.seen == self.first or (self.lasts and self.seen > self.first):
                raise apsw.exception_for(self.errors[call])

    @property
    def struck(self) -> bool:
        """Whether there were so many calls."""
        return self.seen >= self.first


def healthy(_call: str) -> None:
    """A disk without a fault."""
