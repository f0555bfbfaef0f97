"""Writes a file anew as fast as it can, and says each number that was acknowledged.

`python -m tests.ext4.rewriter PATH [--weak]` goes on behind the number that it finds. `--weak` is
for the control: nothing is synced.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from edge.wholefile import write_whole

TIMES: Final = 700  # a number fills more than one page


def block(number: int) -> bytes:
    """What the file holds then."""
    return b"%010d" % number * TIMES


def number_of(path: Path) -> int:
    """The number in the file, 0 where there is none; -1 for one that is not whole."""
    content = path.read_bytes() if path.exists() else block(0)
    number = int(content[:10] or -1)
    return number if content == block(number) else -1


if __name__ == "__main__":
    path = Path(sys.argv[1])
    last = max(0, number_of(path))
    if "--weak" in sys.argv:
        os.fsync = lambda fd: None
    while True:
        os.write(1, f"{last}\n".encode())
        last += 1
        write_whole(path, block(last))
