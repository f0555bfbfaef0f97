"""The disk as SQLite sees it: what `os_unix.c` makes of one, call for call, in `apsw`.

Where it matters to a power cut it follows that file: a new journal or WAL has its directory synced
behind its own first sync (UNIXFILE_DIRSYNC), a deleted one only when SQLite asks for it, an empty
file counts as none (unixAccess). Locks are not modelled: there is one process.

What it says of the disk is what the Unix layer says of every disk, as that is what the deployed
library acts on: powersafe overwrite, no atomic write. Claiming less would make SQLite pad the WAL
to whole sectors, which no charging point does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import PosixPath, PurePath
from typing import Final, cast

import apsw

from tests.disk.disk import Disk

NAME: Final = "simulated"
JOURNALS: Final = (
    apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL | apsw.SQLITE_OPEN_WAL
)


class OpenFile:
    """One open file."""

    def __init__(self, disk: Disk, number: int, *, syncs_directory: bool = False) -> None:
        self._disk = disk
        self._number = number
        self._cache = disk.files[number].cache
        self._syncs_directory = syncs_directory

    def xRead(self, amount: int, offset: int) -> bytearray:  # noqa: N802  SQLite's name
        self._disk.before_call("read")
        return self._cache[offset : offset + amount]

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  SQLite's name
        try:
            self._disk.before_call("write")
        except apsw.FullError:
            # What still found room is written.
            self._disk.write(self._number, offset, bytes(data)[: len(data) // 2])
            raise
        self._disk.write(self._number, offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802  SQLite's name
        self._disk.before_call("truncate")
        self._disk.truncate(self._number, newsize)

    def xSync(self, _flags: int) -> None:  # noqa: N802  SQLite's name
        try:
            self._disk.before_call("sync")
        except apsw.Error:
            self._disk.fail_sync(self._number)
            raise
        self._disk.sync(self._number)
        if self._syncs_directory:
            self._disk.sync_directory()
            self._syncs_directory = False

    def xFileSize(self) -> int:  # noqa: N802  SQLite's name
        self._disk.before_call("size")
        return len(self._cache)

    def xLock(self, _level: int) -> None:  # noqa: N802  SQLite's name
        """There is one process."""

    def xUnlock(self, _level: int) -> None:  # noqa: N802  SQLite's name
        """There is one process."""

    def xCheckReservedLock(self) -> bool:  # noqa: N802  SQLite's name
        return False

    def xFileControl(self, _op: int, _pointer: int) -> bool:  # noqa: N802  SQLite's name
        return False

    def xSectorSize(self) -> int:  # noqa: N802  SQLite's name
        return 4096  # SQLITE_DEFAULT_SECTOR_SIZE

    def xDeviceCharacteristics(self) -> int:  # noqa: N802  SQLite's name
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE

    def xClose(self) -> None:  # noqa: N802  SQLite's name
        """What is not synced stays so."""


class Directories(apsw.VFS):
    """Directories, each of them a disk of its own while it is mounted."""

    def __init__(self) -> None:
        super().__init__(NAME, "")
        self.disks: dict[str, Disk] = {}
        self._mounted = 0

    @contextmanager
    def mounted(self, disk: Disk) -> Iterator[PosixPath]:
        """The directory under which *disk* is found."""
        self._mounted += 1
        directory = Place(f"/simulated-{self._mounted}")
        self.disks[str(directory)] = disk
        try:
            yield directory
        finally:
            del self.disks[str(directory)]

    def xFullPathname(self, name: str) -> str:  # noqa: N802  SQLite's name
        return name

    def xAccess(self, pathname: str, _flags: int) -> bool:  # noqa: N802  SQLite's name
        disk, name = self._found(pathname)
        disk.before_call("access")
        return name in disk.names and bool(disk.files[disk.names[name]].cache)

    def xOpen(  # noqa: N802  SQLite's name
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        if name is None:
            # A temporary file, of which nothing outlives the process.
            disk = Disk()
            disk.create("scratch")
            return _file(disk, 0)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        disk, name = self._found(path)
        disk.before_call("open")
        if name not in disk.names:
            if not flags[0] & apsw.SQLITE_OPEN_CREATE:
                raise apsw.exception_for(apsw.SQLITE_CANTOPEN)
            disk.create(name)
        flags[1] = flags[0]
        new_journal = flags[0] & apsw.SQLITE_OPEN_CREATE and flags[0] & JOURNALS
        return _file(disk, disk.names[name], syncs_directory=bool(new_journal))

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802  SQLite's name
        disk, name = self._found(filename)
        disk.before_call("delete")
        if name not in disk.names:
            raise apsw.exception_for(apsw.SQLITE_IOERR_DELETE_NOENT)
        disk.remove(name)
        if syncdir:
            disk.sync_directory()

    def _found(self, path: str) -> tuple[Disk, str]:
        directory, _, name = path.rpartition("/")
        return self.disks[directory], name


def _file(disk: Disk, number: int, *, syncs_directory: bool = False) -> apsw.VFSFile:
    """`apsw` takes whatever has the methods; deriving would open a file of the real disk."""
    return cast(apsw.VFSFile, OpenFile(disk, number, syncs_directory=syncs_directory))


SIMULATED: Final = Directories()
"""Registered with SQLite by being made."""


def sync_directory(directory: PurePath) -> None:
    """What the journal does to a directory that a disk is mounted at."""
    SIMULATED.disks[str(directory)].sync_directory()


class Place(PosixPath):
    """A path on a simulated disk, for what the journal asks of one; else there is no such file."""

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        assert str(self) in SIMULATED.disks, f"no disk is mounted at {self}"

    def exists(self) -> bool:
        return self.name in self._disk.names

    def rename(self, target: str | PathLike[str]) -> Place:
        if not self.exists():
            raise FileNotFoundError(self)
        self._disk.rename(self.name, Place(target).name)
        return Place(target)

    def unlink(self, missing_ok: bool = False) -> None:
        if self.exists():
            self._disk.remove(self.name)
        elif not missing_ok:
            raise FileNotFoundError(self)

    def read_bytes(self) -> bytes:
        return self._disk.contents(self.name)

    @property
    def _disk(self) -> Disk:
        return SIMULATED.disks[str(self.parent)]
