"""Who has the state directory: one daemon, or one command while no daemon runs."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import ConfigError


@contextmanager
def possessed(state_dir: Path) -> Iterator[None]:
    """Hold the state directory before any output is touched; raises `ConfigError`."""
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        # no link: the daemon's user, who owns the directory, would be given what it leads to
        how = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        descriptor = os.open(state_dir / "daemon.lock", how, 0o600)
    except OSError as error:
        raise ConfigError(f"{state_dir} cannot be used ({error.strerror}): check it") from error
    if os.geteuid() == 0:  # a command of root's must not take it from the daemon's own user
        owner = state_dir.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise ConfigError(
            f"{state_dir} is in use by another daemon: stop it, or give another --state-dir"
        ) from error
    try:
        yield
    finally:
        os.close(descriptor)
