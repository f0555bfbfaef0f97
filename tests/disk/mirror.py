"""A real directory that a simulated disk is told of: what a cut leaves of what real code does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.disk.disk import Disk

CALLS: Final = ("fsync", "link", "rename", "replace", "unlink")
Found = dict[str, bytes]


class Mirror:
    """Tells *disk* what became of *directory*, which is flat, around each of `CALLS`."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._directory = directory
        self._numbers: dict[int, int] = {}  # inode -> the disk's number
        self.disk = disk

    def look(self) -> None:
        """See what is there; between two looks at most one name has changed."""
        there = {entry.name: entry.inode() for entry in os.scandir(self._directory)}
        for name in sorted(there):
            if there[name] not in self._numbers:
                self._numbers[there[name]] = len(self.disk.files)
                self.disk.create(name)
        now = {name: self._numbers[inode] for name, inode in there.items()}
        gone = self.disk.names.keys() - now.keys()
        changed = [name for name in now if self.disk.names.get(name) != now[name]]
        for name in changed:
            old = next(one for one, number in self.disk.names.items() if number == now[name])
            change = self.disk.rename if old in gone else self.disk.link
            change(old, name)
        for name in self.disk.names.keys() - now.keys():
            self.disk.remove(name)
        self._numbers = {inode: self._numbers[inode] for inode in there.values()}
        for name, number in now.items():
            content = (self._directory / name).read_bytes()
            if content != self.disk.contents(name):
                self.disk.truncate(number, 0)
                self.disk.write(number, 0, content)

    def synced(self, descriptor: int) -> None:
        """What is behind *descriptor* is on the disk."""
        inode = os.fstat(descriptor).st_ino
        if inode in self._numbers:
            self.disk.sync(self._numbers[inode])
        else:
            self.disk.sync_directory()


@contextmanager
def mirrored(directory: Path, disk: Disk) -> Iterator[Mirror]:
    """What is in *directory* now is on *disk* for good; what follows is in its log."""
    mirror = Mirror(directory, disk)
    mirror.look()
    for number in disk.files:
        Disk.sync(disk, number)
    Disk.sync_directory(disk)
    disk.log.clear()
    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, _seen(name, getattr(os, name), mirror))
        yield mirror
    mirror.look()


def _seen(name: str, real: Callable[..., Any], mirror: Mirror) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        mirror.look()
        done = real(*arguments, **named)
        if name == "fsync":
            mirror.synced(*arguments)
        mirror.look()
        return done

    return call
