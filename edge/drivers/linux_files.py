"""Device files of Linux as drivers use them; the seam below which a device is simulated.

Quality: thin calls of the kernel; pipes and simulated devices stand behind it in tests.
"""

from __future__ import annotations

import fcntl
import os
from typing import Protocol


class Files(Protocol):
    """Open, close, read, write, ioctl, as the kernel has them; each raises `OSError`."""

    def open(self, path: str) -> int:
        """Open the device *path*; returns its descriptor."""
        ...

    def close(self, descriptor: int) -> None:
        """Let it go."""
        ...

    def read(self, descriptor: int, count: int) -> bytes:
        """Read *count* bytes at most."""
        ...

    def write(self, descriptor: int, data: bytes) -> None:
        """Write *data*, all of it: devices take a message or refuse it."""
        ...

    def ioctl(self, descriptor: int, request: int, argument: int | bytes) -> None:
        """Ask the driver *request*; a structure passes as its bytes."""
        ...


class LinuxFiles:
    """The real ones."""

    def open(self, path: str) -> int:
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def read(self, descriptor: int, count: int) -> bytes:
        return os.read(descriptor, count)

    def write(self, descriptor: int, data: bytes) -> None:
        os.write(descriptor, data)

    def ioctl(self, descriptor: int, request: int, argument: int | bytes) -> None:
        fcntl.ioctl(descriptor, request, argument)
