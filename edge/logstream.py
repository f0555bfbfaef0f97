"""Where processes of ours log to: what cannot be written is lost, and nothing else; a leaf.

A log that is a file on a full disk, or a pipe whose reader is gone, must end no controller.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TextIO, cast


class LogStream:
    """What `print` asks of a file; *file* takes what it can, `None` nothing."""

    def __init__(self, file: TextIO | None) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write *text*, or not."""
        with suppress(OSError):
            if self._file is not None:
                self._file.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written, or not."""
        with suppress(OSError):
            if self._file is not None:
                self._file.flush()


def lasting(file: TextIO | None) -> TextIO:
    """Give *file*, as `sys.stderr`, as one that never raises `OSError`, for a logger's factory."""
    return cast("TextIO", LogStream(file))
