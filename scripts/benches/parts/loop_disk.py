"""A disk of our own: ext4 in a file, mounted where only this process and its children see it.

It can be shut down hard (`FS_IOC_SHUTDOWN` without a last flush): what was not on the disk by then
never gets there, as in a power cut, but with the kernel's own file system below the unmodified
program (durability 1.5). The namespace is private and the loop device clears itself: whatever kills
us, nothing stays behind.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

SIZE: Final = 64 * 2**20
OPTIONS: Final = "loop,noatime"  # as the install page says
CLONE_NEWNS: Final = 0x20000
MS_REC_PRIVATE: Final = 1 << 14 | 1 << 18
FS_IOC_SHUTDOWN: Final = 0x8004587D  # _IOR('X', 125, __u32)
NO_LOG_FLUSH: Final = 2
SECTOR: Final = 512
WRITTEN_SECTORS: Final = 6  # field of /sys/block/*/stat
LIBC: Final = ctypes.CDLL(None, use_errno=True)


class NoDisk(OSError):
    """This machine or this user cannot have one; the message is one sentence that says why."""


class Disk:
    """A mounted ext4; `open_disk` makes it."""

    def __init__(self, image: Path, place: Path) -> None:
        self.place = place
        self._image = image

    def mount(self) -> None:
        """Mount it; what an unclean end left is recovered by the kernel."""
        _run("mount", "-t", "ext4", "-o", OPTIONS, str(self._image), str(self.place))

    def cut(self) -> None:
        """Let nothing more reach the disk, from this moment on; raises `NoDisk` if it cannot be."""
        directory = os.open(self.place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(directory, FS_IOC_SHUTDOWN, struct.pack("=I", NO_LOG_FLUSH))
        except OSError as error:
            raise NoDisk(f"the kernel shuts no file system down: {error.strerror}") from error
        finally:
            os.close(directory)

    def come_back(self) -> None:
        """Mount it again after a cut, once all who had files open there are dead."""
        _run("umount", str(self.place))
        self.mount()

    def written(self) -> int:
        """Bytes that the device below has written since it was made."""
        number = os.minor(self.place.stat().st_dev)
        stat = Path(f"/sys/block/loop{number}/stat").read_text(encoding="ascii")
        return int(stat.split()[WRITTEN_SECTORS]) * SECTOR


@contextmanager
def open_disk(place: Path) -> Iterator[Disk]:
    """Make a disk and mount it at the directory *place*; raises `NoDisk` where that cannot be."""
    have_own_mounts()
    image = place.with_name(f"{place.name}.img")
    with image.open("wb") as file:
        file.truncate(SIZE)
    disk = Disk(image, place)
    try:
        # All is initialised now: the kernel would do it later, in the middle of a measurement.
        _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))
        disk.mount()
        yield disk
    finally:
        if place.is_mount():
            _run("umount", "--lazy", str(place))  # whoever still has a file open there keeps it
        image.unlink()


def have_own_mounts() -> None:
    """What this process mounts from now on only it and its children see; raises `NoDisk`."""
    if os.geteuid() != 0:
        raise NoDisk("only root may mount a file system")
    if LIBC.unshare(CLONE_NEWNS) or LIBC.mount(b"none", b"/", None, MS_REC_PRIVATE, None):
        why = os.strerror(ctypes.get_errno())
        raise NoDisk(f"this root may have no mounts of its own: {why}")


def _run(*words: str) -> None:
    try:
        subprocess.run(words, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NoDisk(f"there is no {words[0]} here") from error
    except subprocess.CalledProcessError as error:
        raise NoDisk(f"{words[0]} fails here: {error.stderr.strip()}") from error
