"""Secrets of this installation: files of the state directory that only its owner can read."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from csms_lite.chance import Chance
from csms_lite.errors import SettingsError
from edge.wholefile import write_new


def read_secret(path: Path, chance: Chance) -> str:
    """Read a secret, or make one (64 hexadecimal digits) where there is none yet.

    Raises `SettingsError` when the file cannot be used, or is empty.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            with suppress(FileExistsError):  # another start was first
                write_new(path, f"{chance.token()}\n".encode())
        secret = path.read_text().strip()
    except OSError as failure:
        raise SettingsError(f"{path} cannot be used: {failure.strerror}") from failure
    if not secret:
        raise SettingsError(f"{path} is empty: remove it, the next start makes a new one")
    return secret
