"""What a process has written to disks, as the kernel counts it: whole pages, as they go to a file.

The journal of the file system below and its inodes are not in it: the device writes more, and
`scripts/bench wear` says how much.

Quality card: measured on a loop device; a Raspberry Pi's kernel has the same file.
"""

from __future__ import annotations

from pathlib import Path


def written_bytes(process: int | str = "self") -> int | None:
    """Bytes since *process* began; `None` where the kernel does not count them."""
    try:
        told = Path(f"/proc/{process}/io").read_text(encoding="ascii")
    except OSError:
        return None
    counts = dict(line.split(": ") for line in told.splitlines())
    return int(counts["write_bytes"])
