"""What a process has written to disks, as the kernel counts it: whole pages, as they go to a file.

The file system's own journal is not in it; `scripts/bench wear` holds it against what the device
writes, and they agree to a tenth.

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
