"""The bytes of files on the disk: streamed in, bounded, whole or not there at all.

A file's name here is its number: what anybody calls it never becomes a path.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from io import FileIO
from pathlib import Path
from typing import Final

import structlog

from csms_lite.clock import Clock
from csms_lite.errors import SettingsError, StoreFailed, TooLarge
from csms_lite.files import service
from csms_lite.files.rules import Bounds, StoredFile
from csms_lite.store.writer import Store
from edge.wholefile import take_name

AT_ONCE: Final = 16  # uploads under way; each holds a chunk in memory
CHUNK: Final = 1024 * 1024  # bytes per hop to the thread
PIECE_WITHIN_S: Final = 60.0  # a station's mobile line may stall
WHOLE_WITHIN_S: Final = 3600.0
ADDRESSES_KEPT_MS: Final = 7 * 86_400_000  # beyond their expiry, for who wonders
SUFFIX: Final = ".part"

log = structlog.get_logger(__name__)


class Shelf:
    """Where files stand; *open* before use."""

    def __init__(self, directory: Path, store: Store, clock: Clock, bounds: Bounds) -> None:
        self._directory = directory
        self._store = store
        self._clock = clock
        self._bounds = bounds
        self._under_way = 0
        self._arriving = 0
        self._stored = 0

    async def open(self) -> None:
        """Make the directory, and remove what was under way when the process ended."""
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as failure:
            raise SettingsError(f"{self._directory} cannot be used: {failure}") from failure
        self.remove(await self._store.do(service.drop_arriving))
        for left in self._directory.glob(f"*{SUFFIX}"):
            left.unlink(missing_ok=True)

    def path(self, file_id: int) -> Path:
        """Give where a file stands."""
        return self._directory / str(file_id)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold one of the few places for uploads; raises `StoreFailed` when all are taken."""
        if self._under_way >= AT_ONCE:
            raise StoreFailed(f"{AT_ONCE} files are being brought: try again later")
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def receive(self, file_id: int, pieces: AsyncIterator[bytes]) -> StoredFile:
        """Write what comes as the file of this number, and keep it once it is whole.

        Raises `TooLarge` and `StoreFailed`; what is not whole leaves nothing behind.
        """
        part = self.path(file_id).with_suffix(SUFFIX)
        is_whole = False
        writing = _Writing(part)
        self._stored = await self._store.read(service.total_bytes)
        try:
            async with asyncio.timeout(WHOLE_WITHIN_S):
                await asyncio.to_thread(writing.begin)
                await self._write(writing, pieces)
                await asyncio.to_thread(writing.finish, self.path(file_id))
            kept = await self._store.do(
                service.stored,
                file_id,
                size=writing.size,
                sha256=writing.digest.hexdigest(),
                now_ms=self._clock.now_ms(),
            )
            is_whole = True
            self._stored += kept.size
        except TimeoutError as late:
            raise StoreFailed("the file did not come in time: bring it again") from late
        except OSError as failure:
            raise StoreFailed(f"the file cannot be stored: {failure}") from failure
        finally:
            self._arriving -= writing.size
            if not is_whole:
                writing.abandon()
                self.remove([file_id])
                await self._store.do(service.dropped, file_id)
        log.info("file_stored", file=file_id, bytes=kept.size)
        return kept

    def remove(self, file_ids: Iterable[int]) -> None:
        """Take files from the disk; those that are not there are passed over."""
        for file_id in file_ids:
            with contextlib.suppress(OSError):
                self.path(file_id).unlink(missing_ok=True)

    async def tidy(self, now_ms: int) -> None:
        """Remove uploads kept long enough, and addresses that nobody can use."""
        before_ms = now_ms - self._bounds.uploads_kept_ms
        while lapsed := await self._store.do(service.lapse, before_ms):
            await asyncio.to_thread(self.remove, lapsed)
        while await self._store.do(service.forget_addresses, now_ms - ADDRESSES_KEPT_MS):
            pass

    async def _write(self, writing: _Writing, pieces: AsyncIterator[bytes]) -> None:
        waiting = bytearray()
        while True:
            async with asyncio.timeout(PIECE_WITHIN_S):
                piece = await anext(pieces, None)
            if piece is not None:
                waiting += piece
                writing.size += len(piece)
                self._arriving += len(piece)
                self._check_room(writing.size)
            if waiting and (piece is None or len(waiting) >= CHUNK):
                await asyncio.to_thread(writing.write, bytes(waiting))
                waiting.clear()
            if piece is None:
                return

    def _check_room(self, size: int) -> None:
        if size > self._bounds.file_most:
            raise TooLarge(f"a file holds at most {self._bounds.file_most} bytes")
        if self._stored + self._arriving > self._bounds.total_most:
            raise TooLarge(
                f"all files together hold at most {self._bounds.total_most} bytes: "
                "delete some, or let them take more"
            )


class _Writing:
    """A file that is being written; all but the sizes is the thread's.

    It is no bare descriptor: after `abandon` a thread that still writes must fail, not write into
    whatever file has got the same number since.
    """

    def __init__(self, part: Path) -> None:
        self._part = part
        self._file: FileIO | None = None
        self.size = 0
        self.digest = hashlib.sha256()

    def begin(self) -> None:
        self._file = FileIO(self._part, "w", opener=_opened)

    def write(self, data: bytes) -> None:
        assert self._file is not None
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        self.digest.update(data)

    def finish(self, path: Path) -> None:
        """Have it on the disk under its own name before anybody is told."""
        assert self._file is not None
        self._file.close()
        take_name(self._part, path)

    def abandon(self) -> None:
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()
            self._part.unlink(missing_ok=True)


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
