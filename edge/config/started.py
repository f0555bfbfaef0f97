"""What the controller was started with, kept for its end: edge.toml may be half edited by then."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from edge.wholefile import write_whole

NAME: Final = "started.toml"
"""In the unit's runtime directory, for its ExecStopPost."""


def keep_started(files: Sequence[Path], folder: str | None) -> None:
    """Copy the configuration that was just read into *folder*, systemd's RUNTIME_DIRECTORY.

    Only what can be used gets there, so whatever is tried after a slip, the outputs of the last
    start are still known. The unit has one file; without a unit, or with several, nothing is kept.
    """
    if not folder or len(files) != 1:
        return
    write_whole(Path(folder) / NAME, files[0].read_bytes())
