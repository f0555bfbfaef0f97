"""Recordings on the disk: what was exported, and what the last crashes left.

Nothing is written unless somebody asks for it or the process ends by a bug; few files are kept, so
that a process that dies again and again does not wear the card.

Quality: tested on real directories.
"""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Final, cast

from edge.core.instant import Instant
from edge.errors import TransferFailed

MOST_CRASHES: Final = 5  # files of 2 MiB at most: the first of a series and the last look alike
LEVEL: Final = 1  # of gzip: whoever crashed has to be up again soon


class Recordings:
    """The files in *directory*, which is made when the first is kept."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def crashes(self) -> list[Path]:
        """What crashes left, oldest first."""
        return sorted(self._directory.glob("crash-*.rec.gz"))

    def keep(self, parts: Iterable[bytes], at: Instant) -> Path:
        """Write what led to a crash and let the oldest go; raises `OSError`."""
        path = self._directory / f"crash-{at.wall:%Y%m%dT%H%M%S.%f}.rec.gz"
        with (
            _created(self._directory, path) as file,
            gzip.GzipFile(fileobj=file, mode="wb", compresslevel=LEVEL, mtime=0) as packed,
        ):
            for part in parts:
                packed.write(part)
        for old in self.crashes()[:-MOST_CRASHES]:
            old.unlink()
        return path

    async def export(self, parts: Iterable[bytes]) -> Path:
        """Write a recording for somebody who comes to take it; raises `TransferFailed`."""
        try:
            return await asyncio.to_thread(self._export, parts)
        except OSError as error:
            raise TransferFailed("other", f"no recording was written: {error}") from error

    def _export(self, parts: Iterable[bytes]) -> Path:
        path = self._directory / "export.rec"
        with _created(self._directory, path) as file:
            for part in parts:
                file.write(part)
        return path


def _created(directory: Path, path: Path) -> BinaryIO:
    """A new file for our own user alone."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return cast("BinaryIO", os.fdopen(descriptor, "wb"))
